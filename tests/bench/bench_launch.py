"""A two-process training job on the lab cluster beside the same script as two bare processes.

The first metric is timed from the call that launches to the line that the caller reads. A node keeps what
JAX compiled: "first time" is a job in a home where nothing was compiled yet, as by hand; the other warm
figure is of the same job launched again. The ways take turns, so that whatever else the machine does meets
each of them.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from kubelab.clock import monotonic, parse_rfc3339
from kubelab.cluster import Cluster
from tests.bench import digits
from tests.bench.figure import Figure
from tests.bench.lab import home, lab

PROCESSES = 2
RUNS = 3
STEADY_FROM = 50
"""Steps before this one are not counted in steps/s."""

LINE = re.compile(r"^(\S+Z) step=(\d+) ")


@dataclass(frozen=True, slots=True)
class Timed:
    """One run: seconds to its first metric, and steps a second once it is steady."""

    first_s: float
    steps_per_s: float


def measure() -> list[Figure]:
    """Measure."""
    rounds = [_round(number) for number in range(RUNS)]
    bare, warm, again, cold = (_middle(runs) for runs in zip(*rounds, strict=True))
    pace = f"{warm.steps_per_s:.0f}/s beside {bare.steps_per_s:.0f}/s by hand"
    return [
        _first("warm", 0.2, again, bare),
        _first("warm, first time", None, warm, bare),
        _first("cold, first time", 1.3, cold, bare),
        Figure("launch", "steps/s", 0.97, warm.steps_per_s / bare.steps_per_s, "x bare", True, pace),
    ]


def _round(number: int) -> tuple[Timed, Timed, Timed, Timed]:
    bare = _bare()
    with home() as where, lab(where, name=f"warm-{number}") as made:
        made.warm_parent()
        warm, again = _job(made.name), _job(made.name)
    with home() as where, lab(where, "--no-warm", name=f"cold-{number}") as made:
        cold = _job(made.name)
    return bare, warm, again, cold


def _first(how: str, asked: float | None, run: Timed, bare: Timed) -> Figure:
    note = f"{run.first_s:.2f} s beside {bare.first_s:.2f} s by hand; medians of {RUNS}"
    ratio = run.first_s / bare.first_s
    return Figure(
        "launch", f"first metric of {PROCESSES} processes, {how}", asked, ratio, "x bare", note=note
    )


def _middle(runs: Iterable[Timed]) -> Timed:
    kept = list(runs)
    return Timed(median(run.first_s for run in kept), median(run.steps_per_s for run in kept))


def _job(name: str) -> Timed:
    with Cluster.connect(name) as cluster:
        started = monotonic()
        job = cluster.train(digits.train, num_nodes=PROCESSES, checkpoint_every=None)
        timed = _time(job.logs(0, follow=True), started)
        job.wait(progress=False)
        job.stop()
    return timed


def _bare() -> Timed:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = monotonic()
    processes = [_start(rank, port) for rank in range(PROCESSES)]
    first = processes[0].stdout
    assert first is not None
    timed = _time(first, started)
    for process in processes:
        process.wait(timeout=60)
    return timed


def _start(rank: int, port: int) -> subprocess.Popen[str]:
    env = {
        **os.environ,
        "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{port}",
        "JAX_NUM_PROCESSES": str(PROCESSES),
        "JAX_PROCESS_ID": str(rank),
    }
    out = subprocess.PIPE if rank == 0 else subprocess.DEVNULL
    command = [sys.executable, str(Path(digits.__file__))]
    # A session of its own, as pods have: Linux shares the processor among sessions (autogroups).
    return subprocess.Popen(
        command, env=env, stdout=out, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def _time(lines: Iterable[str], started: float) -> Timed:
    first_s = 0.0
    seen = []
    for line in lines:
        match = LINE.match(line)
        if match is None:
            continue
        first_s = first_s or monotonic() - started
        seen.append((int(match[2]), parse_rfc3339(match[1]).timestamp()))
    steady = [(step, at) for step, at in seen if step >= STEADY_FROM]
    (step, at), (last_step, last_at) = steady[0], steady[-1]
    return Timed(first_s, (last_step - step) / (last_at - at))
