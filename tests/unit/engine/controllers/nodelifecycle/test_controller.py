"""Silent nodes on virtual time: what becomes of them, of their pods, and when they are heard again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import EVENTS, NODES, PODS, Object
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.simulated_day import DEPLOYMENTS, deployment

SILENT = "simulated.kubelab.dev/silent"
FAKE = {"key": "kwok.x-k8s.io/node", "operator": "Exists"}


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        yield made


def run_web(lab: SimulatedCluster, replicas: int, *tolerations: Object) -> None:
    web = deployment("web", replicas)
    web["spec"]["template"]["spec"]["tolerations"] = [FAKE, *tolerations]
    portal.run(lab.client.create(DEPLOYMENTS, web))


def silence(lab: SimulatedCluster, *names: str, back: bool = False) -> None:
    annotation = {"metadata": {"annotations": {SILENT: None if back else "true"}}}
    for name in names:
        portal.run(lab.client.patch(NODES, name, annotation))


def ready(obj: Object) -> str:
    conditions = obj["status"]["conditions"]
    return next(each["status"] for each in conditions if each["type"] == "Ready")


def node(lab: SimulatedCluster, name: str) -> Object:
    return portal.run(lab.client.get(NODES, name))


def effects(lab: SimulatedCluster, name: str) -> set[str]:
    taints = node(lab, name)["spec"].get("taints", [])
    return {each["effect"] for each in taints if each["key"] == "node.kubernetes.io/unreachable"}


def pods(lab: SimulatedCluster) -> list[Object]:
    return portal.run(lab.client.list(PODS)).items


def on(lab: SimulatedCluster, name: str) -> list[Object]:
    return [pod for pod in pods(lab) if pod["spec"].get("nodeName") == name]


def is_going(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def reasons(lab: SimulatedCluster, component: str) -> set[str]:
    events = portal.run(lab.client.list(EVENTS)).items
    return {each["reason"] for each in events if each.get("source", {}).get("component") == component}


def test_pods_of_a_silent_node_are_replaced_elsewhere_after_five_minutes(lab: SimulatedCluster) -> None:
    lost, *others = lab.add_nodes(3, {"cpu": 8, "memory": "16Gi"})
    run_web(lab, 6)
    lab.run(minutes=5)
    silence(lab, lost)
    lab.run(seconds=49)
    assert ready(node(lab, lost)) == "True"
    lab.run(seconds=2)
    assert ready(node(lab, lost)) == "Unknown"
    assert effects(lab, lost) == {"NoSchedule", "NoExecute"}
    assert [ready(pod) for pod in on(lab, lost)] == ["False", "False"]
    assert "NodeNotReady" in reasons(lab, "node-controller")
    lab.run(seconds=298)
    assert not any(map(is_going, pods(lab)))
    lab.run(seconds=3)
    assert all(map(is_going, on(lab, lost)))
    assert all(pod["status"]["conditions"][-1]["type"] == "DisruptionTarget" for pod in on(lab, lost))
    assert reasons(lab, "taint-eviction-controller") == {"TaintManagerEviction"}
    assert sum(len(on(lab, name)) for name in others) == 6
    assert all(ready(pod) == "True" for name in others for pod in on(lab, name))


def test_a_node_that_speaks_again_in_time_keeps_its_pods(lab: SimulatedCluster) -> None:
    lost, _ = lab.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
    run_web(lab, 4)
    before = {pod["metadata"]["uid"] for pod in pods(lab)}
    silence(lab, lost)
    lab.run(minutes=4)
    assert ready(node(lab, lost)) == "Unknown"
    silence(lab, lost, back=True)
    lab.run(seconds=1)
    assert ready(node(lab, lost)) == "True"
    assert effects(lab, lost) == set()
    lab.run(hours=1)
    assert {pod["metadata"]["uid"] for pod in pods(lab)} == before
    assert {ready(pod) for pod in pods(lab)} == {"True"}


def test_a_node_that_comes_back_late_ends_the_pods_it_lost(lab: SimulatedCluster) -> None:
    lost, other = lab.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
    run_web(lab, 4)
    silence(lab, lost)
    lab.run(minutes=10)
    assert any(map(is_going, on(lab, lost)))
    silence(lab, lost, back=True)
    lab.run(minutes=1)
    assert on(lab, lost) == []
    assert len(on(lab, other)) == 4


def test_pods_that_tolerate_an_unreachable_node_stay(lab: SimulatedCluster) -> None:
    lost, _ = lab.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
    run_web(lab, 4, {"key": "node.kubernetes.io/unreachable", "operator": "Exists"})
    silence(lab, lost)
    lab.run(hours=1)
    assert not any(map(is_going, pods(lab)))


def test_nothing_is_evicted_while_not_one_node_is_heard(lab: SimulatedCluster) -> None:
    names = lab.add_nodes(3, {"cpu": 8, "memory": "16Gi"})
    run_web(lab, 6)
    silence(lab, *names)
    lab.run(hours=1)
    assert {ready(node(lab, name)) for name in names} == {"Unknown"}
    assert {frozenset(effects(lab, name)) for name in names} == {frozenset({"NoSchedule"})}
    assert not any(map(is_going, pods(lab)))
    silence(lab, *names, back=True)
    lab.run(minutes=10)
    assert {ready(pod) for pod in pods(lab)} == {"True"}
    assert not any(effects(lab, name) for name in names)


def test_nodes_lose_their_pods_one_after_the_other(lab: SimulatedCluster) -> None:
    names = lab.add_nodes(10, {"cpu": 8, "memory": "16Gi"})
    silence(lab, *names[:3])
    lab.run(seconds=51)
    assert [len(effects(lab, name)) for name in names[:3]].count(2) == 1
    lab.run(seconds=10)
    assert [len(effects(lab, name)) for name in names[:3]].count(2) == 2
    lab.run(seconds=10)
    assert [len(effects(lab, name)) for name in names[:3]].count(2) == 3


def test_a_taint_that_is_put_on_by_hand_drives_pods_out_at_once(lab: SimulatedCluster) -> None:
    first, second = lab.add_nodes(2, {"cpu": 8, "memory": "16Gi"})
    run_web(lab, 4)
    taints = [*node(lab, first)["spec"]["taints"], {"key": "broken", "effect": "NoExecute"}]
    portal.run(lab.client.patch(NODES, first, {"spec": {"taints": taints}}))
    lab.run(seconds=1)
    assert on(lab, first) == []
    assert len(on(lab, second)) == 4


def test_healthy_nodes_are_left_alone(lab: SimulatedCluster) -> None:
    names = lab.add_nodes(50)
    lab.run(minutes=1)
    before = [node(lab, name)["metadata"]["resourceVersion"] for name in names]
    lab.run(hours=24)
    assert [node(lab, name)["metadata"]["resourceVersion"] for name in names] == before
