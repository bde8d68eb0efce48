"""A sweep of warm trials beside a cold process for each trial, and beside Optuna in one process.

All three call the same function with random search, two trials at a time but for Optuna. The asked ratios are
of short trials, a third of a second of training, where it shows what a trial costs beside its training; those
of trials three times as long stand below them. A trial's start is timed from the moment when the Trial object
is there to its first reported step, as a client sees it: alone, and while another trial trains.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from kubelab import portal
from kubelab.clock import RealClock, monotonic
from kubelab.cluster import Cluster
from kubelab.sweeps import Sweep
from kubelab.tuning import log
from tests.bench import small_model
from tests.bench.figure import Figure
from tests.bench.lab import home, lab

TRIALS = 16
ALONE = 6
SHORT, LONG = 40, 120
"""Steps of a trial; a step takes about 8 ms."""
COLD_TRIALS = 3
PARALLEL = 2


def measure() -> list[Figure]:
    """Measure."""
    with home() as where, lab(where, name="sweep") as made:
        made.warm_parent()
        with Cluster.connect(made.name) as cluster:
            _sweep(cluster, SHORT, 2)  # the node compiles the function once
            alone, _ = _sweep(cluster, SHORT, ALONE, parallel=1)
            beside, short_s = _sweep(cluster, SHORT, TRIALS)
            _, long_s = _sweep(cluster, LONG, TRIALS)
    return [
        _start("alone", 0.5, alone),
        _start("beside one that trains", None, beside),
        *_ratios("short trials", SHORT, short_s, (5, 0.8)),
        *_ratios("longer trials", LONG, long_s, (None, None)),
    ]


def _start(how: str, asked: float | None, starts: list[float]) -> Figure:
    note = f"median of {len(starts)}, the slowest {max(starts):.2f} s"
    return Figure("sweep", f"Trial to first step, warm, {how}", asked, median(starts), "s", note=note)


def _ratios(what: str, steps: int, swept_s: float, asked: tuple[float | None, float | None]) -> list[Figure]:
    """Return how many times as many trials a sweep ends as cold processes and as Optuna do."""
    return [
        Figure(
            "sweep",
            f"{what}/s beside {other}",
            limit,
            other_s / swept_s,
            unit,
            True,
            f"{1 / swept_s:.2f}/s beside {1 / other_s:.2f}/s",
        )
        for limit, unit, other, other_s in (
            (asked[0], "x cold", "a cold process each", _cold(steps)),
            (asked[1], "x Optuna", "Optuna in one process", _optuna(steps)),
        )
    ]


def _sweep(cluster: Cluster, steps: int, trials: int, parallel: int = PARALLEL) -> tuple[list[float], float]:
    """Return each trial's seconds to its first step, and seconds a trial of the whole sweep."""
    started = monotonic()
    sweep = cluster.sweep(
        small_model.train,
        space={"lr": log(1e-3, 1e-1)},
        args={"steps": steps},
        objective="loss",
        algorithm="random",
        max_trials=trials,
        parallel=parallel,
        resources={"cpu": 1, "memory": "1Gi"},
    )
    seen = portal.run(_created(sweep))
    per_trial_s = (monotonic() - started) / trials
    first = {trial.name: trial.reports["loss"][0].time for trial in sweep.view().trials}
    return [at - seen[name] for name, at in first.items() if at is not None], per_trial_s


async def _created(sweep: Sweep) -> dict[str, float]:
    """Return when each Trial was first seen, in seconds since 1970; returns when the sweep has ended."""
    clock, seen = RealClock(), dict[str, float]()
    async with asyncio.timeout(300):
        async for view in sweep.reader.views():
            if view is None:
                break
            for name in view.objects:
                seen.setdefault(name, clock.now().timestamp())
            if view.has_ended:
                break
    return seen


def _cold(steps: int) -> float:
    """Return seconds for a trial that is a fresh process, two at a time as in the sweep."""
    command = [sys.executable, str(Path(small_model.__file__)), "1", str(steps)]
    started = monotonic()
    for _ in range(COLD_TRIALS):
        running = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) for _ in range(PARALLEL)
        ]
        for process in running:
            process.wait(timeout=120)
    return (monotonic() - started) / (COLD_TRIALS * PARALLEL)


def _optuna(steps: int) -> float:
    """Return seconds for a trial of a study in one process, what it compiles first not counted."""
    command = [sys.executable, str(Path(small_model.__file__)), str(TRIALS), str(steps)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return float(done.stdout.splitlines()[-1].removeprefix("seconds a trial: "))
