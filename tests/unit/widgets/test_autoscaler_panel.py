from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kubelab import Cluster, portal
from kubelab.autoscaling.lower_bound.over_time import BoundOverTime, Stretch
from kubelab.autoscaling.lower_bound.program import Bound
from kubelab.client import CLUSTER_AUTOSCALERS, DEPLOYMENTS, NODES
from kubelab.simulated_cluster import SimulatedCluster
from kubelab_widgets import AutoscalerPanel
from kubelab_widgets.autoscaler_actions import load
from kubelab_widgets.autoscaler_panel import bound_steps

if TYPE_CHECKING:
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_node_group("small", instance_type="m6i.large")
        made.add_node_group("spot", instance_type="m6i.2xlarge", capacity_type="spot", min_size=1)
        made.autoscale("price", scale_down={"enabled": False})
        made.run(minutes=2)
        yield made


@pytest.fixture
def panel(lab: SimulatedCluster, page: Page, say: Say) -> Iterator[AutoscalerPanel]:
    with AutoscalerPanel(lab) as shown:
        say(shown, type="hello")
        yield shown


def rows(page: Page) -> list[dict[str, Any]]:
    return [row for update in page.updates for row in update.get("rows", ())]


def notice(page: Page) -> str:
    return str((page.sections().get("notice") or {}).get("text", ""))


def test_added_load_leads_to_a_decision_with_options_terms_and_dated_prices(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="load", pods=30, cpu="1", memory="2Gi")
    eventually(lambda: "Deployment load-1 adds 30 pods" in notice(page))
    lab.run(minutes=3)
    eventually(lambda: any(row["action"] == "ScaleUp" for row in rows(page)))
    eventually(lambda: page.sections().get("decision"))
    decision = page.sections()["decision"]
    assert decision["expander"] == "price"
    assert {option["nodeGroup"] for option in decision["options"]} == {"small", "spot"}
    assert all(option["terms"] and option["priceDate"] for option in decision["options"])
    assert any(option["toWin"] for option in decision["options"])
    assert "options" not in rows(page)[0]


def test_a_decision_that_was_chosen_stays_while_others_come(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    for _ in range(2):
        say(panel, type="load", pods=20, cpu="1", memory="2Gi")
        panel.join()
        lab.run(minutes=3)
    eventually(lambda: len({row["number"] for row in rows(page)}) >= 2)
    first = min(row["number"] for row in rows(page))
    say(panel, type="select", number=first)
    eventually(lambda: page.sections()["decision"]["number"] == first)
    before = len(page.updates)
    say(panel, type="load", pods=20, cpu="1", memory="2Gi")
    panel.join()
    lab.run(minutes=3)
    eventually(lambda: any(update.get("rows") for update in page.updates[before:]))
    assert page.sections()["decision"]["number"] == first


def test_load_that_was_added_is_removed_again_and_nothing_else(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    own = {**load("own", 1, {"cpu": "1", "memory": "1Gi"}, fake=False)}
    own["metadata"] = {"name": "own"}
    portal.run(lab.client.create(DEPLOYMENTS, own, "default"))
    for _ in range(2):
        say(panel, type="load", pods=1, cpu="100m", memory="1Gi")
        panel.join()
    say(panel, type="unload")
    eventually(lambda: notice(page) == "2 Deployments that were added here are deleted.")
    left = portal.run(lab.client.list(DEPLOYMENTS)).items
    assert [each["metadata"]["name"] for each in left] == ["own"]


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"pods": 0, "cpu": "1", "memory": "1Gi"}, "0 pods cannot be added"),
        ({"pods": "many", "cpu": "1", "memory": "1Gi"}, "many pods cannot be added"),
        ({"pods": 1, "cpu": "much", "memory": "1Gi"}, "'much' is not a quantity"),
        ({"pods": 1, "cpu": "1", "memory": "0"}, "a pod cannot ask for 0 of memory"),
    ],
)
def test_load_that_makes_no_sense_is_refused_in_words(
    panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually, asked: dict[str, Any], problem: str
) -> None:
    say(panel, type="load", **asked)
    eventually(lambda: problem in notice(page))


def test_the_policy_is_switched_and_one_that_makes_no_sense_is_refused(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="policy", expander="score,least-waste")
    eventually(lambda: page.sections().get("autoscaler", {}).get("expander") == "score,least-waste")
    assert notice(page) == "From now on score,least-waste chooses."
    say(panel, type="policy", expander="cheapest")
    eventually(lambda: "cheapest" in notice(page))
    found = portal.run(lab.client.get(CLUSTER_AUTOSCALERS, "default"))
    assert found["spec"]["expander"] == "score,least-waste"


def test_where_no_autoscaler_runs_a_policy_starts_one(page: Page, say: Say, eventually: Eventually) -> None:
    with Cluster.simulated(seed=1) as lab, AutoscalerPanel(lab) as shown:
        say(shown, type="hello")
        eventually(lambda: page.sections().get("autoscaler", {}).get("exists") is False)
        say(shown, type="policy", expander="price")
        eventually(lambda: page.sections()["autoscaler"]["exists"])


def test_a_spot_node_is_interrupted(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    eventually(lambda: page.sections().get("spot_nodes"))
    [name] = page.sections()["spot_nodes"]
    say(panel, type="interrupt", node=name)
    eventually(lambda: f"takes {name} back in two minutes" in notice(page))
    lab.run(minutes=2.1)
    assert name not in {node["metadata"]["name"] for node in portal.run(lab.client.list(NODES)).items}
    say(panel, type="interrupt", node=name)
    eventually(lambda: "there is no node" in notice(page))


def test_the_cost_over_time_is_told_by_group_with_the_date_of_the_prices(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="step", seconds=3600)
    eventually(lambda: (page.sections().get("cost") or {}).get("stretch_s", 0) > 20)
    sections = page.sections()
    assert set(sections["cost"]["groups"]) == {"spot"}
    assert sections["money"]["price_dates"]
    assert sections["money"]["usd_per_hour"] > 0
    assert sections["bound"] == []


def test_a_lower_bound_is_a_line_of_steps_or_what_bounds_return(lab: SimulatedCluster) -> None:
    later = lab.now + timedelta(hours=1)
    assert bound_steps([(lab.now, 2.0), (later, 1.5)], lab.now) == [
        ("2026-01-01T00:02:01Z", 2.0),
        ("2026-01-01T01:02:01Z", 1.5),
    ]
    stretches = (Stretch(0, 3600, Bound(2.0, {}, 2.0)), Stretch(3600, 7200, Bound(1.5, {}, 1.5)))
    assert bound_steps(BoundOverTime(stretches), lab.now) == [
        ("2026-01-01T00:02:01Z", 2.0),
        ("2026-01-01T01:02:01Z", 1.5),
    ]
    assert bound_steps(None, lab.now) == []


def test_a_report_shows_decisions_and_reasons_without_a_kernel(
    lab: SimulatedCluster, panel: AutoscalerPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="load", pods=30, cpu="1", memory="2Gi")
    panel.join()
    lab.run(minutes=3)
    eventually(lambda: "<svg" in panel.fallback() and "ScaleUp" in panel.fallback())
    still = panel.fallback()
    assert "price chooses" in still
    assert "; prices of 20" in still
    assert "to win" in still


def test_the_still_curve_has_the_lower_bound_as_a_dashed_line(lab: SimulatedCluster, page: Page) -> None:
    lab.run(hours=1)
    with AutoscalerPanel(
        lab, [(lab.now - timedelta(hours=2), 0.1), (lab.now - timedelta(minutes=30), 0.2)]
    ) as shown:
        assert shown.fallback().count("<polyline") == 2
        assert "the dashed line is the lower bound" in shown.fallback()
