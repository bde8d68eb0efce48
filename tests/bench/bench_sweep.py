"""A sweep of warm trials beside a cold process for each trial, and beside Optuna in one process.

All three call the same function with random search. The trials' start is timed from the moment when the
Trial object is there to its first reported step, as a client sees it.
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
COLD_TRIALS = 3
PARALLEL = 2


def measure() -> list[Figure]:
    """Measure."""
    optuna_s = _optuna()
    cold_s = _cold()
    with home() as where, lab(where, name="sweep") as made:
        made.warm_parent()
        with Cluster.connect(made.name) as cluster:
            _sweep(cluster, 2)  # the node compiles the function once
            starts, swept_s = _sweep(cluster, TRIALS)
    pace = f"{1 / swept_s:.2f} trials/s"
    start = f"median of {len(starts)}, the slowest {max(starts):.2f} s"
    return [
        Figure("sweep", "Trial to first step, warm", 0.5, median(starts), "s", note=start),
        Figure(
            "sweep",
            "trials/s beside a cold process each",
            5,
            cold_s / swept_s,
            "x cold",
            True,
            f"{pace} beside {1 / cold_s:.2f}",
        ),
        Figure(
            "sweep",
            "trials/s beside Optuna in one process",
            0.8,
            optuna_s / swept_s,
            "x Optuna",
            True,
            f"{pace} beside {1 / optuna_s:.2f}",
        ),
    ]


def _sweep(cluster: Cluster, trials: int) -> tuple[list[float], float]:
    """Return each trial's seconds to its first step, and seconds a trial of the whole sweep."""
    started = monotonic()
    sweep = cluster.sweep(
        small_model.train,
        space={"lr": log(1e-3, 1e-1)},
        objective="loss",
        algorithm="random",
        max_trials=trials,
        parallel=PARALLEL,
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


def _cold() -> float:
    """Return seconds for a trial that is a fresh process, two at a time as in the sweep."""
    command = [sys.executable, str(Path(small_model.__file__)), "1"]
    started = monotonic()
    for _ in range(COLD_TRIALS):
        running = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ) for _ in range(PARALLEL)
        ]
        for process in running:
            process.wait(timeout=120)
    return (monotonic() - started) / (COLD_TRIALS * PARALLEL)


def _optuna() -> float:
    """Return seconds for a trial of a study in one process, what it compiles first not counted."""
    command = [sys.executable, str(Path(small_model.__file__)), str(TRIALS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return float(done.stdout.splitlines()[-1].removeprefix("seconds a trial: "))
