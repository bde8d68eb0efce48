import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from kubelab.client import CLUSTER_TRAINING_RUNTIMES, CUSTOM_RESOURCE_DEFINITIONS, Client
from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import bootstrap
from kubelab.informer import Informer


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = ApiServer(tmp_path, RealClock(), token="token")
    await server.start()
    yield server.client("system:masters")
    await server.stop()


@pytest.fixture
async def runtimes(client: Client) -> AsyncIterator[Informer]:
    informer = Informer(client, CLUSTER_TRAINING_RUNTIMES)
    task = asyncio.create_task(informer.run())
    yield informer
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - a condition that nothing signals
            await asyncio.sleep(0.01)


async def test_a_kind_that_is_not_served_has_no_objects_until_it_is(
    client: Client, runtimes: Informer
) -> None:
    await asyncio.wait_for(runtimes.synced.wait(), 30)
    assert runtimes.objects == {}
    await bootstrap(client, RealClock())
    await until(lambda: runtimes.get("", "jax-distributed"))


async def test_objects_are_forgotten_with_the_definition_of_their_kind(
    client: Client, runtimes: Informer
) -> None:
    await bootstrap(client, RealClock())
    await until(lambda: runtimes.get("", "jax-distributed"))
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "clustertrainingruntimes.trainer.kubeflow.org")
    await until(lambda: not runtimes.objects)
