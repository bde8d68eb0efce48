"""Commands beside a container and its own streams, with and without namespaces."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubelab.client import Object
from kubelab.engine.apiserver.pod_streams import StreamOptions
from kubelab.engine.nodes.sessions import Session
from kubelab.errors import ApiError
from tests.unit.engine.nodes.conftest import Lab

_ALL = StreamOptions(stdin=True, stdout=True, stderr=True)


async def read(session: Session) -> tuple[dict[str, str], int | None]:
    """Return all output by stream, and the exit code."""
    said = {"stdout": "", "stderr": ""}
    async with asyncio.timeout(60):
        async for stream, data in session.output():
            said[stream] += data.decode()
        code = await session.exit_code()
    await session.close()
    return said, code


async def execute(lab: Lab, pod: Object, script: str, *, tty: bool = False) -> Session:
    options = StreamOptions(("sh", "-c", script), stdin=True, stdout=True, stderr=not tty, tty=tty)
    return await lab.node.exec(pod, "main", options)


async def test_a_command_sees_volumes_at_their_mount_paths(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("from the volume\n")
    await lab.create(
        "mounted",
        "sleep",
        "1000",
        volumeMounts=[{"name": "data", "mountPath": "/data-test"}],
        spec={"volumes": [{"name": "data", "hostPath": {"path": str(tmp_path)}}]},
    )
    pod = await lab.running("mounted")
    said, code = await read(await execute(lab, pod, "cat /data-test/note; exit 7"))
    assert (said["stdout"], code) == ("from the volume\n", 7)


async def test_output_that_nobody_reads_holds_the_container_up_and_loses_nothing(lab: Lab) -> None:
    script = "read go; seq 1 400000; echo done >&2"
    await lab.create("loud", "sh", "-c", script, stdin=True, stdinOnce=True)
    pod = await lab.running("loud")
    session = await lab.node.attach(pod, "main", _ALL)
    await session.write(b"go\n")
    await lab.until(lambda: lab.log("loud", tail_lines=1), "the first output")
    said, _ = await read(session)
    assert said["stdout"].split() == [str(number) for number in range(1, 400001)]
    assert said["stderr"] == "done\n"


async def test_input_for_one_ends_with_who_was_attached(lab: Lab) -> None:
    await lab.create("reader", "sh", "-c", "cat; echo end", stdin=True, stdinOnce=True)
    pod = await lab.running("reader")
    session = await lab.node.attach(pod, "main", _ALL)
    await session.write(b"typed\n")
    await session.close()
    await lab.ended("reader")
    assert await lab.log("reader") == ["typed", "end"]


async def test_a_terminal_is_shared_with_who_attaches(lab: Lab) -> None:
    await lab.create("shell", "sh", stdin=True, tty=True)
    pod = await lab.running("shell")
    session = await lab.node.attach(pod, "main", StreamOptions(stdin=True, stdout=True, tty=True))
    session.resize(77, 33)
    await session.write(b"stty size\nexit\n")
    said, _ = await read(session)
    assert "33 77" in said["stdout"]


async def test_a_container_that_has_ended_takes_no_visitors(lab: Lab) -> None:
    await lab.create("short", "true")
    pod = await lab.ended("short")
    with pytest.raises(ApiError, match=r'container not found \("main"\)'):
        await execute(lab, pod, "true")


async def test_a_pod_has_the_ports_of_its_own_address(lab: Lab) -> None:
    await lab.create("quiet", "sleep", "1000")
    pod = await lab.running("quiet")
    with pytest.raises(ApiError, match=r"error forwarding port 9 to pod .* connection refused"):
        await lab.node.connect(pod, 9)
