"""The loop on a simulated cluster: nodes come for pods without room, and go when nobody needs them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from kubelab import Cluster, portal
from kubelab.autoscaling.errors import ExpanderError
from kubelab.autoscaling.scale_down import TO_BE_DELETED
from kubelab.client import (
    BUDGETS,
    CLUSTER_AUTOSCALERS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    NODE_GROUPS,
    NODES,
    PODS,
    Object,
)
from kubelab.scenarios.objects import budget, daemon_set, deployment
from kubelab.scenarios.player import play
from kubelab.scenarios.scenario import Action
from kubelab.simulated_cluster import SimulatedCluster

SMALL = {"cpu": "1500m", "memory": "2Gi"}


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as cluster:
        yield cluster


def act(lab: SimulatedCluster, *actions: Action) -> None:
    portal.run(play(lab.client, actions))


def scale(lab: SimulatedCluster, name: str, replicas: int) -> None:
    portal.run(lab.client.patch(DEPLOYMENTS, name, {"spec": {"replicas": replicas}}, "default"))


def actions(lab: SimulatedCluster) -> list[tuple[Any, ...]]:
    frame = lab.decisions()
    return list(frame[["action", "node_group", "nodes"]].itertuples(index=False, name=None))


def nodes(lab: SimulatedCluster) -> list[str]:
    return [node["metadata"]["name"] for node in portal.run(lab.client.list(NODES)).items]


def taints(lab: SimulatedCluster) -> list[str]:
    found = portal.run(lab.client.list(NODES)).items
    return [taint["key"] for node in found for taint in node["spec"].get("taints") or ()]


def pending(lab: SimulatedCluster) -> int:
    pods = portal.run(lab.client.list(PODS)).items
    return sum(not pod["spec"].get("nodeName") for pod in pods)


def group(lab: SimulatedCluster, name: str) -> Object:
    return portal.run(lab.client.get(NODE_GROUPS, name))


def test_nodes_come_for_pods_without_room_and_go_ten_minutes_after_them(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", max_size=10)
    lab.autoscale("least-waste")
    act(lab, deployment(0, "web", "default", 12, SMALL))
    lab.run(minutes=3)
    assert actions(lab) == [("ScaleUp", "general", 3)]
    assert pending(lab) == 0
    scale(lab, "web", 0)
    lab.run(minutes=9)
    assert len(nodes(lab)) == 3
    lab.run(minutes=6)
    assert nodes(lab) == []
    assert actions(lab)[1:] == [("ScaleDown", "general", -1)] * 3


def test_nodes_on_their_way_are_counted_before_more_are_asked_for(lab: SimulatedCluster) -> None:
    lab.add_node_group("slow", instance_type="m6i.2xlarge", max_size=10, provisioning_delay_s=300)
    lab.autoscale()
    act(lab, deployment(0, "web", "default", 12, SMALL))
    lab.run(minutes=4)
    assert actions(lab) == [("ScaleUp", "slow", 3)]
    assert nodes(lab) == []


def test_decision_says_what_each_option_costs_and_what_would_have_won(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.add_node_group("large", instance_type="m6i.4xlarge")
    lab.autoscale("price")
    act(lab, deployment(0, "web", "default", 5, SMALL))
    lab.run(minutes=1)
    decision = lab.decisions().iloc[0]
    assert decision.node_group == "general"
    assert decision.usd_per_hour == pytest.approx(0.384)
    assert decision.price_date == "2026-07-20"
    assert {option["nodeGroup"] for option in decision.options} == {"general", "large"}
    assert "To win: must cost less than" in decision.why


def test_pod_that_no_type_can_take_is_told_which_resource_and_how_much(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale()
    act(lab, deployment(0, "giant", "default", 1, {"cpu": "100", "memory": "2Gi"}))
    lab.run(minutes=5)
    assert actions(lab) == [("NoScaleUp", "", 0)]
    assert "cpu: the pod asks for 100, a new node has 7.91 (92.09 too little)" in lab.decisions().iloc[0].why
    told = lab.events().query("reason == 'NotTriggerScaleUp'")
    assert len(told) == 1
    assert "92.09 too little" in told.iloc[0].message


def test_group_without_capacity_is_left_alone_and_another_takes_its_place(lab: SimulatedCluster) -> None:
    lab.add_node_group("scarce", instance_type="m6i.2xlarge", available_nodes=1)
    lab.add_node_group("plenty", instance_type="m6i.4xlarge")
    lab.autoscale("price")
    act(lab, deployment(0, "web", "default", 15, SMALL))
    lab.run(minutes=3)
    found = actions(lab)
    assert found[0] == ("ScaleUp", "scarce", 3)
    assert ("ScaleUpFailed", "scarce", -2) in found
    assert found[-1][:2] == ("ScaleUp", "plenty")
    assert pending(lab) == 0
    assert group(lab, "scarce")["spec"]["replicas"] == 1


def test_node_that_does_not_come_is_given_up_after_fifteen_minutes(lab: SimulatedCluster) -> None:
    lab.add_node_group("stuck", instance_type="m6i.2xlarge", provisioning_delay_s=10_000)
    lab.autoscale()
    act(lab, deployment(0, "web", "default", 2, SMALL))
    lab.run(minutes=16)
    assert actions(lab)[:2] == [("ScaleUp", "stuck", 1), ("ScaleUpFailed", "stuck", -1)]
    assert "15 minutes" in lab.decisions().iloc[1].why
    assert group(lab, "stuck")["spec"]["replicas"] == 0


def test_node_whose_pods_may_not_be_evicted_in_time_is_given_back(lab: SimulatedCluster) -> None:
    """The budget allows a disruption when the node is chosen, and none any more when its pods are to go."""
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale(scale_down={"unneeded_s": 60, "delay_after_add_s": 60})
    act(lab, deployment(0, "web", "default", 6, SMALL), budget(0, "web", "default", 3))
    lab.run(minutes=3)
    scale(lab, "web", 3)
    lab.run_until(lambda: actions(lab)[-1][0] == "ScaleDown", every_s=2)
    going = lab.decisions().iloc[-1]
    portal.run(lab.client.patch(BUDGETS, "web", {"spec": {"maxUnavailable": 0}}, "default"))
    lab.run(minutes=1)
    assert TO_BE_DELETED in taints(lab)
    lab.run(minutes=2)
    assert TO_BE_DELETED not in taints(lab)
    assert going.pods > 0
    failed = lab.events().query("reason == 'ScaleDownFailed'").iloc[0]
    assert "could not be evicted" in failed.message
    assert len(nodes(lab)) == 2


def test_pods_of_a_node_that_goes_are_moved_first(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale()
    act(lab, deployment(0, "web", "default", 10, SMALL))
    lab.run(minutes=3)
    assert len(nodes(lab)) == 2
    scale(lab, "web", 4)
    lab.run(minutes=25)
    assert len(nodes(lab)) == 1
    assert pending(lab) == 0


def test_new_nodes_are_estimated_with_the_pods_of_daemon_sets(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale()
    agent = {"cpu": "2", "memory": "1Gi"}
    act(lab, daemon_set(0, "agent", "default", agent), deployment(0, "web", "default", 6, SMALL))
    lab.run(minutes=3)
    assert actions(lab) == [("ScaleUp", "general", 2)]
    assert pending(lab) == 0


def test_like_groups_share_an_increase(lab: SimulatedCluster) -> None:
    for zone in ("a", "b", "c"):
        lab.add_node_group(f"general-{zone}", instance_type="m6i.2xlarge", zone=zone)
    lab.autoscale(balance_similar_node_groups=True)
    act(lab, deployment(0, "web", "default", 30, SMALL))
    lab.run(minutes=3)
    assert [group(lab, f"general-{zone}")["spec"]["replicas"] for zone in "abc"] == [2, 2, 2]


def test_cluster_grows_to_its_limit_and_no_further(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale(max_nodes_total=2)
    act(lab, deployment(0, "web", "default", 30, SMALL))
    lab.run(minutes=5)
    assert len(nodes(lab)) == 2
    assert actions(lab)[-1][0] == "NoScaleUp"
    assert "max total nodes in cluster reached (2)" in lab.decisions().iloc[-1].why


def test_status_tells_of_sizes_candidates_and_back_off(lab: SimulatedCluster) -> None:
    lab.add_node_group("scarce", instance_type="m6i.2xlarge", available_nodes=1)
    lab.autoscale()
    act(lab, deployment(0, "web", "default", 12, SMALL))
    lab.run(minutes=3)
    found = portal.run(lab.client.get(CONFIG_MAPS, "cluster-autoscaler-status", "kube-system"))
    assert "cluster-autoscaler.kubernetes.io/last-updated" in found["metadata"]["annotations"]
    status = yaml.safe_load(found["data"]["status"])
    assert status["autoscalerStatus"] == "Running"
    assert status["clusterWide"]["health"]["nodeCounts"]["registered"]["ready"] == 1
    scarce = status["nodeGroups"][0]
    assert scarce["health"]["cloudProviderTarget"] == 1
    assert scarce["scaleUp"]["status"] == "Backoff"
    assert scarce["scaleUp"]["backoffInfo"]["errorCode"] == "OutOfCapacity"


def test_chain_that_makes_no_sense_is_refused_by_the_verb_and_by_the_loop(lab: SimulatedCluster) -> None:
    with pytest.raises(ExpanderError, match="least-wast"):
        lab.autoscale("least-wast")
    with pytest.raises(ExpanderError, match="needs a service"):
        lab.autoscale("grpc")
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale()
    wrong = {"spec": {"expander": "best"}}
    portal.run(lab.client.patch(CLUSTER_AUTOSCALERS, "default", wrong))
    act(lab, deployment(0, "web", "default", 3, SMALL))
    lab.run(minutes=1)
    told = portal.run(lab.client.get(CLUSTER_AUTOSCALERS, "default"))["status"]["conditions"][0]
    assert told["status"] == "False"
    assert "'best'" in told["message"]
    lab.autoscale("least-waste")
    lab.run(minutes=2)
    assert pending(lab) == 0


def test_one_seed_decides_the_same_twice() -> None:
    def run() -> list[tuple[Any, ...]]:
        with Cluster.simulated(seed=3) as lab:
            for kind in ("m6i.2xlarge", "m6i.4xlarge", "c6i.2xlarge"):
                lab.add_node_group(kind.replace(".", "-"), instance_type=kind)
            lab.autoscale("random", seed=5)
            for at in range(5):
                act(lab, deployment(0, f"web-{at}", "default", 8, SMALL))
                lab.run(minutes=2)
            frame = lab.decisions()
            return list(frame[["time", "node_group", "nodes", "why"]].itertuples(index=False, name=None))

    assert run() == run()


def test_autoscaler_that_was_deleted_and_made_again_sees_the_cluster_as_it_is(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    lab.autoscale()
    act(lab, deployment(0, "web", "default", 5, SMALL))
    lab.run(minutes=3)
    portal.run(lab.client.delete(CLUSTER_AUTOSCALERS, "default"))
    scale(lab, "web", 15)
    lab.run(minutes=3)
    assert pending(lab) == 10
    lab.autoscale()
    lab.run(minutes=3)
    assert pending(lab) == 0
    assert actions(lab) == [("ScaleUp", "general", 1), ("ScaleUp", "general", 2)]


def test_nothing_happens_without_an_autoscaler(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    act(lab, deployment(0, "web", "default", 3, SMALL))
    lab.run(minutes=5)
    assert actions(lab) == []
    assert pending(lab) == 3


THRIFTY = {"unneeded_s": 60, "delay_after_add_s": 0, "consolidate": True}


def test_nodes_are_replaced_by_a_cheaper_one_where_that_is_asked_for(lab: SimulatedCluster) -> None:
    lab.add_node_group("large", instance_type="m6i.4xlarge")
    lab.autoscale(scale_down=THRIFTY)
    act(lab, deployment(0, "web", "default", 8, SMALL))
    lab.run(minutes=5)
    lab.add_node_group("small", instance_type="m6i.xlarge")
    scale(lab, "web", 2)
    lab.run(minutes=10)
    assert [name.partition("-")[0] for name in nodes(lab)] == ["small"]
    assert pending(lab) == 0
    added = lab.decisions().query("expander == 'consolidation'").iloc[0]
    assert (added.action, added.node_group, added.pods) == ("ScaleUp", "small", 2)
    assert "USD/h less" in added.why


def test_nodes_stay_where_consolidation_is_not_asked_for(lab: SimulatedCluster) -> None:
    lab.add_node_group("large", instance_type="m6i.4xlarge")
    lab.autoscale(scale_down={**THRIFTY, "consolidate": False})
    act(lab, deployment(0, "web", "default", 2, SMALL))
    lab.run(minutes=5)
    lab.add_node_group("small", instance_type="m6i.xlarge")
    lab.run(hours=1)
    assert [name.partition("-")[0] for name in nodes(lab)] == ["large"]


def test_no_node_goes_when_the_one_that_was_to_replace_it_does_not_come(lab: SimulatedCluster) -> None:
    lab.add_node_group("large", instance_type="m6i.4xlarge")
    lab.autoscale(scale_down=THRIFTY)
    act(lab, deployment(0, "web", "default", 2, SMALL))
    lab.run(minutes=5)
    lab.add_node_group("small", instance_type="m6i.xlarge", available_nodes=0)
    lab.run(hours=1)
    assert [name.partition("-")[0] for name in nodes(lab)] == ["large"]
    assert ("ScaleUpFailed", "small", -1) in actions(lab)
    portal.run(lab.client.patch(NODE_GROUPS, "small", {"spec": {"availableNodes": None}}))
    lab.run(hours=1)
    assert [name.partition("-")[0] for name in nodes(lab)] == ["small"]
