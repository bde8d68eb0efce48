"""What a run is told of its namespace, by a server that ends watches and forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from kubelab.client import CONFIG_MAPS, Client
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.limits.load import Load, config_map
from kubelab.limits.site import Site


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ApiServer]:
    made = ApiServer(tmp_path, RealClock(), token="token")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def client(server: ApiServer) -> Client:
    return server.client("system:masters")


@pytest.fixture
def site(client: Client) -> Site:
    return Site(client, "1", "default", Load())


async def create(client: Client, name: str) -> str:
    made = await client.create(CONFIG_MAPS, config_map(name), "default")
    return str(made["metadata"]["resourceVersion"])


async def test_changes_are_told_although_the_server_ends_each_watch_at_once(
    site: Site, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.watching._DEFAULT_TIMEOUT_S", 0.001)
    begun, watch = [], client.watch
    monkeypatch.setattr(client, "watch", lambda *args, **query: begun.append(query) or watch(*args, **query))
    version = await create(client, "before")
    async with asyncio.timeout(30), aclosing(site.changes(CONFIG_MAPS, version)) as changes:
        for name in ("a", "b"):
            next_change = asyncio.ensure_future(anext(changes))
            enough = len(begun) + 3
            while len(begun) < enough:  # noqa: ASYNC110 - a request that nothing signals
                await asyncio.sleep(0.01)
            await create(client, name)
            assert (await next_change)["metadata"]["name"] == name
        await client.delete(CONFIG_MAPS, "before", "default")
        await create(client, "c")
        assert (await anext(changes))["metadata"]["name"] == "c"


async def test_what_the_server_has_forgotten_is_listed_and_followed_from_there(
    site: Site, client: Client, server: ApiServer
) -> None:
    version = await create(client, "a")
    server.store.collection(CONFIG_MAPS).floor = int(await create(client, "b"))
    async with asyncio.timeout(30), aclosing(site.changes(CONFIG_MAPS, version)) as changes:
        listed = [(await anext(changes))["metadata"]["name"] for _ in range(2)]
        assert listed == ["a", "b"]
        await create(client, "c")
        assert (await anext(changes))["metadata"]["name"] == "c"
