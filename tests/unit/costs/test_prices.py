"""What a node says it costs."""

from collections.abc import Mapping
from datetime import date

import pytest

from kubelab.costs.prices import Price, PriceSheet, SheetError, price_of
from kubelab.costs.rates import Resources
from kubelab.costs.survey import cost_of
from tests.unit.costs.objects import at, node, pod


class Known:
    """Prices by a list."""

    def of(self, labels: Mapping[str, str]) -> Price | None:
        known = labels.get("node.kubernetes.io/instance-type") == "test.large"
        return Price(7.0, date(2026, 1, 2), "a list") if known else None


def test_a_nodes_own_price_goes_before_a_list() -> None:
    assert price_of(node(usd="0.5"), Known()) == Price(0.5, date(2026, 7, 20))


def test_a_node_that_says_nothing_is_priced_by_its_labels() -> None:
    assert price_of(node(usd=None), Known()) == Price(7.0, date(2026, 1, 2), "a list")
    assert price_of(node(usd=None)) is None


@pytest.mark.parametrize("usd", ["-1", "nan", "inf", "much"])
def test_what_is_no_price_counts_as_none(usd: str) -> None:
    assert price_of(node(usd=usd)) is None


def test_a_price_without_a_date_counts_as_none() -> None:
    undated = node()
    del undated["metadata"]["annotations"]["autoscaling.kubelab.dev/price-date"]
    assert price_of(undated) is None


def test_a_sheet_prices_nodes_that_nobody_else_does_and_its_rates_are_used_as_they_are() -> None:
    sheet = PriceSheet.parse("0.1,0.01,1.0,2026-01-01")
    nodes = [node("own", usd=None, gpus=1), node("priced", usd="2")]
    cost = cost_of(nodes, [pod("a", on="own", cpu="5", gpus=1)], start=at(0), now=at(10), prices=sheet)
    assert cost.usd_per_hour == pytest.approx(10 * 0.1 + 10 * 0.01 + 1.0 + 2)
    (row,) = cost.allocation.pods
    assert (row.money.cpu, row.money.gpu) == (pytest.approx(5.0), pytest.approx(10.0))
    assert cost.unpriced == ()
    assert [f"{each}" for each in cost.price_dates] == ["2026-01-01", "2026-07-20"]


def test_opencosts_sheet_has_its_date() -> None:
    found = PriceSheet.parse("opencost").of_capacity(Resources(2, 4, 1))
    assert found.usd_per_hour == pytest.approx(2 * 0.031611 + 4 * 0.004237 + 0.95)
    assert f"{found.date}" == "2024-10-24"


@pytest.mark.parametrize("text", ["", "1,2,3", "1,2,3,soon", "-1,2,3,2026-01-01", "a,b,c,2026-01-01"])
def test_what_is_no_sheet_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(SheetError, match="2026-01-01"):
        PriceSheet.parse(text)
