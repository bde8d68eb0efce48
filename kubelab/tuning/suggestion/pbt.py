"""``pbt``: population based training (Jaderberg et al. 2017, arXiv 1711.09846) with Katib's settings.

A generation has ``n_population`` trials. Once all have ended, the worst share (``truncation_threshold``)
takes over the parameters of one of the best share, and the others go on with their own, changed a little:
times 0.8 or 1.2, the neighbouring choice, or with ``resample_probability`` drawn anew. A label names the
parent; a trial finds what its parent left in ``suggestion_trial_dir`` at the same place, and goes on from
there. A trial that failed is tried again.

Differs from Katib (v0.19.0, ``pkg/suggestion/v1beta1/pbt/service.py``): who takes over a better trial's
parameters also has it for its parent, as in the paper; and no trials beyond the population are started while
a generation ends.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from kubelab.tuning.objective import final_value
from kubelab.tuning.parameters import Choice, Number
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import Setting
from kubelab.tuning.suggestion.algorithm import (
    Algorithm,
    Assignment,
    Settings,
    Suggestions,
    random_parameters,
    seed_text,
)

GENERATION_LABEL = "pbt.suggestion.katib.kubeflow.org/generation"
PARENT_LABEL = "pbt.suggestion.katib.kubeflow.org/parent"
RETRY_LABEL = "pbt.suggestion.kubelab.dev/retry-of"
FACTORS = (0.8, 1.2)
"""By which a number is changed, in the paper and in Katib."""


def suggest(problem: Problem, settings: Settings, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return trials of the generation that is being filled; none while it still runs."""
    population = settings["n_population"]
    generation = max((_generation(trial) for trial in trials), default=0)
    members = [trial for trial in trials if _generation(trial) == generation]
    ended = _with_value(problem, members)
    if len(ended) >= population:
        generation, before, members = generation + 1, ended[:population], []
    else:
        before = _with_value(problem, [each for each in trials if _generation(each) == generation - 1])
    planned = _plan(problem, settings, generation, before[:population])
    first_tries = sum(RETRY_LABEL not in trial.labels for trial in members)
    open_ = [*planned[first_tries:], *map(_retry, _failed(problem, members))][:count]
    reason = f"{len(ended)} of {population} trials of generation {generation} have ended"
    return Suggestions(tuple(open_), reason="" if len(open_) == count else reason)


def _plan(
    problem: Problem, settings: Settings, generation: int, before: Sequence[TrialRecord]
) -> list[Assignment]:
    """Return a generation's trials, made from those of the generation before, or drawn at random."""
    labels = {GENERATION_LABEL: str(generation)}
    if not before:
        places = range(settings["n_population"])
        return [Assignment(random_parameters(problem, settings, place), labels) for place in places]
    generator = random.Random(seed_text(problem, settings, "generation", generation))  # noqa: S311 - no secret
    threshold = settings["truncation_threshold"]
    goodness = {trial.name: -problem.sign * (final_value(problem, trial) or 0) for trial in before}
    low, high = (_quantile(list(goodness.values()), share) for share in (threshold, 1 - threshold))
    best = [trial for trial in before if goodness[trial.name] >= high]
    planned = []
    for trial in before:
        if goodness[trial.name] < low:
            parent = generator.choice(best)
            parameters: Mapping[str, str] = parent.assignments
        else:
            parent = trial
            parameters = _explored(problem, settings, trial.assignments, generator)
        planned.append(Assignment(parameters, {**labels, PARENT_LABEL: parent.name}))
    return planned


def _explored(
    problem: Problem, settings: Settings, texts: Mapping[str, str], generator: random.Random
) -> dict[str, str]:
    resample = settings["resample_probability"]

    def text(name: str, parameter: Number | Choice) -> str:
        if name not in texts or (resample is not None and generator.random() < resample):
            return parameter.text(parameter.at(generator.random()))
        return texts[name] if resample is not None else _perturbed(parameter, texts[name], generator)

    return problem.parameters.draw(text)


def _perturbed(parameter: Number | Choice, text: str, generator: random.Random) -> str:
    if isinstance(parameter, Choice):
        place = parameter.texts.index(text) + generator.choice((-1, 1))
        return parameter.texts[place % len(parameter.texts)]
    value = float(text) * generator.choice(FACTORS)
    bounded = min(max(value, parameter.low), parameter.high)
    return parameter.text(parameter.at(parameter.unit(bounded)))


def _retry(failed: TrialRecord) -> Assignment:
    return Assignment(failed.assignments, {**failed.labels, RETRY_LABEL: failed.name})


def _failed(problem: Problem, members: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Return the trials that ended without a value and were not tried again yet."""
    retried = {trial.labels.get(RETRY_LABEL) for trial in members}
    valued = {trial.name for trial in _with_value(problem, members)}
    return [
        trial
        for trial in members
        if trial.has_ended and trial.name not in valued and trial.name not in retried
    ]


def _with_value(problem: Problem, trials: Sequence[TrialRecord]) -> list[TrialRecord]:
    return [trial for trial in trials if final_value(problem, trial) is not None]


def _generation(trial: TrialRecord) -> int:
    return int(trial.labels.get(GENERATION_LABEL, "0"))


def _quantile(values: list[float], share: float) -> float:
    """Return a quantile, between two values in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


PBT = Algorithm(
    {
        "suggestion_trial_dir": Setting("text", required=True),
        "n_population": Setting("int", least=5, required=True),
        "truncation_threshold": Setting("float", least=0, most=1, required=True),
        "resample_probability": Setting("float", least=0, most=1),
    },
    suggest,
)
