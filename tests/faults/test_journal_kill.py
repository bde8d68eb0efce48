"""A server killed in mid-write loses no acknowledged write, and invents none; watches go on where they were.

The rounds follow each other on one journal, so that each builds on what the kill before it left.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from kubelab.client import CONFIG_MAPS, Client, Object, WatchEvent
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.http import HttpTransport, Kubeconfig

SERVER = """
import asyncio, sys
from pathlib import Path
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.serve import serve
from kubelab.engine.apiserver.tls import ensure_tls

async def main():
    folder = Path(sys.argv[1])
    server = ApiServer(folder, RealClock(), token="secret")
    await server.start()
    served = await serve(server, port=0, tls=ensure_tls(folder))
    print(served.port, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Acknowledged:
    """What the server said it had done, and what it was still asked to do when it died."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.asked: dict[str, str | None] = {}
        self.start = ""
        self.seen: list[WatchEvent] = []


async def write(client: Client, name: str, random: Random, told: Acknowledged) -> None:
    """Create, change and delete one object for ever; remember each answer."""
    value = ""
    for step in range(1_000_000):
        exists = name in told.values
        delete = exists and random.random() < 0.2
        value = f"{step}-{'x' * random.randrange(2000)}"
        told.asked[name] = None if delete else value
        if delete:
            await client.delete(CONFIG_MAPS, name, "default")
            del told.values[name]
        else:
            answer = await _put(client, name, value, exists=exists)
            told.values[name] = value
            told.versions[name] = int(answer["metadata"]["resourceVersion"])
        del told.asked[name]


async def _put(client: Client, name: str, value: str, *, exists: bool) -> Object:
    if exists:
        return await client.patch(CONFIG_MAPS, name, {"data": {"value": value}}, "default")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"value": value}}
    return await client.create(CONFIG_MAPS, body, "default")


async def write_until_killed(
    folder: Path, random: Random, before: dict[str, Object], version: int
) -> Acknowledged:
    """Write to a server on a journal that holds ``before`` at ``version``, and kill it."""
    process, port = await started(folder)
    client, told = connect(folder, port), Acknowledged()
    told.values = {name: item["data"]["value"] for name, item in before.items()}
    told.start = (await client.list(CONFIG_MAPS, "default")).resource_version
    writers = [asyncio.create_task(write(client, f"object-{each}", random, told)) for each in range(24)]
    watching = asyncio.create_task(watch(client, told.seen, told.start))
    async with asyncio.timeout(60):
        wanted = int(told.start) + random.randrange(50, 1200)
        while max(told.versions.values(), default=0) < wanted:  # noqa: ASYNC110 - no event says it
            await asyncio.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    for outcome in await asyncio.gather(*writers, return_exceptions=True):
        assert isinstance(outcome, (ConnectionFailedError, OSError)), outcome
    await asyncio.gather(watching, return_exceptions=True)
    await process.wait()
    await client.close()
    return told


async def started(folder: Path) -> tuple[asyncio.subprocess.Process, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(folder), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())


def connect(folder: Path, port: int) -> Client:
    ca_pem = (folder / "tls" / "ca.crt").read_text()
    return Client(HttpTransport(Kubeconfig(f"https://127.0.0.1:{port}", token="secret", ca_pem=ca_pem)))


def differences(told: Acknowledged, found: dict[str, Object]) -> Iterator[str]:
    """Yield each object that is neither as acknowledged nor as the write under way would leave it."""
    for name in {*told.values, *told.asked, *found}:
        acknowledged = told.values.get(name)
        possible = {acknowledged, told.asked.get(name, acknowledged)}
        value = found[name]["data"]["value"] if name in found else None
        if value not in possible:
            yield f"{name}: {str(value)[:9]} is none of {[str(each)[:9] for each in possible]}"


async def watch(client: Client, seen: list[WatchEvent], start: str) -> None:
    """Follow every change after a version until the connection breaks."""
    async for event in client.watch(CONFIG_MAPS, "default", resource_version=start):
        seen.append(event)  # noqa: PERF401 - each counts at once


async def resumed(client: Client, seen: list[WatchEvent], start: str, end: int) -> None:
    """Go on from the last event to ``end``."""
    after = seen[-1].object["metadata"]["resourceVersion"] if seen else start
    source = client.watch(CONFIG_MAPS, "default", resource_version=after)
    async with asyncio.timeout(30):
        while version_of(seen) < end:
            seen.append(await anext(source))
    await source.aclose()


def version_of(seen: list[WatchEvent]) -> int:
    return int(seen[-1].object["metadata"]["resourceVersion"]) if seen else 0


def replayed(seen: list[WatchEvent], objects: dict[str, Object]) -> dict[str, Object]:
    """Return the state that events lead to; an event that does not follow from the one before fails."""
    state, last = dict(objects), 0
    for event in seen:
        name, version = event.object["metadata"]["name"], int(event.object["metadata"]["resourceVersion"])
        assert version > last, f"version {version} was seen after {last}"
        assert (name in state) == (event.type != "ADDED"), f"{event.type} of {name} at {version}"
        last = version
        if event.type == "DELETED":
            del state[name]
        else:
            state[name] = event.object
    return state


@pytest.mark.timeout(1800)
async def test_no_acknowledged_write_is_lost_and_watches_resume(tmp_path: Path, full: bool) -> None:
    random, version, before = Random(20), 0, dict[str, Object]()
    for number in range(200 if full else 8):
        told = await write_until_killed(tmp_path, random, before, version)
        server = ApiServer(tmp_path, RealClock(), token="secret")
        await server.start()
        client = server.client("system:test")
        page = await client.list(CONFIG_MAPS, "default")
        found = {item["metadata"]["name"]: item for item in page.items}
        assert list(differences(told, found)) == [], f"round {number}"
        highest = max(told.versions.values(), default=0)
        assert int(page.resource_version) >= highest > version, f"round {number}"
        await resumed(client, told.seen, told.start, int(page.resource_version))
        assert replayed(told.seen, before) == found, f"round {number}"
        version, before = int(page.resource_version), found
        await server.stop()


async def test_a_killed_servers_state_is_not_locked(tmp_path: Path) -> None:
    await write_until_killed(tmp_path, Random(9), {}, 0)
    server = ApiServer(tmp_path, RealClock(), token="secret")
    await server.start()
    with pytest.raises(ApiError):
        await server.client("system:test").get(CONFIG_MAPS, "absent", "default")
    await server.stop()
