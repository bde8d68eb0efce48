"""One recommendation for each kind of node: from use on nodes to the requests of a daemon's pods."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import (
    NODES,
    VERTICAL_POD_AUTOSCALER_CHECKPOINTS,
    VERTICAL_POD_AUTOSCALERS,
    Object,
)
from kubelab.engine.controllers.vpa import memory
from kubelab.rightsizing.scopes import HOSTNAME, checkpoint_name
from kubelab.scenarios.objects import daemon_set
from kubelab.scenarios.player import play
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.engine.controllers.vpa.lab import autoscale, autoscaler, pods

GPU = "gpu"


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    """Three nodes, of which one has a GPU and one says that it has none, with an agent on each."""
    with Cluster.simulated(seed=19) as made:
        names = made.add_nodes(3, {"cpu": 8, "memory": "16Gi", "prefix": "node"})
        for name, value in zip(names, ("true", "false"), strict=False):
            portal.run(made.client.patch(NODES, name, {"metadata": {"labels": {GPU: value}}}))
        agent = daemon_set(
            0, "web", "default", {"cpu": "100m", "memory": "128Mi"}, tolerations=[{"operator": "Exists"}]
        )
        portal.run(play(made.client, [agent]))
        for name in names:
            made.set_usage("web", name, cpu="100m", memory="300Mi")
        made.set_usage("web", names[0], cpu="1", memory="1Gi")
        yield made


def groups(lab: SimulatedCluster) -> dict[str, Object]:
    """Return the target of each group."""
    listed = autoscaler(lab)["status"].get("recommendationGroups") or ()
    return {each["scopeValue"]: each["containerRecommendations"][0]["target"] for each in listed}


def together(lab: SimulatedCluster) -> Object:
    (found,) = autoscaler(lab)["status"]["recommendation"]["containerRecommendations"]
    target: Object = found["target"]
    return target


def checkpoints(lab: SimulatedCluster) -> dict[str, str]:
    listed = portal.run(lab.client.list(VERTICAL_POD_AUTOSCALER_CHECKPOINTS, "default")).items
    return {each["metadata"]["name"]: each["spec"].get("scopeValue", "") for each in listed}


def change(lab: SimulatedCluster, spec: Object) -> None:
    portal.run(lab.client.patch(VERTICAL_POD_AUTOSCALERS, "web", {"spec": spec}, "default"))


def test_each_kind_of_node_has_a_target_and_all_have_one_together(lab: SimulatedCluster) -> None:
    autoscale(lab, "Off", kind="DaemonSet", scope=GPU)
    lab.run(hours=1)
    assert groups(lab) == {
        "true": {"cpu": "1168m", "memory": "1238659775"},
        "false": {"cpu": "126m", "memory": "380258472"},
        "__absent__": {"cpu": "126m", "memory": "380258472"},
    }
    assert together(lab) == {"cpu": "1168m", "memory": "1238659775"}


def test_load_on_one_node_makes_the_pod_there_grow_and_no_other(lab: SimulatedCluster) -> None:
    first, second, third = sorted(
        each["metadata"]["name"] for each in portal.run(lab.client.list(NODES)).items
    )
    lab.set_usage("web", first, cpu="100m", memory="300Mi")
    autoscale(lab, "InPlaceOrRecreate", kind="DaemonSet", scope=HOSTNAME)
    lab.run(hours=14)
    before = {pod["metadata"]["name"] for pod in pods(lab)}
    lab.set_usage("web", second, cpu="1", memory="300Mi")
    lab.run(hours=6)
    given = {
        pod["spec"]["nodeName"]: pod["spec"]["containers"][0]["resources"]["requests"]["cpu"]
        for pod in pods(lab)
    }
    assert given == {first: "126m", second: "1168m", third: "126m"}
    assert {pod["metadata"]["name"] for pod in pods(lab)} == before


def test_what_was_seen_of_each_kind_survives_a_restart(lab: SimulatedCluster) -> None:
    autoscale(lab, "Off", kind="DaemonSet", scope=GPU)
    lab.run(hours=1)
    known = {value: each["cpu"] for value, each in groups(lab).items()}
    assert checkpoints(lab) == {
        "web-main": "",
        **{checkpoint_name("web", "main", value): value for value in ("true", "false", "__absent__")},
    }
    portal.run(lab.client.delete(VERTICAL_POD_AUTOSCALERS, "web", "default"))
    lab.set_usage("web", min(known_nodes(lab)), cpu="100m", memory="300Mi")
    autoscale(lab, "Off", kind="DaemonSet", scope=GPU)
    lab.run(minutes=2)
    assert {value: each["cpu"] for value, each in groups(lab).items()} == known


def known_nodes(lab: SimulatedCluster) -> list[str]:
    return [each["metadata"]["name"] for each in portal.run(lab.client.list(NODES)).items]


def test_another_scope_makes_other_groups(lab: SimulatedCluster) -> None:
    autoscale(lab, "Off", kind="DaemonSet", scope=GPU)
    lab.run(hours=1)
    change(lab, {"scope": HOSTNAME})
    lab.run(minutes=20)
    assert set(groups(lab)) == set(known_nodes(lab))
    assert together(lab)["cpu"] == "1168m"
    assert set(checkpoints(lab).values()) == {"", *known_nodes(lab)}


def test_without_a_scope_again_the_groups_are_gone(lab: SimulatedCluster) -> None:
    autoscale(lab, "Off", kind="DaemonSet", scope=GPU)
    lab.run(hours=1)
    change(lab, {"scope": None})
    lab.run(minutes=20)
    assert groups(lab) == {}
    assert together(lab) == {"cpu": "1168m", "memory": "1238659775"}
    assert checkpoints(lab) == {"web-main": ""}


def test_groups_of_nodes_that_are_gone_are_forgotten_in_the_end(
    lab: SimulatedCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "EXPIRED_S", 3 * 3600)  # eight days take long to simulate
    autoscale(lab, "Off", kind="DaemonSet", scope=HOSTNAME)
    lab.run(hours=1)
    gone = sorted(known_nodes(lab))[2]
    portal.run(lab.client.delete(NODES, gone))
    lab.run(hours=2)
    assert gone in groups(lab)
    lab.run(hours=3)
    assert set(groups(lab)) == set(known_nodes(lab))
    assert gone not in checkpoints(lab).values()
