from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from kubelab.engine.binaries.program import Program, ProgramEndedError

SLEEP = ["/bin/sleep", "300"]
_OWNER = """
import asyncio, pathlib, sys
from kubelab.engine.binaries.program import Program

async def main():
    program = Program(["/bin/sleep", "300"], pathlib.Path(sys.argv[1]))
    await program.start()
    print(program.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_program_that_ends_says_why(tmp_path: Path) -> None:
    program = Program(["/bin/sh", "-c", "echo no such thing >&2; exit 3"], tmp_path)
    with pytest.raises(ProgramEndedError, match="no such thing") as ended:
        await program.run()
    assert ended.value.code == 3


async def test_a_program_is_stopped_and_leaves_no_record(tmp_path: Path) -> None:
    program = Program(SLEEP, tmp_path)
    await program.start()
    pid = program.pid
    assert pid is not None
    await program.stop()
    assert not psutil.pid_exists(pid)
    assert os.listdir(tmp_path) == ["sleep.log"]  # noqa: PTH208 - only names


async def test_what_an_earlier_control_plane_left_is_ended_first(tmp_path: Path) -> None:
    left, program = Program(SLEEP, tmp_path), Program(SLEEP, tmp_path)
    await left.start()
    ended = asyncio.create_task(left.run())
    await program.start()
    with pytest.raises(ProgramEndedError):
        await asyncio.wait_for(ended, 30)
    assert program.pid
    await program.stop()


def test_a_program_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _OWNER, str(tmp_path)], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        program = psutil.Process(int(owner.stdout.readline()))
        os.kill(owner.pid, signal.SIGKILL)
        program.wait(30)
