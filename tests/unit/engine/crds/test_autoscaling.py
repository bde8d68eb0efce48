"""What the API server makes of node groups and the autoscaler's objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import CLUSTER_AUTOSCALERS, NODE_GROUPS, Object
from kubelab.errors import InvalidError


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with Cluster.simulated() as cluster:
        yield cluster


def group(name: str, **spec: object) -> Object:
    body = {"instanceType": "m6i.large", **spec}
    return {
        "apiVersion": NODE_GROUPS.api_version,
        "kind": "NodeGroup",
        "metadata": {"name": name},
        "spec": body,
    }


def test_group_gets_the_defaults_of_its_sizes(lab: Cluster) -> None:
    made = portal.run(lab.client.create(NODE_GROUPS, group("plain")))
    spec = made["spec"]
    assert (spec["minSize"], spec["maxSize"], spec["replicas"]) == (0, 1000, 0)
    assert spec["capacityType"] == "on-demand"
    assert spec["provisioningDelaySeconds"] == 60


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"minSize": 5, "maxSize": 3}, "minSize must not be above maxSize"),
        ({"instanceType": None}, "give instanceType, or a template"),
        ({"priceUsdPerHour": 0.3}, "a price without its date says nothing"),
        ({"priceUsdPerHour": -1, "priceDate": "2026-07-20"}, "priceUsdPerHour must be above 0"),
        ({"capacityType": "reserved"}, "capacityType"),
        ({"interruptionsPerNodeHour": -0.1}, "interruptionsPerNodeHour"),
    ],
)
def test_group_that_makes_no_sense_is_refused(lab: Cluster, spec: Object, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        portal.run(lab.client.create(NODE_GROUPS, group("wrong", **spec)))


def test_group_is_scaled_by_its_scale(lab: Cluster) -> None:
    portal.run(lab.client.create(NODE_GROUPS, group("scaled")))
    portal.run(lab.client.patch(NODE_GROUPS, "scaled", {"spec": {"replicas": 3}}, subresource="scale"))
    assert portal.run(lab.client.get(NODE_GROUPS, "scaled"))["spec"]["replicas"] == 3


def test_autoscaler_gets_the_defaults_of_upstreams_flags(lab: Cluster) -> None:
    body = {
        "apiVersion": CLUSTER_AUTOSCALERS.api_version,
        "kind": "ClusterAutoscaler",
        "metadata": {"name": "other"},
        "spec": {},
    }
    spec = portal.run(lab.client.create(CLUSTER_AUTOSCALERS, body))["spec"]
    assert spec["expander"] == "least-waste"
    assert spec["scanIntervalSeconds"] == 10
    assert spec["scaleDown"]["unneededSeconds"] == 600
