from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from kubelab import Cluster, portal
from kubelab.client import DEPLOYMENTS, NAMESPACES
from kubelab.costs.budgets import BUDGET
from kubelab.costs.grouping import AggregateError
from kubelab.simulated_cluster import SimulatedCluster
from kubelab_widgets import CostPanel
from tests.unit.simulated_day import deployment

if TYPE_CHECKING:
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_nodes(2, {"labels": {"node.kubernetes.io/instance-type": "m6i.2xlarge"}})
        portal.run(made.client.create(DEPLOYMENTS, deployment("web", 4)))
        made.run(hours=2)
        yield made


@pytest.fixture
def panel(lab: SimulatedCluster, page: Page, say: Say) -> Iterator[CostPanel]:
    with CostPanel(lab) as shown:
        say(shown, type="hello")
        yield shown


def costs(page: Page) -> dict[str, Any]:
    return page.sections().get("costs") or {}


def test_the_burn_rate_and_who_pays_are_shown_with_idle_last_and_on_top(
    panel: CostPanel, page: Page, eventually: Eventually
) -> None:
    eventually(lambda: costs(page))
    shown = costs(page)
    assert shown["usd_per_hour"] == pytest.approx(2 * 0.384)
    assert [row["name"] for row in shown["rows"]] == ["default", "__idle__"]
    assert sum(row["usd"] for row in shown["rows"]) == pytest.approx(shown["spent_usd"])
    assert list(shown["curves"]["groups"]) == ["default", "__idle__"]
    hour_usd = [sum(each) for each in zip(*shown["curves"]["groups"].values(), strict=True)]
    assert hour_usd == pytest.approx([2 * 0.384] * 48, abs=1e-3)


def test_costs_are_put_together_by_what_the_reader_asks_for_or_refused_in_words(
    panel: CostPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="by", aggregate="controller")
    eventually(lambda: costs(page).get("aggregate") == "controller")
    assert costs(page)["rows"][0]["name"] == "web"
    say(panel, type="by", aggregate="colour")
    eventually(lambda: "'colour'" in str(page.sections().get("notice")))
    assert costs(page)["aggregate"] == "controller"


def test_a_budget_of_a_namespace_is_a_line(
    lab: SimulatedCluster, panel: CostPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    portal.run(lab.client.patch(NAMESPACES, "default", {"metadata": {"annotations": {BUDGET: "73"}}}))
    eventually(lambda: costs(page).get("budget_usd_per_hour"))
    assert costs(page)["budget_usd_per_hour"] == pytest.approx(0.1)
    assert costs(page)["rows"][0]["budget_usd"] == 73.0


def test_time_that_passes_costs_money(panel: CostPanel, page: Page, say: Say, eventually: Eventually) -> None:
    say(panel, type="step", seconds=3600)
    eventually(lambda: costs(page).get("hours", 0) > 2.9)
    assert costs(page)["spent_usd"] == pytest.approx(3 * 2 * 0.384, rel=0.01)


def test_a_report_shows_costs_without_a_kernel(panel: CostPanel) -> None:
    still = panel.fallback()
    assert "0.77 USD/h" in still
    assert "<svg" in still
    assert "__idle__" in still


def test_what_pods_do_not_have_is_refused_at_once(lab: SimulatedCluster) -> None:
    with pytest.raises(AggregateError):
        CostPanel(lab, "colour")
