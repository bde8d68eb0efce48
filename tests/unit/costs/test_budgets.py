"""How budgets stand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kubelab.costs.allocation import Window
from kubelab.costs.allocations import Allocations
from kubelab.costs.budgets import BUDGET, BudgetError, budgets_of, statuses
from kubelab.costs.ledger import Ledger
from tests.unit.costs.objects import at, node, pod

DAY = timedelta(days=1)


def month(days: float) -> Allocations:
    """A namespace that has half of a node of 24 USD a day."""
    ledger = Ledger.of([node()], [pod("a", cpu="5", memory="5Gi")], now=at(24 * days))
    return Allocations.of(ledger, Window(at(0), at(24 * days)), step="1d")


@pytest.mark.parametrize(("usd", "state"), [(400.0, "within"), (371.0, "will be over"), (119.0, "over")])
def test_a_budget_is_held_against_what_the_month_will_have_cost(usd: float, state: str) -> None:
    (found,) = statuses(month(10.5), {"default": usd}, step=DAY)
    assert found.spent_usd == pytest.approx(126.0)
    assert found.month_end is not None
    assert found.month_end.usd == pytest.approx(31 * 12)
    assert found.state == state


def test_too_little_known_is_no_forecast() -> None:
    (found,) = statuses(month(2), {"default": 40.0}, step=DAY)
    assert (found.month_end, found.state) == (None, "within")


def test_a_namespace_that_cost_nothing_has_spent_nothing() -> None:
    (found,) = statuses(month(5), {"other": 1.0}, step=DAY)
    assert (found.spent_usd, found.state) == (0.0, "within")


def test_namespaces_say_their_budgets_and_what_is_no_amount_counts_for_nothing() -> None:
    texts = {"a": "500", "b": "much", "c": "-1", "d": "inf", "e": None}
    namespaces = [
        {"metadata": {"name": name, "annotations": {BUDGET: text} if text else {}}}
        for name, text in texts.items()
    ]
    assert budgets_of(namespaces) == {"a": 500.0}


@pytest.mark.parametrize("usd", [float("nan"), -1.0, float("inf")])
def test_a_budget_that_is_no_amount_is_refused(usd: float) -> None:
    with pytest.raises(BudgetError, match="the budget of default is"):
        statuses(month(5), {"default": usd}, step=DAY)


def test_nodes_without_a_price_are_told_wherever_the_costs_are_shown() -> None:
    ledger = Ledger.of([node(usd=None)], [pod("a", cpu="5", memory="5Gi")], now=at(24))
    found = Allocations.of(ledger, Window(at(0), at(24)))
    assert "1 node without a price, counted as 0 USD" in repr(found)
    assert "1 node without a price, counted as 0 USD" in found._repr_html_()
    assert found.frame().attrs["unpriced"] == found.unpriced
