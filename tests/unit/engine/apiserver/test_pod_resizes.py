"""The ``resize`` subresource of pods.

Its refusals are compared with the real API server's in the conformance suite; here are those that need more
than one object, and what of a write is left out.
"""

from __future__ import annotations

from typing import Any

import pytest

from kubelab.client import NODES, PODS, Client, Object
from kubelab.errors import ApiError
from kubelab.scheduling.qos import qos_class
from tests.unit.engine.apiserver.test_quotas import asking, make_limits, make_quota


async def resize(client: Client, name: str, **resources: Any) -> Object:
    patch = {"spec": {"containers": [{"name": "main", "resources": resources}]}}
    return await client.patch(PODS, name, patch, "default", type="strategic", subresource="resize")


async def refusal(client: Client, name: str, **resources: Any) -> str:
    with pytest.raises(ApiError) as refused:
        await resize(client, name, **resources)
    return refused.value.message


async def make_node(client: Client, **status: Any) -> None:
    head = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    await client.create(NODES, {**head, "status": status})


async def test_a_resize_changes_resources_and_nothing_else(client: Client) -> None:
    await client.create(PODS, asking("a", {"cpu": "1"}), "default")
    container = {"name": "main", "image": "other", "resources": {"requests": {"cpu": "1500m"}}}
    patch = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"activeDeadlineSeconds": 5, "containers": [container]},
        "status": {"phase": "Running"},
    }
    pod = await client.patch(PODS, "a", patch, "default", type="strategic", subresource="resize")
    (changed,) = pod["spec"]["containers"]
    assert changed["resources"] == {"requests": {"cpu": "1500m"}}
    assert (changed["image"], pod["status"]["phase"]) == ("busybox", "Pending")
    assert "labels" not in pod["metadata"]
    assert "activeDeadlineSeconds" not in pod["spec"]
    assert pod["metadata"]["generation"] == 2
    assert await client.get(PODS, "a", "default") == pod


async def test_resources_change_only_through_resize(client: Client) -> None:
    await client.create(PODS, asking("a", {"cpu": "1"}), "default")
    patch = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "2"}}}]}}
    with pytest.raises(ApiError, match="pod updates may not change fields other than"):
        await client.patch(PODS, "a", patch, "default", type="strategic")


async def test_a_resize_may_not_change_the_class_of_service_or_take_away(client: Client) -> None:
    await client.create(PODS, asking("a", {"cpu": "1"}, {"cpu": "2"}), "default")
    assert 'spec: Invalid value: "Burstable": Pod QOS Class may not change' in await refusal(
        client, "a", requests={"cpu": "2", "memory": "1Gi"}, limits={"memory": "1Gi"}
    )
    problem = "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed"
    assert problem in await refusal(client, "a", limits={"cpu": None})


async def test_a_running_pod_whose_node_tells_no_resources_cannot_be_resized(client: Client) -> None:
    await client.create(PODS, asking("a", {"cpu": "1"}), "default")
    entry: Object = {"name": "main", "state": {"running": {}}}
    status = {"status": {"containerStatuses": [entry]}}
    await client.patch(PODS, "a", status, "default", subresource="status")
    problem = "spec: Forbidden: Pod running on node without support for resize"
    assert problem in await refusal(client, "a", requests={"cpu": "2"})
    entry["resources"] = {}
    await client.patch(PODS, "a", status, "default", subresource="status")
    await resize(client, "a", requests={"cpu": "2"})


async def test_a_pod_may_not_ask_for_more_than_its_node_has(client: Client) -> None:
    await make_node(client, allocatable={"cpu": "4", "memory": "4Gi"})
    await client.create(PODS, asking("a", {"cpu": "1"}, nodeName="n"), "default")
    await resize(client, "a", requests={"cpu": "4"})
    with pytest.raises(ApiError) as refused:
        await resize(client, "a", requests={"cpu": "5", "memory": "5Gi"})
    assert refused.value.message == (
        'pods "a" is forbidden: node didn\'t have enough allocatable resources: '
        "cpu, requested: 5000, allocatable: 4000; memory, requested: 5368709120, allocatable: 4294967296"
    )
    assert refused.value.status["details"]["causes"] == [{"reason": "NodeCapacity"}]


async def test_a_node_must_declare_what_not_every_node_can_resize(client: Client) -> None:
    await make_node(client, allocatable={"cpu": "4"})
    first = {"name": "first", "image": "x", "resources": {"requests": {"cpu": "1"}}}
    await client.create(PODS, asking("a", {"cpu": "1"}, nodeName="n", initContainers=[first]), "default")
    first["resources"] = {"requests": {"cpu": "2"}}
    patch = {"spec": {"initContainers": [first]}}
    problem = "requires features InPlacePodVerticalScalingInitContainers which are not available on node"
    with pytest.raises(ApiError, match=problem):
        await client.patch(PODS, "a", patch, "default", type="strategic", subresource="resize")
    declared = {"status": {"declaredFeatures": ["InPlacePodVerticalScalingInitContainers"]}}
    await client.patch(NODES, "n", declared, subresource="status")
    await client.patch(PODS, "a", patch, "default", type="strategic", subresource="resize")


async def test_a_resize_is_charged_to_quotas(client: Client) -> None:
    await make_quota(client, hard={"requests.cpu": "3"})
    await client.create(PODS, asking("a", {"cpu": "1"}), "default")
    await client.create(PODS, asking("b", {"cpu": "1"}), "default")
    await resize(client, "a", requests={"cpu": "2"})
    assert await refusal(client, "b", requests={"cpu": "1500m"}) == (
        'pods "b" is forbidden: exceeded quota: small, requested: requests.cpu=500m, '
        "used: requests.cpu=3, limited: requests.cpu=3"
    )


async def test_a_resize_keeps_to_the_bounds_of_its_namespace(client: Client) -> None:
    await client.create(PODS, asking("a", {"cpu": "1"}, {"cpu": "1"}), "default")
    await make_limits(client, {"type": "Container", "max": {"cpu": "2"}, "default": {"memory": "1Gi"}})
    assert await refusal(client, "a", limits={"cpu": "3"}) == (
        'pods "a" is forbidden: maximum cpu usage per Container is 2, but limit is 3'
    )
    pod = await resize(client, "a", limits={"cpu": "2"})
    assert pod["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "2", "memory": "1Gi"}
    assert "annotations" not in pod["metadata"]


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        ([{}], "BestEffort"),
        ([{"requests": {"cpu": "0"}}], "BestEffort"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
        ([{"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}], "Burstable"),
        ([{part: {"cpu": "1", "memory": "1Gi"} for part in ("requests", "limits")}], "Guaranteed"),
        ([{part: {"cpu": "1", "memory": "1Gi"} for part in ("requests", "limits")}, {}], "Burstable"),
    ],
)
def test_the_class_of_service_is_upstreams(resources: list[Object], found: str) -> None:
    assert qos_class({"containers": [{"resources": each} for each in resources]}) == found


def test_resources_of_the_pod_as_a_whole_decide_its_class_alone() -> None:
    whole = {part: {"cpu": "1", "memory": "1Gi"} for part in ("requests", "limits")}
    assert qos_class({"resources": whole, "containers": [{"resources": {}}]}) == "Guaranteed"
