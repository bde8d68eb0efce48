"""Watch: resuming, bookmarks, initial events, selectors, and watchers that fall behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import orjson
import pytest

from kubelab.client import CONFIG_MAPS, PODS, Client, Object
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import ExpiredError, InvalidError
from tests.unit.engine.apiserver.conftest import SetClock, config_map, pod


async def events(client: Client, **query: str) -> AsyncIterator[Object]:
    path = "/api/v1/namespaces/default/configmaps"
    async with aclosing(client.transport.stream("GET", path, {"watch": "true", **query})) as chunks:
        async for chunk in chunks:
            for line in chunk.splitlines():
                yield orjson.loads(line)


async def take(source: AsyncIterator[Any], count: int) -> list[Any]:
    async with asyncio.timeout(10):
        return [await anext(source) for _ in range(count)]


def seen(event: Object) -> tuple[str, str]:
    return event["type"], event["object"]["metadata"]["name"]


async def test_a_watch_resumes_after_a_version(client: Client) -> None:
    a = await client.create(CONFIG_MAPS, config_map("a"), "default")
    await client.patch(CONFIG_MAPS, "a", {"data": {"a": "c"}}, "default")
    await client.delete(CONFIG_MAPS, "a", "default")
    source = events(client, resourceVersion=a["metadata"]["resourceVersion"])
    got = await take(source, 2)
    assert [seen(event) for event in got] == [("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in got]
    assert versions == sorted(versions)
    await client.create(CONFIG_MAPS, config_map("b"), "default")
    assert [seen(event) for event in await take(source, 1)] == [("ADDED", "b")]


@pytest.mark.parametrize("version", ["", "0"])
async def test_a_watch_without_a_version_begins_with_what_there_is(client: Client, version: str) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    source = events(client, resourceVersion=version)
    assert [seen(event) for event in await take(source, 1)] == [("ADDED", "a")]
    await client.create(CONFIG_MAPS, config_map("b"), "default")
    assert [seen(event) for event in await take(source, 1)] == [("ADDED", "b")]


async def test_initial_events_end_with_a_bookmark(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    source = events(
        client, sendInitialEvents="true", resourceVersionMatch="NotOlderThan", allowWatchBookmarks="true"
    )
    added, bookmark = await take(source, 2)
    assert seen(added) == ("ADDED", "a")
    assert bookmark["type"] == "BOOKMARK"
    metadata = bookmark["object"]["metadata"]
    assert metadata["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert metadata["resourceVersion"] == added["object"]["metadata"]["resourceVersion"]
    with pytest.raises(InvalidError, match="sendInitialEvents requires setting resourceVersionMatch"):
        await anext(events(client, sendInitialEvents="true"))


async def test_bookmarks_come_while_nothing_happens(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.watching._BOOKMARK_PERIOD_S", 0.02)
    created = await client.create(PODS, pod(), "default")  # another collection moves the version on
    source = events(client, resourceVersion="1", allowWatchBookmarks="true")
    (bookmark,) = await take(source, 1)
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


async def test_a_watch_ends_after_its_timeout(client: Client) -> None:
    async with asyncio.timeout(10):
        assert [event async for event in events(client, resourceVersion="1", timeoutSeconds="1")] == []


async def test_a_version_that_is_forgotten_is_gone(client: Client, server: ApiServer) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    server.store.collection(CONFIG_MAPS).floor = 5
    (event,) = await take(events(client, resourceVersion="4"), 1)
    assert event["type"] == "ERROR"
    assert event["object"]["code"] == 410
    assert event["object"]["reason"] == "Expired"
    assert event["object"]["message"] == "too old resource version: 4 (5)"
    with pytest.raises(ExpiredError):
        await anext(client.watch(CONFIG_MAPS, "default", resource_version="4"))


async def test_a_watch_resumes_across_a_restart(client: Client, server: ApiServer, clock: SetClock) -> None:
    old = await client.create(CONFIG_MAPS, config_map("a"), "default")
    await client.patch(CONFIG_MAPS, "a", {"data": {"a": "c"}}, "default")
    await client.delete(CONFIG_MAPS, "a", "default")
    await client.create(CONFIG_MAPS, config_map("b"), "default")
    await server.stop()
    again = ApiServer(server.store.path.parent, clock, token="secret")
    await again.start()
    source = events(again.client("x"), resourceVersion=old["metadata"]["resourceVersion"])
    got = [seen(event) for event in await take(source, 3)]
    assert got == [("MODIFIED", "a"), ("DELETED", "a"), ("ADDED", "b")]
    await again.stop()


async def test_a_watcher_that_falls_behind_costs_nothing_and_is_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.collection._HISTORY_CHANGES", 200)
    first = await client.create(CONFIG_MAPS, config_map("a"), "default")
    source = client.transport.stream(
        "GET",
        "/api/v1/namespaces/default/configmaps",
        {"watch": "true", "resourceVersion": first["metadata"]["resourceVersion"]},
    )
    await client.create(CONFIG_MAPS, config_map("b"), "default")
    assert b'"ADDED"' in await anext(source)
    for start in range(0, 1000, 100):
        names = (f"c{start + each}" for each in range(100))
        await asyncio.gather(*(client.create(CONFIG_MAPS, config_map(name), "default") for name in names))
    rest = [chunk async for chunk in source]
    last = orjson.loads(rest[-1])
    assert (last["type"], last["object"]["code"]) == ("ERROR", 410)


async def test_an_object_that_a_selector_loses_is_seen_as_deleted(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a", labels={"app": "web"}), "default")
    version = created["metadata"]["resourceVersion"]
    source = events(client, resourceVersion=version, labelSelector="app=web")
    lost = await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"app": "db"}}}, "default")
    await client.patch(CONFIG_MAPS, "a", {"data": {"unseen": "x"}}, "default")
    await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"app": "web"}}}, "default")
    deleted, added = await take(source, 2)
    assert seen(deleted) == ("DELETED", "a")
    assert deleted["object"]["metadata"]["labels"] == {"app": "web"}
    assert deleted["object"]["metadata"]["resourceVersion"] == lost["metadata"]["resourceVersion"]
    assert seen(added) == ("ADDED", "a")


async def test_a_watch_sees_only_its_namespace(client: Client) -> None:
    source = events(client, resourceVersion="4")
    await client.create(CONFIG_MAPS, config_map("other"), "kube-system")
    await client.create(CONFIG_MAPS, config_map("mine"), "default")
    assert [seen(event) for event in await take(source, 1)] == [("ADDED", "mine")]


async def test_two_watchers_see_the_same(client: Client) -> None:
    sources = [events(client, resourceVersion="4") for _ in range(2)]
    tasks = [asyncio.create_task(take(source, 3)) for source in sources]
    for name in "abc":
        await client.create(CONFIG_MAPS, config_map(name), "default")
    first, second = await asyncio.gather(*tasks)
    assert first == second


async def test_watchers_end_when_the_server_stops(client: Client, server: ApiServer) -> None:
    async def collect() -> list[Object]:
        return [event async for event in events(client, resourceVersion="4")]

    task = asyncio.create_task(collect())
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    server.end_streams()
    async with asyncio.timeout(10):
        await task


async def test_every_acknowledged_write_is_in_the_watch(client: Client) -> None:
    source = events(client, resourceVersion="4")

    async def write(name: str) -> None:
        await client.create(CONFIG_MAPS, config_map(name), "default")
        for value in "xyz":
            await client.patch(CONFIG_MAPS, name, {"data": {"a": value}}, "default")
        await client.delete(CONFIG_MAPS, name, "default")

    await asyncio.gather(*(write(f"m{each}") for each in range(20)))
    got = await take(source, 100)
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in got]
    assert versions == list(range(5, 105))
    for each in range(20):
        types = [event["type"] for event in got if seen(event)[1] == f"m{each}"]
        assert types == ["ADDED", "MODIFIED", "MODIFIED", "MODIFIED", "DELETED"]
