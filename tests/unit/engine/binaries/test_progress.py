"""Progress of a TrainJob, taken for an API server that has no path for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from kubelab.client import CONFIG_MAPS, SERVICE_ACCOUNTS, TRAIN_JOBS, Client
from kubelab.engine.apiserver.serve import serve_app
from kubelab.engine.binaries.progress import ProgressReceiver
from kubelab.engine.embedded import EmbeddedControlPlane

PATH = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/default/trainjobs/job/status"
BODY = {"trainerStatus": {"progressPercentage": 40}}


@pytest.fixture
async def served(plane: EmbeddedControlPlane, client: Client) -> AsyncIterator[tuple[Client, str]]:
    """A cluster with a TrainJob ``job``, and the receiver's address."""
    job = {
        "apiVersion": TRAIN_JOBS.api_version,
        "kind": TRAIN_JOBS.kind,
        "metadata": {"name": "job", "namespace": "default"},
        "spec": {"runtimeRef": {"name": "jax-distributed"}},
    }
    await client.create(TRAIN_JOBS, job)
    receiver = await serve_app(ProgressReceiver(client).asgi, port=0, tls=plane.tls)
    yield client, f"https://127.0.0.1:{receiver.port}"
    await receiver.stop()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", PATH, 401),
        ("GET", PATH, 405),
        ("POST", CONFIG_MAPS.path("default", "x"), 404),
    ],
)
async def test_nothing_is_taken_without_a_token_of_the_jobs(
    served: tuple[Client, str], method: str, path: str, status: int
) -> None:
    client, url = served
    headers = {"Authorization": "Bearer made-up"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url + path, json=BODY, ssl=False) as answer,
    ):
        assert answer.status == status
    assert "trainerStatus" not in (await client.get(TRAIN_JOBS, "job", "default")).get("status", {})


async def test_a_pod_of_the_job_may_tell_its_progress(served: tuple[Client, str]) -> None:
    client, url = served
    request = {"spec": {"audiences": [PATH.removeprefix("/apis/")]}}
    made = await client.create(
        SERVICE_ACCOUNTS, request, "default", subresource_of="default", subresource="token"
    )
    headers = {"Authorization": f"Bearer {made['status']['token']}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(url + PATH, json=BODY, ssl=False) as answer,
    ):
        assert answer.status == 200, await answer.text()
    job = await client.get(TRAIN_JOBS, "job", "default")
    assert job["status"]["trainerStatus"]["progressPercentage"] == 40
