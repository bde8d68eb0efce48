"""What a pod is recommended on a node, whether the node is there yet or not."""

from __future__ import annotations

from datetime import UTC, datetime

from kubelab.client import Object
from kubelab.clock import VirtualClock
from kubelab.engine.scoped_recommendations import ScopedRecommendations
from kubelab.rightsizing.scopes import HOSTNAME, NEW_NODES, Selected, recommendation_groups

TYPE = "node.kubernetes.io/instance-type"


class Fleet:
    """Nodes with a cpu and a pool, and what an agent is recommended on each."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.nodes: dict[str, Object] = {}
        self.targets: dict[str, list[Object]] = {}
        self.version = 0
        clock = VirtualClock(lambda: self.now_s, datetime(2026, 1, 1, tzinfo=UTC))
        self.scoped = ScopedRecommendations(self.listed, clock)
        for at in range(8):
            self.add(f"node-{at}", 4 * (1 + at % 4), 100 * (1 + at % 4))

    def listed(self) -> list[Object]:
        return list(self.nodes.values())

    def add(self, name: str, cores: int, millicores: int) -> None:
        self.nodes[name] = node(name, cores)
        self.targets[name] = agent(millicores)

    def vpa(self, *, predict: bool = True, scope: str = HOSTNAME) -> Object:
        self.version += 1
        return {
            "metadata": {
                "uid": "1",
                "resourceVersion": str(self.version),
                "annotations": {NEW_NODES: "predict"} if predict else {},
            },
            "spec": {"targetRef": {"kind": "DaemonSet", "name": "agent"}, "scope": scope},
            "status": {
                "recommendation": {"containerRecommendations": agent(300)},
                "recommendationGroups": recommendation_groups(self.targets),
            },
        }


def node(name: str, cores: int, kind: str = "m6i.xlarge") -> Object:
    return {
        "metadata": {"name": name, "labels": {HOSTNAME: name, TYPE: kind}},
        "status": {"allocatable": {"cpu": str(cores), "memory": "16Gi", "pods": "110"}},
    }


def agent(millicores: int) -> list[Object]:
    return [{"containerName": "agent", "target": {"cpu": f"{millicores}m"}}]


def cpu(selected: Selected) -> str:
    return str(selected.containers[0]["target"]["cpu"])


def test_a_node_with_a_group_gets_its_own() -> None:
    fleet = Fleet()
    selected = fleet.scoped.on(fleet.vpa(), "node-2", fleet.nodes["node-2"])
    assert (cpu(selected), selected.origin) == ("300m", "group")


def test_a_node_that_is_not_there_yet_gets_what_nodes_like_it_need() -> None:
    fleet = Fleet()
    selected = fleet.scoped.on(fleet.vpa(), "new", node("new", 32))
    assert (cpu(selected), selected.origin, selected.scope_value) == ("800m", "predicted", "new")
    assert selected.why.startswith("agent cpu: 800m, in 89% of cases 800m to 800m, from 8 groups by cpu^1")


def test_without_asking_for_predictions_the_aggregate_is_used_as_the_aep_says() -> None:
    fleet = Fleet()
    selected = fleet.scoped.on(fleet.vpa(predict=False), "new", node("new", 32))
    assert (cpu(selected), selected.origin) == ("300m", "aggregate")


def test_a_node_that_nobody_knows_gets_the_aggregate() -> None:
    fleet = Fleet()
    assert fleet.scoped.on(fleet.vpa(), "new", None).origin == "aggregate"
    assert fleet.scoped.on(fleet.vpa(), "", None).origin == "aggregate"


def test_too_few_groups_leave_the_aggregate() -> None:
    fleet = Fleet()
    fleet.targets = {name: fleet.targets[name] for name in ("node-0", "node-1")}
    assert fleet.scoped.on(fleet.vpa(), "new", node("new", 32)).origin == "aggregate"


def test_predictions_follow_groups_at_once_and_their_targets_within_an_hour() -> None:
    fleet = Fleet()
    new = node("new", 8)
    assert cpu(fleet.scoped.on(fleet.vpa(), "new", new)) == "200m"
    for at in range(8):
        fleet.targets[f"node-{at}"] = agent(1000 * (1 + at % 4))
    assert cpu(fleet.scoped.on(fleet.vpa(), "new", new)) == "200m"
    fleet.now_s = 3600
    assert cpu(fleet.scoped.on(fleet.vpa(), "new", new)) == "2000m"
    for at in range(8):
        fleet.targets[f"node-{at}"] = agent(500 * (1 + at % 4))
    fleet.add("node-8", 4, 500)
    assert cpu(fleet.scoped.on(fleet.vpa(), "new", new)) == "1000m"


def test_several_nodes_of_a_group_count_as_what_they_have_in_common() -> None:
    fleet = Fleet()
    kinds = ["m6i.xlarge", "m6i.2xlarge", "m6i.4xlarge", "m6i.8xlarge"]
    fleet.nodes = {
        f"{kind}-{at}": node(f"{kind}-{at}", 4 * 2**size, kind)
        for size, kind in enumerate(kinds)
        for at in range(3)
    }
    fleet.targets = {kind: agent(100 * 2**size) for size, kind in enumerate(kinds)}
    vpa = fleet.vpa(scope=TYPE)
    assert cpu(fleet.scoped.on(vpa, "m6i.2xlarge-9", node("m6i.2xlarge-9", 8, "m6i.2xlarge"))) == "200m"
    selected = fleet.scoped.on(vpa, "new", node("new", 64, "m6i.16xlarge"))
    assert (cpu(selected), selected.scope_value) == ("1600m", "m6i.16xlarge")
