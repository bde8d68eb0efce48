"""``/metrics`` of kubelab's parts, beside an API server that tells of itself alone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from kubelab.client import SERVICE_ACCOUNTS, Client
from kubelab.engine.apiserver.serve import serve_app
from kubelab.engine.binaries.measures import MeasuresFace
from kubelab.engine.embedded import EmbeddedControlPlane
from kubelab.engine.measures import Measures
from kubelab.engine.roles import CLUSTER_ROLE_BINDINGS
from tests.unit.engine.binaries.conftest import TOKEN


@pytest.fixture
async def url(plane: EmbeddedControlPlane, client: Client) -> AsyncIterator[str]:
    """Where one counter is told."""
    measures = Measures()
    measures.counters("workqueue_adds_total", "Keys added.", ("name",)).of("job").value += 3
    served = await serve_app(MeasuresFace(client, measures).asgi, port=0, tls=plane.tls)
    yield f"https://127.0.0.1:{served.port}"
    await served.stop()


async def fetch(url: str, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession() as session, session.get(url, ssl=False, headers=headers) as answer:
        return answer.status, await answer.text()


async def test_the_administrator_reads_what_was_measured(url: str) -> None:
    status, text = await fetch(f"{url}/metrics", TOKEN)
    assert (status, 'workqueue_adds_total{name="job"} 3' in text) == (200, True)


@pytest.mark.parametrize("token", ["", "guessed"])
async def test_nobody_else_does(url: str, token: str) -> None:
    assert (await fetch(f"{url}/metrics", token))[0] == 401


async def test_a_service_account_needs_the_role_that_upstream_has_for_it(url: str, client: Client) -> None:
    request = {"spec": {}}
    made = await client.create(
        SERVICE_ACCOUNTS, request, "default", subresource_of="default", subresource="token"
    )
    token = made["status"]["token"]
    status, text = await fetch(f"{url}/metrics", token)
    assert status == 403
    assert 'cannot get path \\"/metrics\\"' in text
    binding = {
        "apiVersion": CLUSTER_ROLE_BINDINGS.api_version,
        "kind": CLUSTER_ROLE_BINDINGS.kind,
        "metadata": {"name": "scraper"},
        "roleRef": {
            "apiGroup": CLUSTER_ROLE_BINDINGS.group,
            "kind": "ClusterRole",
            "name": "system:monitoring",
        },
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
    }
    await client.create(CLUSTER_ROLE_BINDINGS, binding)
    assert (await fetch(f"{url}/metrics", token))[0] == 200


async def test_nothing_else_is_served(url: str) -> None:
    assert (await fetch(f"{url}/api", TOKEN))[0] == 404
