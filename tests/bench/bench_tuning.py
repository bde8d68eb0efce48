"""How far asha gets with random search's steps, and how long the pure decisions of a search take."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import median

from kubelab.clock import monotonic
from kubelab.tuning import EarlyStopping, Problem, Report, TrialRecord, suggest, verdict
from kubelab.tuning.suggestion import ALGORITHMS
from tests.bench.figure import Figure
from tests.bench.learning_curves import SPACE, STEPS, race

SEEDS = range(5)
RANDOM_TRIALS = 40
KNOWN_TRIALS = 200
REPORTS = 300
ASKED_MS = {"random": 50.0, "tpe": 50.0}
UNSUITED = {"grid", "hyperband", "pbt"}
"""A grid needs steps, and the others wait for whole generations."""


def measure() -> list[Figure]:
    """Measure."""
    return [
        _asha(),
        *map(_suggestion, sorted(ALGORITHMS.keys() - UNSUITED)),
        *map(_verdict, ("asha", "medianstop")),
    ]


def _asha() -> Figure:
    """Compare steps until asha has random search's best loss; the median of the seeds."""
    shares = []
    for seed in SEEDS:
        at_random = race("random", seed, RANDOM_TRIALS)
        halving = race("asha", seed, max_trials=10 * RANDOM_TRIALS, until=at_random.best)
        shares.append(halving.steps / at_random.steps)
    seeds = ", ".join(f"{each:.2f}" for each in shares)
    note = f"random: {RANDOM_TRIALS} trials of {STEPS} steps; seeds: {seeds}"
    return Figure("tuning", "asha's steps to random's best loss", 1 / 3, median(shares), "x", note=note)


def _suggestion(algorithm: str) -> Figure:
    problem = Problem(SPACE, "loss", algorithm=algorithm, max_trials=2 * KNOWN_TRIALS)
    trials = _known(KNOWN_TRIALS, reports=1)
    suggest(problem, trials, 1)
    taken = median(_timed(lambda: suggest(problem, trials, 1)) for _ in range(5))
    name = f"{algorithm}: a suggestion after {KNOWN_TRIALS} trials"
    return Figure("tuning", name, ASKED_MS.get(algorithm), 1000 * taken, "ms")


def _verdict(rule: str) -> Figure:
    problem = Problem(SPACE, "loss", early_stopping=EarlyStopping(rule))
    *others, last = _known(KNOWN_TRIALS, reports=REPORTS)
    running = TrialRecord(last.name, last.number, last.assignments, "Running", last.reports)
    taken = median(_timed(lambda: verdict(problem, running, others)) for _ in range(5))
    name = f"{rule}: a verdict among {KNOWN_TRIALS} trials of {REPORTS} reports"
    return Figure("tuning", name, None, 1000 * taken, "ms")


def _known(count: int, reports: int) -> list[TrialRecord]:
    generator = random.Random(1)
    assignments = suggest(Problem(SPACE, "loss"), [], count).assignments
    return [
        TrialRecord(
            f"t{number}",
            number,
            assignment.parameters,
            "Succeeded",
            {"loss": tuple(Report(step + 1, generator.random(), float(step)) for step in range(reports))},
        )
        for number, assignment in enumerate(assignments)
    ]


def _timed(action: Callable[[], object]) -> float:
    started = monotonic()
    action()
    return monotonic() - started
