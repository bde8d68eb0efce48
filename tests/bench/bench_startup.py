"""How soon a cluster is ready, and what it holds while nothing runs."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from tests.bench.figure import Figure
from tests.bench.lab import home, lab, settled_rss_mb

RUNS = 5


def measure() -> list[Figure]:
    """Measure."""
    with home() as where:
        first = median(_up_s(where, f"new-{run}") for run in range(RUNS))
        again = median(_up_s(where, "new-0") for _ in range(RUNS))
        return [
            Figure("start-up", "kubelab up --json, new cluster", 1.0, first, "s", note=f"median of {RUNS}"),
            Figure("start-up", "kubelab up --json, brought back", 1.0, again, "s", note=f"median of {RUNS}"),
            *_memory(where),
        ]


def _up_s(where: Path, name: str) -> float:
    with lab(where, "--no-warm", name=name) as made:
        return made.up_s


def _memory(where: Path) -> list[Figure]:
    with lab(where, name="memory") as made:
        warm = settled_rss_mb(made.warm_parent())
        idle = settled_rss_mb(made.pid)
        return [
            Figure(
                "start-up", "control plane, idle", 150, idle, "MB", note="the process whose pid up prints"
            ),
            Figure("start-up", "warm parent", 300, warm, "MB", note="a process of its own; up --no-warm"),
        ]
