"""``meta/v1`` ListOptions, from the query of a list, a watch or a deletion of a collection.

Upstream: ``ValidateListOptions`` of apimachinery's ``pkg/apis/meta/internalversion`` and of apiserver's
``pkg/storage`` (Kubernetes 1.37), whose refusals are given word for word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kubelab.client import Resource
from kubelab.engine.apiserver.continuation import position
from kubelab.engine.apiserver.integers import IntegerError, parse_uint
from kubelab.engine.apiserver.requests import Request
from kubelab.engine.apiserver.status import bad_request, failure, invalid
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, not_supported

_OPTIONS = Resource("meta.k8s.io", "v1", "ListOptions", "ListOptions")
_MATCHES = ("Exact", "NotOlderThan", "")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list or a watch asks for; ``initial`` is None where nothing is said about initial events."""

    label_selector: str = ""
    field_selector: str = ""
    version: str = ""
    match: str = ""
    token: str = ""
    limit: int = 0
    timeout_s: int = 0
    watch: bool = False
    initial: bool | None = None
    bookmarks: bool = False

    @staticmethod
    def of(request: Request) -> ListOptions:
        """Read the options.

        Raises
        ------
        ApiError
            400 if one is malformed, 422 if they contradict each other.
        """
        query = request.query
        if not query:
            return _NONE
        options = ListOptions(
            query.get("labelSelector", ""),
            query.get("fieldSelector", ""),
            query.get("resourceVersion", ""),
            query.get("resourceVersionMatch", ""),
            query.get("continue", ""),
            timeout_s=request.integer("timeoutSeconds") or 0,
            limit=max(request.integer("limit") or 0, 0),
            watch=request.flag("watch"),
            initial=request.flag("sendInitialEvents") if "sendInitialEvents" in query else None,
            bookmarks=request.flag("allowWatchBookmarks"),
        )
        if options.watch and options.initial is None and not options.match and options.version in {"", "0"}:
            options = replace(options, initial=True, match="NotOlderThan")  # what a watch always meant
        causes = list(_watch_problems(options) if options.watch else _list_problems(options))
        if causes:
            raise invalid(_OPTIONS, "", causes)
        return options

    def start(self) -> tuple[int, tuple[str, str] | None]:
        """Return the version that a list is to show, and the key that it continues after.

        Raises
        ------
        ApiError
            400 if they are malformed, or both are given.
        """
        if not self.token:
            try:
                return parse_version(self.version), None
            except ValueError as error:
                raise bad_request(f"invalid resource version: {error}") from None
        version, after = position(self.token)
        if self.version not in {"", "0"}:
            raise bad_request("specifying resource version is not allowed when using continue")
        return version, after


_NONE = ListOptions()


def parse_version(text: str) -> int:
    """Return a resource version, 0 for none.

    Raises
    ------
    ValueError
        In upstream's words, if it is not an unsigned number of 64 bits.
    """
    if not text:
        return 0
    try:
        return parse_uint(text)
    except IntegerError as error:
        raise ValueError(f'resourceVersion: Invalid value: "{text}": {error}') from None


def requested_version(request: Request) -> int:
    """Return the version that a get asks for, 0 for the present one.

    Raises
    ------
    ApiError
        500, as upstream, if it is not a number.
    """
    try:
        return parse_version(request.query.get("resourceVersion", ""))
    except ValueError as error:
        raise failure(500, "", str(error)) from None


def _list_problems(options: ListOptions) -> Iterator[Cause]:
    match, field = options.match, "resourceVersionMatch"
    if match:
        if not options.version:
            yield forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        if options.token:
            yield forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
        if match not in _MATCHES:
            yield not_supported(field, match, _MATCHES)
        if match == "Exact" and options.version == "0":
            yield forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
    if options.initial is not None:
        yield forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")


def _watch_problems(options: ListOptions) -> Iterator[Cause]:
    match, field = options.match, "resourceVersionMatch"
    if options.initial is not None and match != "NotOlderThan":
        yield forbidden(field, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
    if match:
        if options.initial is None:
            told = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            yield forbidden(field, told)
        if match != "NotOlderThan":
            yield not_supported(field, match, ("NotOlderThan",))
        if options.token:
            yield forbidden(field, "resourceVersionMatch is forbidden when continue is provided")
