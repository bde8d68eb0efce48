"""metrics.k8s.io as a server beside kube-apiserver, asked as the aggregator asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from kubelab.client import NODES, SERVICES, Client
from kubelab.clock import RealClock
from kubelab.engine.apiserver.serve import serve_app
from kubelab.engine.binaries.metrics import MetricsFace
from kubelab.engine.binaries.registration import register_metrics
from kubelab.engine.bootstrap import API_SERVICES
from kubelab.engine.embedded import EmbeddedControlPlane
from kubelab.engine.usage import NodeUsage, PodUsage, Usage
from kubelab.informer import Informers

GROUP = "/apis/metrics.k8s.io/v1beta1"


class Source:
    """Knows of two nodes, one of which the cluster has."""

    def nodes(self) -> list[NodeUsage]:
        usage = Usage(1_500_000_000, 2**30)
        return [NodeUsage(name, usage, RealClock().now(), 5.0) for name in ("n1", "gone")]

    def pods(self) -> list[PodUsage]:
        return []


@pytest.fixture
async def url(plane: EmbeddedControlPlane, client: Client) -> AsyncIterator[str]:
    """The metrics server of a cluster with one node."""
    meta = {"name": "n1", "labels": {"zone": "a"}}
    await client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": meta})
    informers = Informers(client)
    face = MetricsFace([Source()], informers)
    informers.of(NODES)
    await informers.start()
    served = await serve_app(face.asgi, port=0, tls=plane.tls)
    yield f"https://127.0.0.1:{served.port}"
    await served.stop()
    await informers.stop()


async def fetch(url: str) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as session, session.get(url, ssl=False) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_it_tells_what_the_nodes_that_there_are_use(url: str) -> None:
    status, found = await fetch(f"{url}{GROUP}/nodes")
    assert (status, [each["metadata"]["name"] for each in found["items"]]) == (200, ["n1"])
    assert found["items"][0]["usage"] == {"cpu": "1500000000n", "memory": "1048576Ki"}
    assert found["items"][0]["metadata"]["labels"] == {"zone": "a"}
    status, found = await fetch(f"{url}{GROUP}/nodes/gone")
    assert (status, found["reason"]) == (404, "NotFound")


async def test_it_describes_its_own_group_alone(url: str) -> None:
    _, found = await fetch(f"{url}{GROUP}")
    assert [each["kind"] for each in found["resources"]] == ["NodeMetrics", "PodMetrics"]
    _, found = await fetch(f"{url}/apis")
    assert [each["name"] for each in found["groups"]] == ["metrics.k8s.io"]
    status, _ = await fetch(f"{url}/apis/apps/v1/deployments")
    assert status == 404


async def test_the_api_server_is_told_where_it_is_now(plane: EmbeddedControlPlane, client: Client) -> None:
    for port in (4001, 4002):
        await register_metrics(client, port, plane.tls)
    spec = (await client.get(API_SERVICES, "v1beta1.metrics.k8s.io"))["spec"]
    assert spec["service"] == {"namespace": "kube-system", "name": "metrics-server", "port": 4002}
    service = await client.get(SERVICES, "metrics-server", "kube-system")
    assert service["spec"]["externalName"] == "127.0.0.1"
