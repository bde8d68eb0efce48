from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from kubelab import Cluster, portal
from kubelab.client import DAEMON_SETS, DEPLOYMENTS, PODS, Object
from kubelab.errors import KubelabError
from kubelab.rightsizing.strategies import UnknownStrategyError
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.usage.series import Usage
from kubelab_widgets import RightsizingPanel

if TYPE_CHECKING:
    from tests.unit.widgets.conftest import Page

Eventually = Callable[[Callable[[], object]], None]
Say = Callable[..., None]
WEB = ["default", "Deployment", "web", "main", ""]


def workload(kind: str, name: str, cpu: str, memory: str, *, asks: str = "1", replicas: int = 2) -> Object:
    """Return a workload whose pods use so much each, and ask for a CPU and 1Gi of memory."""
    used = {"simulated.kubelab.dev/cpu": cpu, "simulated.kubelab.dev/memory": memory}
    container = {
        "name": "main",
        "image": "example",
        "resources": {"requests": {"cpu": asks, "memory": "1Gi"}},
    }
    template = {
        "metadata": {"labels": {"app": name}, "annotations": used},
        "spec": {"containers": [container], "tolerations": [{"operator": "Exists"}]},
    }
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    if kind == "Deployment":
        spec["replicas"] = replicas
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": spec}


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=5) as made:
        made.add_nodes(3, {"cpu": 8, "memory": "16Gi"})
        portal.run(made.client.create(DEPLOYMENTS, workload("Deployment", "web", "125m", "100Mi")))
        portal.run(
            made.client.create(DAEMON_SETS, workload("DaemonSet", "agent", "50m", "64Mi", asks="100m"))
        )
        made.run(minutes=2)
        yield made


@pytest.fixture
def panel(lab: SimulatedCluster, page: Page, say: Say) -> Iterator[RightsizingPanel]:
    with RightsizingPanel(lab) as shown:
        say(shown, type="hello")
        yield shown


def rows(page: Page) -> dict[tuple[str, str], dict[str, Any]]:
    found = [row for update in page.updates for row in update.get("rows", ())]
    return {(row["name"][2], row["resource"]): row for row in found}


def notice(page: Page) -> str:
    return str((page.sections().get("notice") or {}).get("text", ""))


def asked(lab: SimulatedCluster, name: str = "web") -> Object:
    found = portal.run(lab.client.get(DEPLOYMENTS, name, "default"))
    requests: Object = found["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    return requests


def test_each_request_stands_beside_its_use_its_target_and_the_reason(
    panel: RightsizingPanel, page: Page, eventually: Eventually
) -> None:
    eventually(lambda: ("web", "cpu") in rows(page))
    row = rows(page)["web", "cpu"]
    assert (row["pods"], row["request"], row["use"]) == (2, 1.0, pytest.approx(0.125))
    assert row["advice"] == "lower"
    assert row["lower"] <= row["target"] <= row["upper"]
    assert row["saves_usd_per_month"] > 0
    assert row["why"]
    assert row["evidence"]
    change = next(each for each in page.sections()["changes"] if list(each["name"]) == WEB)
    assert [what for what, _, _ in change["moves"]] == ["cpu request", "memory request", "memory limit"]


def test_a_daemon_set_has_a_map_of_its_nodes(
    lab: SimulatedCluster, panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    lab.set_usage("agent", "kwok-node-1", cpu="400m", memory="64Mi")
    say(panel, type="step", seconds=120)
    eventually(lambda: any(cell["use"] == 0.4 for cell in _cpu_cells(page)))
    assert {cell["node"]: cell["use"] for cell in _cpu_cells(page)} == {
        "kwok-node-0": pytest.approx(0.05),
        "kwok-node-1": pytest.approx(0.4),
        "kwok-node-2": pytest.approx(0.05),
    }


def _cpu_cells(page: Page) -> list[dict[str, Any]]:
    maps = page.sections().get("heat") or [{"cells": []}]
    return list(maps[0]["cells"])


def test_one_container_is_changed_and_changed_back(
    lab: SimulatedCluster, panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="apply", name=WEB)
    eventually(lambda: notice(page) == "Changed 1 of 1.")
    assert asked(lab)["cpu"] != "1"
    [row] = page.sections()["applied"]
    assert (row["object"], row["container"]) == ("deployment/web", "main")
    say(panel, type="undo", namespace="default", object=row["object"], container="main")
    eventually(lambda: notice(page) == "Put back 1 of 1.")
    assert asked(lab) == {"cpu": "1", "memory": "1Gi"}
    assert page.sections()["applied"] == []


def test_all_are_changed_in_place_and_changed_back(
    lab: SimulatedCluster, panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="in_place", yes=True)
    eventually(lambda: page.sections()["question"]["in_place"] and page.sections()["question"]["settled"])
    say(panel, type="apply", name=None)
    eventually(lambda: notice(page).startswith("Changed"))
    assert asked(lab)["cpu"] == "1"
    assert any(_requests(pod)["cpu"] != "1" for pod in _pods(lab, "web"))
    say(panel, type="undo")
    eventually(lambda: notice(page).startswith("Put back"))
    assert notice(page) == "Put back 5 of 5."
    assert {_requests(pod)["cpu"] for pod in _pods(lab, "web")} == {"1"}


def _pods(lab: SimulatedCluster, app: str) -> list[Object]:
    return portal.run(lab.client.list(PODS, "default", label_selector=f"app={app}")).items


def _requests(pod: Object) -> Object:
    requests: Object = pod["spec"]["containers"][0]["resources"]["requests"]
    return requests


def test_what_was_not_seen_yet_is_not_applied(
    lab: SimulatedCluster, panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="strategy", strategy="cast")
    say(panel, type="apply", name=None)
    eventually(lambda: notice(page).startswith("what is shown is not yet"))
    assert asked(lab)["cpu"] == "1"


def test_another_strategy_gives_other_figures(
    panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    eventually(lambda: ("web", "cpu") in rows(page))
    before = rows(page)["web", "cpu"]["why"]
    say(panel, type="strategy", strategy="krr-simple")
    eventually(lambda: rows(page)["web", "cpu"]["why"] != before)
    say(panel, type="strategy", strategy="guess")
    eventually(lambda: "no strategy is called 'guess'" in notice(page))
    assert page.sections()["question"]["strategy"] == "krr-simple"


def test_a_change_of_nothing_is_refused_in_words(
    panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    say(panel, type="apply", name="web")
    eventually(lambda: "names no container" in notice(page))
    say(panel, type="undo")
    eventually(lambda: notice(page) == "There is nothing to do.")


def test_what_is_gone_leaves_the_list(
    lab: SimulatedCluster, panel: RightsizingPanel, page: Page, say: Say, eventually: Eventually
) -> None:
    eventually(lambda: ("web", "cpu") in rows(page))
    portal.run(lab.client.delete(DEPLOYMENTS, "web", "default"))
    say(panel, type="step", seconds=120)
    eventually(lambda: any(update.get("gone") for update in page.updates))


def test_a_source_that_fails_is_told_and_the_panel_goes_on(
    lab: SimulatedCluster, page: Page, say: Say
) -> None:
    class Failing:
        async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
            raise KubelabError("the source is down. Start it again.")

    with RightsizingPanel(lab, source=Failing()) as shown:
        say(shown, type="hello")
        assert shown.initial["notice"]["text"] == "the source is down. Start it again."
        assert "RightsizingPanel" in shown.fallback()


def test_a_strategy_that_does_not_exist_is_refused(lab: SimulatedCluster) -> None:
    with pytest.raises(UnknownStrategyError):
        RightsizingPanel(lab, "guess")


def test_a_report_shows_requests_and_nodes_without_a_kernel(panel: RightsizingPanel) -> None:
    still = panel.fallback()
    assert "default/web: main" in still
    assert "1000m" in still
    assert "default/agent: main, cpu by node" in still
    assert "kwok-node-1" in still
