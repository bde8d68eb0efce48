"""A journal that cannot grow, was cut short or was damaged: told plainly, and nothing half-done."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
from pathlib import Path
from random import Random

import pytest

from kubelab.client import CONFIG_MAPS, Client, Object
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import ApiError
from tests.conftest import Lab
from tests.faults.test_journal_kill import connect, started, write_until_killed


def config_map(name: str, size: int) -> Object:
    data = {"value": "x" * size}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def limit_files(pid: int, size_bytes: int) -> None:
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


async def fill(client: Client) -> tuple[set[str], ApiError]:
    """Create until refused; return what was acknowledged, and the refusal."""
    made: set[str] = set()
    for number in range(10_000):
        try:
            await client.create(CONFIG_MAPS, config_map(f"filler-{number}", 10_000), "default")
        except ApiError as error:
            return made, error
        made.add(f"filler-{number}")
    raise AssertionError("there was always room")


async def names(client: Client) -> set[str]:
    page = await client.list(CONFIG_MAPS, "default")
    return {item["metadata"]["name"] for item in page.items}


async def test_without_room_writes_are_refused_and_reads_go_on(tmp_path: Path) -> None:
    process, port = await started(tmp_path)
    client = connect(tmp_path, port)
    try:
        limit_files(process.pid, 2_000_000)
        made, refusal = await fill(client)
        assert (refusal.code, refusal.reason) == (500, "InternalError")
        assert "Make room and write again" in refusal.message
        outcomes = await asyncio.gather(
            *(client.create(CONFIG_MAPS, config_map(f"more-{n}", 10_000), "default") for n in range(20)),
            return_exceptions=True,
        )
        made |= {f"more-{n}" for n, outcome in enumerate(outcomes) if not isinstance(outcome, ApiError)}
        assert made == await names(client)
        limit_files(process.pid, resource.RLIM_INFINITY)
        await client.create(CONFIG_MAPS, config_map("after", 10_000), "default")
    finally:
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        await client.close()
    server = ApiServer(tmp_path, RealClock(), token="secret")
    await server.start()
    assert await names(server.client("system:test")) == {*made, "after"}
    await server.stop()


async def test_a_journal_cut_short_is_a_prefix_of_history(tmp_path: Path, full: bool) -> None:
    """SQLite keeps every transaction whose frames are whole, and none after the first that is not."""
    random = Random(11)
    for number in range(40 if full else 4):
        folder = tmp_path / str(number)
        folder.mkdir()
        told = await write_until_killed(folder, random, {}, 0)
        log = folder / "journal.db-wal"
        os.truncate(log, random.randrange(log.stat().st_size))
        server = ApiServer(folder, RealClock(), token="secret")
        await server.start()
        client = server.client("system:test")
        page = await client.list(CONFIG_MAPS, "default")
        reached = int(page.resource_version)
        expected: dict[str, int] = {}
        for event in told.seen:
            version = int(event.object["metadata"]["resourceVersion"])
            if version <= reached:
                expected[event.object["metadata"]["name"]] = version
                if event.type == "DELETED":
                    del expected[event.object["metadata"]["name"]]
        last_seen = int(told.seen[-1].object["metadata"]["resourceVersion"])
        found = {i["metadata"]["name"]: int(i["metadata"]["resourceVersion"]) for i in page.items}
        assert {name: at for name, at in found.items() if at <= last_seen}.items() <= expected.items()
        assert reached > last_seen or found == expected, f"round {number}"
        await client.create(CONFIG_MAPS, config_map("after", 1), "default")
        await server.stop()


@pytest.mark.timeout(180)
def test_a_damaged_journal_is_named_and_what_is_readable_comes_back(lab: Lab) -> None:
    lab.up("lab", "--no-warm")
    lab.kubelab("down", "--name", "lab")
    journal = lab.home / "lab" / "journal.db"
    with journal.open("r+b") as file:
        file.seek(journal.stat().st_size // 2 // 8192 * 8192)
        file.write(b"\xa5" * 8192)
    refused = lab.kubelab("up", "--name", "lab", "--no-warm", check=False)
    assert refused.returncode == 1
    assert str(journal) in refused.stderr
    assert "--recover" in refused.stderr
    back = lab.kubelab("up", "--name", "lab", "--no-warm", "--recover", "--json")
    assert "objects; the damaged journal is kept as" in back.stderr
    assert json.loads(back.stdout)["name"] == "lab"
    assert journal.with_name("journal.db.damaged-1").exists()
    assert journal.stat().st_mode & 0o077 == 0
