"""A model that trains in no time: losses that fall to a floor, both of which depend on its hyperparameters.

`race` trains it with a search algorithm on two workers in virtual seconds, one step a second each.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace

from kubelab.tuning import (
    Problem,
    Report,
    Space,
    TrialRecord,
    log,
    objective_value,
    suggest,
    uniform,
    verdict,
)

STEPS = 81
SPACE = Space({"lr": log(1e-5, 1), "momentum": uniform(0, 0.99), "dropout": uniform(0, 0.6)})


def loss(assignment: dict[str, float], step: int) -> float:
    """Return the loss at a step: a good learning rate learns fast and far, a low one slowly but not badly."""
    off = math.log10(assignment["lr"]) + 2.5
    floor = 0.1 + 0.15 * off**2 + 0.4 * (assignment["momentum"] - 0.9) ** 2 + 0.3 * assignment["dropout"] ** 2
    slowness = 6 * 4 ** max(-off, 0)
    noise = random.Random(f"{assignment}/{step}").gauss(0, 0.01)
    return floor + 2 * math.exp(-step / slowness) + noise


@dataclass(frozen=True)
class Race:
    """How a search went.

    Parameters
    ----------
    steps : int
        Training steps in all trials together.
    trials : int
        How many trials were started.
    best : float
        The least loss.
    """

    steps: int
    trials: int
    best: float


def race(algorithm: str, seed: int, max_trials: int, until: float = -math.inf) -> Race:
    """Run a search until a loss is reached or its trials are used up."""
    settings = {"min_resource": "1", "eta": "3", "max_resource": str(STEPS)} if algorithm == "asha" else {}
    problem = Problem(SPACE, "loss", algorithm=algorithm, settings=settings, parallel=2, seed=seed)
    trials: list[TrialRecord] = []
    steps, best = 0, math.inf
    while best > until:
        running = [trial for trial in trials if trial.state == "Running"]
        if not running and len(trials) >= max_trials:
            break
        wanted = min(problem.parallel - len(running), max_trials - len(trials))
        for assignment in suggest(problem, trials, wanted).assignments:
            number = len(trials)
            trials.append(TrialRecord(f"t{number}", number, assignment.parameters, "Running", {"loss": ()}))
        for trial in [trial for trial in trials if trial.state == "Running"]:
            trials[trial.number] = _stepped(problem, trial, trials, time=float(steps))
            steps += 1
            best = min(best, objective_value(problem, trials[trial.number]) or math.inf)
    return Race(steps, len(trials), best)


def _stepped(problem: Problem, trial: TrialRecord, trials: list[TrialRecord], time: float) -> TrialRecord:
    reports = trial.reports["loss"]
    step = len(reports) + 1
    values = {name: float(text) for name, text in trial.assignments.items()}
    trial = replace(trial, reports={"loss": (*reports, Report(step, loss(values, step), time))})
    others = [other for other in trials if other.number != trial.number]
    if verdict(problem, trial, others):
        return replace(trial, state="EarlyStopped")
    return replace(trial, state="Succeeded") if step == STEPS else trial
