"""Processes of this machine, and when they began."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil

from kubelab.processes import start_ticks


def test_it_is_when_the_process_began() -> None:
    ticks = start_ticks(os.getpid())
    assert ticks is not None
    began_s = psutil.boot_time() + ticks / os.sysconf("SC_CLK_TCK")
    assert abs(began_s - psutil.Process().create_time()) < 1


def test_a_later_process_began_later() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as later:
        ticks = start_ticks(later.pid), start_ticks(os.getpid())
        later.kill()
    assert ticks[0] is not None
    assert ticks[1] is not None
    assert ticks[0] > ticks[1]


def test_a_name_with_brackets_and_blanks_is_read_past(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    shutil.copy("/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as named:
        ticks = start_ticks(named.pid)
        named.kill()
    assert ticks is not None
    assert ticks >= (start_ticks(os.getpid()) or 0)


def test_a_process_that_ended_has_none_also_before_it_is_waited_for() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert start_ticks(process.pid) is None
    process.wait()
    assert start_ticks(process.pid) is None
