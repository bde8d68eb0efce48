"""The simulated provider: nodes come after a while, may not be had, are taken back, and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.autoscaling.node_group import INTERRUPT, LEAVES_FIRST
from kubelab.client import NODE_GROUPS, NODES, Object
from kubelab.clock import rfc3339
from kubelab.costs.prices import price_of
from kubelab.errors import KubelabError
from kubelab.scenarios.objects import deployment
from kubelab.scenarios.player import play
from kubelab.simulated_cluster import SimulatedCluster


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as cluster:
        yield cluster


def size(lab: SimulatedCluster, replicas: int, name: str = "general") -> None:
    portal.run(lab.client.patch(NODE_GROUPS, name, {"spec": {"replicas": replicas}}))


def status(lab: SimulatedCluster, name: str = "general") -> Object:
    found: Object = portal.run(lab.client.get(NODE_GROUPS, name))["status"]
    return found


def nodes(lab: SimulatedCluster) -> dict[str, Object]:
    return {node["metadata"]["name"]: node for node in portal.run(lab.client.list(NODES)).items}


def test_group_begins_with_its_minimum_after_its_delay(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=2, provisioning_delay_s=90)
    lab.run(seconds=89)
    assert nodes(lab) == {}
    assert [each["name"] for each in status(lab)["provisioning"]] == ["general-1", "general-2"]
    lab.run(seconds=2)
    assert list(nodes(lab)) == ["general-1", "general-2"]
    assert status(lab)["readyReplicas"] == 2


def test_node_is_what_its_type_says_and_carries_its_dated_price(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=1, zone="a", labels={"tier": "web"})
    lab.run(minutes=2)
    node = nodes(lab)["general-1"]
    labels = node["metadata"]["labels"]
    assert labels["node.kubernetes.io/instance-type"] == "m6i.2xlarge"
    assert labels["topology.kubernetes.io/zone"] == "a"
    assert labels["tier"] == "web"
    assert node["status"]["allocatable"]["cpu"] == "7910m"
    assert str(price_of(node)) == "0.384 USD/h (2026-07-20)"


def test_own_price_stands_before_the_catalogues(lab: SimulatedCluster) -> None:
    lab.add_node_group(
        "general", instance_type="m6i.2xlarge", min_size=1, price_usd_per_hour=0.2, price_date="2026-11-01"
    )
    lab.run(minutes=2)
    assert str(price_of(nodes(lab)["general-1"])) == "0.2 USD/h (2026-11-01)"
    assert status(lab)["price"]["usdPerHour"] == 0.2


def test_nodes_that_the_provider_has_not_are_refused_and_said_once(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", available_nodes=2)
    size(lab, 5)
    lab.run(minutes=5)
    assert len(nodes(lab)) == 2
    assert "no more than 2 nodes" in status(lab)["outOfCapacity"]["message"]
    assert status(lab)["outOfCapacityCount"] == 1
    assert len(lab.events().query("reason == 'OutOfCapacity'")) == 1
    size(lab, 2)
    assert "outOfCapacity" not in status(lab)


def test_request_that_is_taken_back_brings_no_node(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge")
    size(lab, 3)
    size(lab, 1)
    lab.run(minutes=3)
    assert len(nodes(lab)) == 1


def test_node_that_is_told_to_goes_first_then_an_empty_one_then_the_newest(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", provisioning_delay_s=0)
    size(lab, 4)
    lab.run(seconds=1)
    portal.run(play(lab.client, [deployment(0, "web", "default", 1, {"cpu": "1"})]))
    lab.run(seconds=10)
    pods = portal.run(lab.client.read("/api/v1/pods"))["items"]
    busy = pods[0]["spec"]["nodeName"]
    told = next(name for name in nodes(lab) if name not in {busy, "general-4"})
    portal.run(lab.client.patch(NODES, told, {"metadata": {"annotations": {LEAVES_FIRST: "now"}}}))
    size(lab, 3)
    lab.run(seconds=1)
    assert told not in nodes(lab)
    size(lab, 1)
    lab.run(seconds=1)
    assert list(nodes(lab)) == [busy]


def test_marked_node_goes_also_when_another_one_was_lost_meanwhile(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", provisioning_delay_s=0)
    size(lab, 3)
    lab.run(seconds=1)
    marked = {"metadata": {"annotations": {LEAVES_FIRST: rfc3339(lab.now)}}}
    portal.run(lab.client.patch(NODES, "general-1", marked))
    size(lab, 2)
    portal.run(lab.client.delete(NODES, "general-2"))
    lab.run(minutes=1)
    assert list(nodes(lab)) == ["general-3", "general-4"]


def test_node_that_somebody_deletes_is_replaced_under_a_new_name(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=1)
    lab.run(minutes=2)
    portal.run(lab.client.delete(NODES, "general-1"))
    lab.run(minutes=2)
    assert list(nodes(lab)) == ["general-2"]


def test_spot_node_is_told_two_minutes_before_it_is_taken_back(lab: SimulatedCluster) -> None:
    lab.add_node_group("spot", instance_type="m6i.2xlarge", min_size=1, capacity_type="spot")
    lab.run(minutes=5)
    portal.run(lab.client.patch(NODES, "spot-1", {"metadata": {"annotations": {INTERRUPT: "now"}}}))
    lab.run(seconds=100)
    assert [each["key"] for each in nodes(lab)["spot-1"]["spec"]["taints"]] == [
        "autoscaling.kubelab.dev/interrupted"
    ]
    lab.run(seconds=30)
    assert "spot-1" not in nodes(lab)
    assert status(lab, "spot")["interruptions"] == 1


def test_spot_nodes_live_as_long_as_their_rate_says_on_average() -> None:
    """Two an hour for each of 50 nodes: about 100 in an hour, within four standard deviations."""
    with Cluster.simulated(seed=1) as lab:
        lab.add_node_group(
            "spot",
            instance_type="m6i.large",
            min_size=50,
            capacity_type="spot",
            interruptions_per_node_hour=2,
            provisioning_delay_s=0,
        )
        lab.run(hours=1)
        assert 60 <= status(lab, "spot")["interruptions"] <= 140


def test_on_demand_nodes_are_never_taken_back(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=3, interruptions_per_node_hour=10)
    lab.run(hours=2)
    assert status(lab)["interruptions"] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"instance_type": "m6i.huge"}, "Did you mean"),
        ({"instance_type": "m6i.large", "min_size": 5, "max_size": 2}, "minSize 5 is above maxSize 2"),
        ({"instance_type": "m6i.large", "price_usd_per_hour": 1.0}, "A price without its date says nothing"),
        (
            {"instance_type": "m6i.large", "price_usd_per_hour": -1.0, "price_date": "2026-01-01"},
            "not above 0",
        ),
        ({"instance_type": "g5.xlarge", "capacity_type": "spot"}, "no spot price for g5.xlarge"),
    ],
    ids=["unknown type", "min above max", "undated price", "negative price", "missing price"],
)
def test_group_that_makes_no_sense_is_not_created(
    lab: SimulatedCluster, given: dict[str, object], said: str
) -> None:
    with pytest.raises(KubelabError, match=said):
        lab.add_node_group("wrong", **given)  # type: ignore[arg-type]
    assert portal.run(lab.client.list(NODE_GROUPS)).items == []


def test_group_of_an_unknown_type_says_so_in_its_conditions(lab: SimulatedCluster) -> None:
    body = {
        "apiVersion": NODE_GROUPS.api_version,
        "kind": "NodeGroup",
        "metadata": {"name": "typo"},
        "spec": {"instanceType": "m6i.2xlrage", "replicas": 1},
    }
    portal.run(lab.client.create(NODE_GROUPS, body))
    condition = status(lab, "typo")["conditions"][0]
    assert (condition["type"], condition["status"]) == ("Accepted", "False")
    assert "m6i.2xlarge" in condition["message"]


def test_nodes_go_with_their_group(lab: SimulatedCluster) -> None:
    lab.add_node_group("general", instance_type="m6i.2xlarge", min_size=2)
    lab.run(minutes=2)
    portal.run(lab.client.delete(NODE_GROUPS, "general"))
    lab.run(seconds=5)
    assert nodes(lab) == {}
