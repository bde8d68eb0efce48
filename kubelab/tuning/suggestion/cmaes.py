"""``cmaes``: a normal distribution that moves towards good values (Hansen 2016, arXiv 1604.00772).

The distribution lives on the unit intervals of the numbers that every trial has; choices, and parameters that
depend on others, are drawn at random. It is told a generation at a time; a label says to which generation a
trial belongs. A trial that failed counts as much as the worst of its generation. Trials that are wanted while
a generation still runs are drawn from the same distribution, but not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kubelab.tuning.errors import MissingPackageError, ProblemError
from kubelab.tuning.objective import final_value
from kubelab.tuning.parameters import Number
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE, Setting
from kubelab.tuning.suggestion.algorithm import (
    Algorithm,
    Assignment,
    Settings,
    Suggestions,
    random_parameters,
    seed_number,
)

if TYPE_CHECKING:
    import cmaes

GENERATION_LABEL = "cmaes.suggestion.kubelab.dev/generation"
SIGMA = 1 / 6
"""The first standard deviation on the unit interval: Optuna's default (5.0, ``CmaEsSampler``)."""


def check(problem: Problem, _: Settings) -> None:
    """Refuse a space with fewer than two numbers, as Katib does.

    Raises
    ------
    ProblemError
        Saying so.
    """
    numbers = _numbers(problem)
    if len(numbers) < 2:
        raise ProblemError(
            f"cmaes needs two numbers that every trial has, and the space has {len(numbers)}",
            "Use tpe, or add a uniform(), log() or integer() parameter.",
        )


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return points drawn from the distribution that the generations which have ended left behind."""
    generation, optimizer = _replay(problem, settings, trials)
    labels = {GENERATION_LABEL: str(generation)}
    drawn = sum(_generation(trial) == generation for trial in trials)
    for _ in range(drawn):
        optimizer.ask()
    chosen = []
    for number in range(len(trials), len(trials) + count):
        texts = random_parameters(problem, settings, number)
        for name, unit in zip(_numbers(problem), optimizer.ask(), strict=True):
            parameter = problem.parameters.parameter(name)
            texts[name] = parameter.text(parameter.at(float(unit)))
        chosen.append(Assignment(texts, labels))
    return Suggestions(tuple(chosen))


def _replay(problem: Problem, settings: Settings, trials: Sequence[TrialRecord]) -> tuple[int, cmaes.CMA]:
    """Return the generation that is being filled, and the distribution that it is drawn from."""
    optimizer = _optimizer(problem, settings)
    generation = 0
    while True:
        members = [trial for trial in trials if _generation(trial) == generation][: optimizer.population_size]
        if len(members) < optimizer.population_size or not all(trial.has_ended for trial in members):
            return generation, optimizer
        for _ in members:  # the random numbers that they were made from are spent
            optimizer.ask()
        optimizer.tell(_solutions(problem, members))
        generation += 1
        if settings["restart_strategy"] == "ipop" and optimizer.should_stop():
            optimizer = _optimizer(problem, settings, generation, 2 * optimizer.population_size)


def _optimizer(
    problem: Problem, settings: Settings, generation: int = 0, population: int | None = None
) -> cmaes.CMA:
    try:
        import cmaes
        import numpy as np
    except ModuleNotFoundError:
        raise MissingPackageError("cmaes", "cmaes") from None
    size = len(_numbers(problem))
    seed = seed_number(problem, settings, generation)
    mean = np.full(size, 0.5) if population is None else np.random.default_rng(seed).random(size)
    bounds = np.tile([0.0, 1.0], (size, 1))
    return cmaes.CMA(mean, settings["sigma"], bounds, seed=seed, population_size=population)


def _solutions(problem: Problem, members: Sequence[TrialRecord]) -> list[tuple[Any, float]]:
    """Return where the members are and how bad they are."""
    import numpy as np

    values = [final_value(problem, trial) for trial in members]
    losses = [problem.sign * value for value in values if value is not None and np.isfinite(value)]
    worst = max(losses, default=0.0)
    found = []
    for trial, value in zip(members, values, strict=True):
        place = [
            problem.parameters.parameter(name).unit(float(trial.assignments[name]))
            for name in _numbers(problem)
        ]
        is_number = value is not None and np.isfinite(value)
        found.append((np.array(place), problem.sign * value if is_number else worst))  # type: ignore[operator]
    return found


def _numbers(problem: Problem) -> list[str]:
    space = problem.parameters
    return [
        name for name in space if isinstance(space.parameter(name), Number) and not space.conditions(name)
    ]


def _generation(trial: TrialRecord) -> int:
    return int(trial.labels.get(GENERATION_LABEL, "0"))


CMAES = Algorithm(
    {
        "sigma": Setting("float", default=SIGMA, least=0, open=True),
        "restart_strategy": Setting("text", default="none", one_of=("ipop", "none", "None")),
        **RANDOM_STATE,
    },
    suggest,
    check,
)
