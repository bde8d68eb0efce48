"""ResourceQuota and LimitRange at admission."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kubelab.client import CONFIG_MAPS, PODS, RESOURCE_QUOTAS, SERVICES, Client, Object, Resource
from kubelab.engine.apiserver.limits import LIMIT_RANGES
from kubelab.errors import ApiError
from tests.unit.engine.apiserver.conftest import SetClock, config_map, pod

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


async def make_quota(client: Client, name: str = "small", **spec: Any) -> Object:
    head = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}}
    return await client.create(RESOURCE_QUOTAS, {**head, "spec": spec}, "default")


async def make_limits(client: Client, *limits: Object) -> Object:
    head = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "bounds"}}
    return await client.create(LIMIT_RANGES, {**head, "spec": {"limits": list(limits)}}, "default")


def asking(name: str, requests: Object | None = None, limits: Object | None = None, **spec: Any) -> Object:
    made = pod(name)
    resources = {"requests": requests, "limits": limits}
    made["spec"]["containers"][0]["resources"] = {k: v for k, v in resources.items() if v}
    made["spec"].update(spec)
    return made


async def refusal(client: Client, resource: Resource, obj: Object) -> str:
    with pytest.raises(ApiError) as refused:
        await client.create(resource, obj, "default")
    assert refused.value.code == 403
    return refused.value.message


async def test_a_pod_over_the_quota_is_refused_in_upstreams_words(client: Client) -> None:
    await make_quota(client, hard={"requests.cpu": "1", "requests.memory": "1Gi", "pods": "2"})
    await client.create(PODS, asking("a", {"cpu": "600m", "memory": "512Mi"}), "default")
    assert await refusal(client, PODS, asking("b", {"cpu": "500m", "memory": "256Mi"})) == (
        'pods "b" is forbidden: exceeded quota: small, requested: requests.cpu=500m, '
        "used: requests.cpu=600m, limited: requests.cpu=1"
    )
    assert await refusal(client, PODS, asking("b", {"cpu": "500m", "memory": "768Mi"})) == (
        'pods "b" is forbidden: exceeded quota: small, requested: requests.cpu=500m,requests.memory=768Mi, '
        "used: requests.cpu=600m,requests.memory=512Mi, limited: requests.cpu=1,requests.memory=1Gi"
    )
    await client.create(PODS, asking("b", {"cpu": "400m", "memory": "512Mi"}), "default")


async def test_a_pod_must_say_what_a_quota_limits(client: Client) -> None:
    await make_quota(client, hard={"requests.cpu": "1", "limits.memory": "1Gi"})
    assert await refusal(client, PODS, pod()) == (
        'pods "web" is forbidden: failed quota: small: must specify limits.memory for: main; '
        "requests.cpu for: main"
    )


async def test_of_creations_at_the_same_time_only_as_many_pass_as_there_is_room_for(client: Client) -> None:
    await make_quota(client, hard={"pods": "3"})
    created = await asyncio.gather(
        *(client.create(PODS, pod(f"p{number}"), "default") for number in range(20)), return_exceptions=True
    )
    assert sum(not isinstance(each, ApiError) for each in created) == 3
    assert len((await client.list(PODS, "default")).items) == 3


async def test_what_is_deleted_or_has_ended_makes_room(client: Client) -> None:
    await make_quota(client, hard={"pods": "1"})
    await client.create(PODS, pod("a"), "default")
    await refusal(client, PODS, pod("b"))
    await client.delete(PODS, "a", "default")
    await client.create(PODS, pod("b"), "default")
    await refusal(client, PODS, pod("c"))
    await client.patch(PODS, "b", {"status": {"phase": "Succeeded"}}, "default", subresource="status")
    await client.create(PODS, pod("c"), "default")


async def test_a_pod_that_outlived_its_grace_makes_room(client: Client, clock: SetClock) -> None:
    await make_quota(client, hard={"pods": "1"})
    bound = pod("a")
    bound["spec"]["nodeName"] = "n1"
    await client.create(PODS, bound, "default")
    await client.delete(PODS, "a", "default", grace_period_seconds=5)
    await refusal(client, PODS, pod("b"))
    clock.advance(11)
    await client.create(PODS, pod("b"), "default")


async def test_counts_of_any_kind_are_limited(client: Client) -> None:
    await make_quota(client, hard={"count/configmaps": "1", "count/deployments.apps": "0", "services": "1"})
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    assert "requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1" in (
        await refusal(client, CONFIG_MAPS, config_map("b"))
    )
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    assert "used: count/deployments.apps=0" in await refusal(client, DEPLOYMENTS, deployment)
    await client.create(CONFIG_MAPS, config_map("b"), "kube-system")


async def test_scopes_say_which_pods_count(client: Client) -> None:
    await make_quota(client, hard={"pods": "0"}, scopes=["BestEffort"])
    assert "exceeded quota: small" in await refusal(client, PODS, pod())
    await client.create(PODS, asking("asks", {"cpu": "1m"}), "default")
    expression = {"scopeName": "PriorityClass", "operator": "In", "values": ["system-node-critical"]}
    await make_quota(client, "by-class", hard={"pods": "0"}, scopeSelector={"matchExpressions": [expression]})
    await client.create(PODS, asking("asks-too", {"cpu": "1m"}), "default")


async def test_a_service_that_becomes_a_node_port_is_charged(client: Client) -> None:
    await make_quota(client, hard={"services.nodeports": "0"})
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}}
    service["spec"] = {"ports": [{"port": 80}], "selector": {"a": "b"}}
    await client.create(SERVICES, service, "default")
    with pytest.raises(ApiError, match=r"exceeded quota: small, requested: services.nodeports=1"):
        await client.patch(SERVICES, "s", {"spec": {"type": "NodePort"}}, "default")


async def test_a_raised_quota_holds_at_once(client: Client) -> None:
    await make_quota(client, hard={"pods": "0"})
    await refusal(client, PODS, pod())
    await client.patch(RESOURCE_QUOTAS, "small", {"spec": {"hard": {"pods": "1"}}}, "default")
    await client.create(PODS, pod(), "default")


async def test_a_limit_range_fills_in_what_a_container_leaves_out(client: Client) -> None:
    defaults = {"default": {"cpu": "500m", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}}
    await make_limits(client, {"type": "Container", **defaults})
    made = await client.create(PODS, pod(), "default")
    assert made["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "100m", "memory": "1Gi"},
        "limits": {"cpu": "500m", "memory": "1Gi"},
    }
    assert made["metadata"]["annotations"]["kubernetes.io/limit-ranger"] == (
        "LimitRanger plugin set: cpu, memory request for container main; cpu, memory limit for container main"
    )
    asked = await client.create(PODS, asking("own", {"cpu": "200m"}, {"cpu": "300m"}), "default")
    assert asked["spec"]["containers"][0]["resources"]["requests"]["cpu"] == "200m"


async def test_a_limit_range_bounds_containers_and_pods(client: Client) -> None:
    bounds = {"min": {"cpu": "50m"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "2"}}
    defaults = {"default": {"cpu": "200m"}, "defaultRequest": {"cpu": "100m"}}
    await make_limits(
        client,
        {"type": "Container", **bounds, **defaults},
        {"type": "Pod", "max": {"memory": "1Gi"}},
    )
    head = 'pods "p" is forbidden: '
    memory = {"memory": "1Gi"}
    assert await refusal(client, PODS, asking("p", {"cpu": "10m"}, {"cpu": "20m", **memory})) == (
        head + "minimum cpu usage per Container is 50m, but request is 10m"
    )
    assert await refusal(client, PODS, asking("p", {"cpu": "1500m"}, {"cpu": "2", **memory})) == (
        head + "maximum cpu usage per Container is 1, but limit is 2"
    )
    assert await refusal(client, PODS, asking("p", {"cpu": "100m"}, {"cpu": "500m", **memory})) == (
        head + "cpu max limit to request ratio per Container is 2, but provided ratio is 5.000000"
    )
    assert await refusal(client, PODS, asking("p", {"cpu": "10m"}, {"cpu": "100m"})) == (
        head + "[minimum cpu usage per Container is 50m, but request is 10m, "
        "cpu max limit to request ratio per Container is 2, but provided ratio is 10.000000, "
        "maximum memory usage per Pod is 1Gi.  No limit is specified]"
    )
