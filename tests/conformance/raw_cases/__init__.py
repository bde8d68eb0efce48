"""Every case: requests by the part of the API that they are about."""

from tests.conformance import cases
from tests.conformance.raw import Call
from tests.conformance.raw_cases import answering, applying, custom, deleting, listing, subresources

CASES: dict[str, list[Call]] = {
    **cases.CASES,
    **applying.CASES,
    **deleting.CASES,
    **listing.CASES,
    **answering.CASES,
    **subresources.CASES,
    **custom.CASES,
}
