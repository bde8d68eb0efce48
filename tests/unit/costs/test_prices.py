"""What a node says it costs."""

from collections.abc import Mapping
from datetime import date

import pytest

from kubelab.costs.prices import Price, price_of
from tests.unit.costs.objects import node


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
