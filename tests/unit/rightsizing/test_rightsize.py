"""`Cluster.rightsize` on a simulated cluster: what is recommended, changed, and changed back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pytest

from kubelab import Cluster, portal
from kubelab.client import DAEMON_SETS, DEPLOYMENTS, EVENTS, NODES, PODS, Object
from kubelab.client import Resource as Kind
from kubelab.errors import KubelabError
from kubelab.rightsizing.advice import advice
from kubelab.rightsizing.plan import Proposal
from kubelab.rightsizing.strategies import UnknownStrategyError
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.usage.series import ContainerKey, Resource, Usage, UsageSeries
from tests.unit.simulated_day import deployment

MIB = 2.0**20


class Recorded:
    """What containers used, an hour of samples before the end that is asked for."""

    def __init__(self, cpu: float = 0.125, memory: float = 64 * MIB, missing: tuple[str, ...] = ()) -> None:
        self.amounts: dict[Resource, float] = {"cpu": cpu, "memory": memory}
        self.missing = missing

    async def read(self, start: datetime, end: datetime, *, namespace: str | None = None) -> Usage:
        key = ContainerKey("default", "web-gone", "main", "Deployment", "web")
        times = end.timestamp() - np.arange(120, dtype=np.float64)[::-1] * 31
        series = [
            UsageSeries(key, name, times, np.full(len(times), amount))
            for name, amount in self.amounts.items()
        ]
        return Usage(tuple(series), self.missing)


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=3) as made:
        made.add_nodes(2, {"cpu": 4, "memory": "8Gi"})
        portal.run(made.client.create(DEPLOYMENTS, deployment("web", 2)))
        made.run(minutes=1)
        yield made


def resources(lab: SimulatedCluster) -> Object:
    web = portal.run(lab.client.get(DEPLOYMENTS, "web", "default"))
    found: Object = web["spec"]["template"]["spec"]["containers"][0]["resources"]
    return found


def proposal(lab: SimulatedCluster, cpu: float = 0.125) -> Proposal:
    return lab.rightsize("peak", source=Recorded(cpu))


def test_a_row_has_what_is_asked_used_and_recommended(lab: SimulatedCluster) -> None:
    found = proposal(lab).frame().set_index("resource").loc["cpu"]
    assert (found["workload"], found["container"], found["pods"]) == ("web", "main", 2)
    assert (found["request"], found["use"], found["target"]) == (0.5, 0.125, 0.125)
    assert found["lower"] <= found["target"] <= found["upper"]
    assert found["why"] == "highest use, of 120 samples"


def test_money_is_that_of_the_nodes_or_of_the_default_sheet(lab: SimulatedCluster) -> None:
    cpu = proposal(lab).frame().set_index("resource").loc["cpu"]
    assert cpu["usd_per_month"] == pytest.approx(2 * 0.5 * 0.031611 * 730)
    assert cpu["saves_usd_per_month"] == pytest.approx(2 * 0.375 * 0.031611 * 730)
    assert cpu["prices_of"] == "2024-10-24"
    priced = {
        "autoscaling.kubelab.dev/price-usd-per-hour": "0.4",
        "autoscaling.kubelab.dev/price-date": "2026-07-20",
    }
    for node in portal.run(lab.client.list(NODES)).items:
        portal.run(lab.client.patch(NODES, node["metadata"]["name"], {"metadata": {"annotations": priced}}))
    assert set(proposal(lab).frame()["prices_of"]) == {"2026-07-20"}


def test_the_plan_is_shown_applied_and_undone(lab: SimulatedCluster) -> None:
    plan = proposal(lab).plan()
    shown = plan.diff().set_index("what")
    assert list(shown.loc["cpu request", ["before", "after", "how"]]) == ["500m", "125m", "template"]
    assert resources(lab)["requests"] == {"cpu": "500m", "memory": "256Mi"}
    assert list(plan.apply()["done"]) == [True]
    assert resources(lab)["requests"] == {"cpu": "125m", "memory": "71Mi"}
    lab.run(minutes=5)
    asked = {
        pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for pod in portal.run(lab.client.list(PODS)).items
    }
    assert asked == {"125m"}
    assert list(plan.undo()["done"]) == [True]
    assert resources(lab) == {"requests": {"cpu": "500m", "memory": "256Mi"}}


def test_a_limit_that_was_not_there_is_gone_after_undoing(lab: SimulatedCluster) -> None:
    plan = proposal(lab).plan()
    plan.apply()
    assert resources(lab)["limits"] == {"memory": "71Mi"}
    plan.undo()
    assert "limits" not in resources(lab)


def test_a_dry_run_changes_nothing_and_leaves_no_trace(lab: SimulatedCluster) -> None:
    before = resources(lab)
    assert list(proposal(lab).plan().apply(dry_run=True)["done"]) == [True]
    assert resources(lab) == before
    assert not [each for each in portal.run(lab.client.list(EVENTS)).items if each["reason"] == "Rightsized"]


def test_events_tell_what_was_changed_and_why(lab: SimulatedCluster) -> None:
    plan = proposal(lab).plan()
    plan.apply()
    plan.undo()
    told = {
        each["reason"]: each["message"]
        for each in portal.run(lab.client.list(EVENTS)).items
        if each["reason"].startswith("Rightsiz")
    }
    assert told["Rightsized"].startswith(
        "main: cpu request 500m -> 125m, memory request 256Mi -> 71Mi, memory limit none -> 71Mi (peak: "
    )
    assert told["RightsizingUndone"].startswith("main: cpu request 125m -> 500m")


def test_a_workload_that_changed_since_is_left_alone(lab: SimulatedCluster) -> None:
    plan = proposal(lab).plan()
    mine = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "700m"}}}]}
    body = {"spec": {"template": {"spec": mine}}}
    portal.run(lab.client.patch(DEPLOYMENTS, "web", body, "default", type="strategic"))
    outcome = plan.apply().iloc[0]
    assert not outcome["done"]
    assert outcome["message"] == "it changed since this was planned; plan again"


def test_what_another_changed_after_us_is_not_undone(lab: SimulatedCluster) -> None:
    plan = proposal(lab).plan()
    plan.apply()
    mine = {"containers": [{"name": "main", "resources": {"requests": {"cpu": "700m"}}}]}
    body = {"spec": {"template": {"spec": mine}}}
    portal.run(lab.client.patch(DEPLOYMENTS, "web", body, "default", type="strategic"))
    assert list(plan.undo()["message"]) == ["somebody else changed it since; it stays as they left it"]
    assert resources(lab)["requests"]["cpu"] == "700m"


def test_any_change_can_be_undone_later_and_goes_back_to_the_first(lab: SimulatedCluster) -> None:
    proposal(lab).plan().apply()
    lab.run(hours=2)
    proposal(lab, cpu=0.25).plan().apply()
    assert resources(lab)["requests"]["cpu"] == "250m"
    changed = lab.rightsized()
    assert list(changed.frame()["object"]) == ["deployment/web"]
    assert list(changed.undo()["done"]) == [True]
    assert resources(lab) == {"requests": {"cpu": "500m", "memory": "256Mi"}}
    assert not len(lab.rightsized().frame())


def test_a_container_is_left_alone_for_a_while_after_a_change(lab: SimulatedCluster) -> None:
    proposal(lab).plan().apply()
    lab.run(minutes=10)
    again = proposal(lab, cpu=0.25).plan()
    assert repr(again) == "<Plan peak: 0 containers change, 1 held>"
    assert "changed 10 minutes ago; the cooldown is 60 minutes" in again.diff()["held"].iloc[0]
    assert not again.apply()["done"].any()


def test_a_strategy_with_too_little_says_so_in_its_row(lab: SimulatedCluster) -> None:
    found = lab.rightsize("krr-simple")
    assert repr(found).startswith("<Rightsizing krr-simple: 0 of 2 requests sized")
    assert "needs 100" in found.frame()["why"].iloc[0]
    assert repr(found.plan()) == "<Plan krr-simple: 0 containers change, 0 held>"


def test_what_could_not_be_read_is_told(lab: SimulatedCluster) -> None:
    found = lab.rightsize("peak", source=Recorded(missing=("the server was down from 10:00 to 11:00",)))
    assert found.missing == ("the server was down from 10:00 to 11:00",)
    assert repr(found).endswith("1 gaps>")


def test_an_unknown_strategy_is_refused(lab: SimulatedCluster) -> None:
    with pytest.raises(UnknownStrategyError):
        lab.rightsize("magic")


def daemon(name: str, cpu: str) -> Object:
    body = deployment(name, 1)
    body["kind"] = "DaemonSet"
    del body["spec"]["replicas"]
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["resources"]["requests"]["cpu"] = cpu
    body["spec"]["template"]["metadata"]["annotations"]["simulated.kubelab.dev/cpu"] = "100m"
    return body


@pytest.fixture
def agents(lab: SimulatedCluster) -> SimulatedCluster:
    """A daemon that one of two nodes keeps busy."""
    busy = {"usage.simulated.kubelab.dev/default.agent": f"[[0, 800, {int(64 * MIB)}]]"}
    first = portal.run(lab.client.list(NODES)).items[0]["metadata"]["name"]
    portal.run(lab.client.patch(NODES, first, {"metadata": {"annotations": busy}}))
    portal.run(lab.client.create(DAEMON_SETS, daemon("agent", "400m")))
    lab.run(hours=2)
    return lab


def requests_of(lab: SimulatedCluster) -> dict[str, str]:
    return {
        pod["spec"]["nodeName"]: pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for pod in portal.run(lab.client.list(PODS)).items
        if pod["metadata"]["labels"].get("app") == "agent"
    }


def test_a_scope_sizes_each_node_apart_and_in_place(agents: SimulatedCluster) -> None:
    found = agents.rightsize("peak", scope="kubernetes.io/hostname", daemonset="agent")
    cpu = found.frame().query("resource == 'cpu'").set_index("scope_value")["target"]
    assert dict(cpu) == pytest.approx({"kwok-node-0": 0.8, "kwok-node-1": 0.1})
    plan = found.plan()
    assert set(plan.diff()["how"]) == {"in place"}
    assert plan.apply()["done"].all()
    agents.run(minutes=1)
    assert requests_of(agents) == {"kwok-node-0": "800m", "kwok-node-1": "100m"}
    undone = plan.undo()
    assert undone["done"].all(), list(undone["message"])
    agents.run(minutes=1)
    assert set(requests_of(agents).values()) == {"400m"}


def test_without_a_scope_one_request_is_for_all_nodes(agents: SimulatedCluster) -> None:
    found = agents.rightsize("peak", daemonset="agent").frame().query("resource == 'cpu'")
    assert list(found["target"]) == [pytest.approx(0.8)]
    assert list(found["workload"]) == ["agent"]


def test_declared_use_needs_no_source(agents: SimulatedCluster) -> None:
    found = agents.rightsize().frame().query("workload == 'agent' and resource == 'cpu'").iloc[0]
    assert found["use"] == pytest.approx(0.45)
    assert "x 1." in found["why"]


def test_advice_says_what_to_do_and_what_it_is_worth(lab: SimulatedCluster) -> None:
    found = advice(proposal(lab)).set_index("what to do")
    assert list(found.index) == ["lower cpu from 500m to 125m", "lower memory from 256Mi to 70Mi"]
    assert found["saves_usd_per_month"].iloc[0] == pytest.approx(2 * 0.375 * 0.031611 * 730)
    assert set(found["how_sure"]) == {"fairly sure"}  # an hour of samples is not much


def test_requests_that_a_limit_range_gave_are_changed_too(lab: SimulatedCluster) -> None:
    ranges = Kind("", "v1", "limitranges", "LimitRange")
    defaults = {"type": "Container", "defaultRequest": {"cpu": "500m", "memory": "256Mi"}}
    body = {"metadata": {"name": "defaults"}, "spec": {"limits": [defaults]}}
    portal.run(lab.client.create(ranges, {"apiVersion": "v1", "kind": "LimitRange", **body}, "default"))
    bare = {"containers": [{"name": "main", "resources": {"requests": {"cpu": None, "memory": None}}}]}
    wanted = {"spec": {"template": {"spec": bare}}}
    portal.run(lab.client.patch(DEPLOYMENTS, "web", wanted, "default", type="strategic"))
    lab.run(minutes=5)
    assert proposal(lab).plan().apply()["done"].all()
    assert resources(lab)["requests"]["cpu"] == "125m"


def test_where_nothing_runs_it_is_said_and_a_window_must_be_some_time(lab: SimulatedCluster) -> None:
    assert lab.rightsize(namespace="nowhere").missing == ("no pod runs in namespace 'nowhere'",)
    assert lab.rightsize(daemonset="agent").missing == ("no pod of a DaemonSet 'agent' runs",)
    with pytest.raises(KubelabError, match="is no time"):
        lab.rightsize(window=timedelta(hours=-1))
