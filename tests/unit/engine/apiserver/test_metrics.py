"""The metrics API over a usage source of the test's own."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kubelab.client import NODES, POD_METRICS, PODS, Client
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.metrics import NODE_METRICS
from kubelab.engine.usage import NodeUsage, PodUsage, Usage
from kubelab.errors import ApiError, NotFoundError
from tests.unit.engine.apiserver.conftest import SetClock, pod


class Source:
    def __init__(self, clock: SetClock) -> None:
        self.clock = clock

    def nodes(self) -> Iterable[NodeUsage]:
        yield NodeUsage("n1", Usage(1_500_000_000, 2**30), self.clock.now(), 5.0)

    def pods(self) -> Iterable[PodUsage]:
        for name in ("web", "gone"):
            yield PodUsage("default", name, {"main": Usage(250_000, 2**20)}, self.clock.now(), 5.001)


@pytest.fixture
async def metrics(server: ApiServer, client: Client, clock: SetClock) -> Client:
    server.register_usage(Source(clock))
    await client.create(PODS, pod(labels={"app": "web"}), "default")
    await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}})
    return client


async def test_a_pods_usage_is_read_by_name(metrics: Client) -> None:
    found = await metrics.get(POD_METRICS, "web", "default")
    assert found["containers"] == [{"name": "main", "usage": {"cpu": "250000n", "memory": "1024Ki"}}]
    assert (found["timestamp"], found["window"]) == ("2026-01-31T12:00:00Z", "5.001s")
    assert found["metadata"]["labels"] == {"app": "web"}


async def test_what_is_no_object_any_more_has_no_metrics(metrics: Client) -> None:
    assert [each["metadata"]["name"] for each in (await metrics.list(POD_METRICS)).items] == ["web"]
    with pytest.raises(NotFoundError) as refused:
        await metrics.get(POD_METRICS, "gone", "default")
    assert refused.value.message == 'podmetrics.metrics.k8s.io "default/gone" not found'


async def test_selectors_and_namespaces_narrow_a_list(metrics: Client) -> None:
    async def names(namespace: str | None, selector: str) -> int:
        return len((await metrics.list(POD_METRICS, namespace, label_selector=selector)).items)

    assert [await names("default", "app=web"), await names("default", "app!=web")] == [1, 0]
    assert await names("kube-system", "") == 0


async def test_nodes_have_metrics(metrics: Client) -> None:
    (node,) = (await metrics.list(NODE_METRICS)).items
    assert node["usage"] == {"cpu": "1500000000n", "memory": "1048576Ki"}


async def test_metrics_cannot_be_written(metrics: Client) -> None:
    with pytest.raises(ApiError) as refused:
        await metrics.delete(POD_METRICS, "web", "default")
    assert refused.value.code == 405


async def test_discovery_knows_the_group(metrics: Client) -> None:
    answer = await metrics.transport.request("GET", "/apis/metrics.k8s.io/v1beta1", {})
    assert b'"verbs":["get","list"]' in answer.body
