"""The bill in FOCUS's columns."""

import json

import pytest

from kubelab.costs.survey import cost_of
from tests.unit.costs.objects import at, node, pod


def test_rows_add_up_to_the_bill_and_say_whose_they_are() -> None:
    pods = [
        pod("a", labels={"job-name": "train"}),
        pod("b", namespace="ml"),
        pod("c", namespace="ml", on="n2"),
    ]
    cost = cost_of(
        [node(), node("n2", usd="2", since=5), node("n3", usd=None)], pods, start=at(0), now=at(10)
    )
    frame = cost.to_focus("lab")
    assert frame["BilledCost"].sum() == pytest.approx(cost.total_usd)
    assert list(frame["ResourceName"]) == ["n1", "n1", "n1", "n2", "n2"]
    tags = [json.loads(text) for text in frame["Tags"]]
    assert tags[0] == {"namespace": "default", "job": "train"}
    assert tags[2] == {"idle": "true"}
    assert set(frame["BillingAccountId"]) == {"lab"}
    assert set(frame["x_PriceDate"]) == {"2026-07-20"}


def test_periods_are_utc_and_end_before_the_next_begins() -> None:
    frame = cost_of([node("n1", since=2)], [], start=at(0), now=at(10)).to_focus()
    (row,) = frame.to_dict("records")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        "2026-01-01T02:00:00Z",
        "2026-01-01T10:00:00Z",
    )
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    assert (row["PricingQuantity"], row["PricingUnit"]) == (pytest.approx(8.0), "Hours")
