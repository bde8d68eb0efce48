"""An Optuna study rebuilt from the trials, which are the truth; the study lives for one suggestion.

Each parameter is searched on its unit interval (`Number.at`), so that Optuna needs to know no distribution
but a uniform one; a choice is searched by its texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from kubelab.tuning.errors import MissingPackageError
from kubelab.tuning.objective import final_value
from kubelab.tuning.parameters import Choice, Number
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.suggestion.algorithm import Assignment

if TYPE_CHECKING:
    import optuna


@contextmanager
def quiet_optuna(algorithm: str) -> Iterator[Any]:
    """Import Optuna for an algorithm, and let it log nothing but errors meanwhile.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    try:
        import optuna
    except ModuleNotFoundError:
        raise MissingPackageError(algorithm, "optuna") from None
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def ask(
    problem: Problem,
    trials: Sequence[TrialRecord],
    count: int,
    sampler_for: Callable[[int], optuna.samplers.BaseSampler],
) -> tuple[Assignment, ...]:
    """Return what samplers suggest next, each knowing of the suggestions before.

    Parameters
    ----------
    problem : Problem
        What is searched for.
    trials : sequence of TrialRecord
        Those that the study starts from.
    count : int
        How many suggestions.
    sampler_for : callable
        Gives the sampler for the trial of a number.
    """
    import optuna

    study = study_of(problem, trials)
    chosen = []
    for number in range(len(trials), len(trials) + count):
        study.sampler = sampler_for(number)
        asked = study.ask()
        parameters = problem.parameters.draw(partial(_suggest, asked))
        # From here on it is known by its texts, as it will be when it is read back.
        study.tell(asked, state=optuna.trial.TrialState.FAIL)
        study.add_trial(_tell(problem, TrialRecord("", number, parameters)))
        chosen.append(Assignment(parameters))
    return tuple(chosen)


def study_of(problem: Problem, trials: Sequence[TrialRecord]) -> optuna.Study:
    """Return a study that knows the trials."""
    import optuna

    study = optuna.create_study(direction=problem.direction)
    study.add_trials([_tell(problem, trial) for trial in trials])
    return study


def _tell(problem: Problem, trial: TrialRecord) -> optuna.trial.FrozenTrial:
    """Return a trial as Optuna knows it; one that ended without a number has failed."""
    import optuna

    value = final_value(problem, trial)
    params = {name: _place(problem.parameters.parameter(name), text) for name, text in _known(problem, trial)}
    state, values = optuna.trial.TrialState.FAIL, None
    steps: Mapping[int, float] = {}
    if not trial.has_ended:
        state = optuna.trial.TrialState.RUNNING
    elif value is not None and math.isfinite(value):
        state, values = optuna.trial.TrialState.COMPLETE, [value]
        if trial.state == "EarlyStopped":
            last = trial.reports.get(problem.objective, ())
            state, steps = optuna.trial.TrialState.PRUNED, {last[-1].step if last else 0: value}
    return optuna.trial.create_trial(
        state=state,
        values=values,
        params=params,
        distributions={name: _distribution(problem.parameters.parameter(name)) for name in params},
        intermediate_values=dict(steps),
    )


def _known(problem: Problem, trial: TrialRecord) -> list[tuple[str, str]]:
    return [(name, text) for name, text in trial.assignments.items() if name in problem.parameters]


def _suggest(asked: optuna.Trial, name: str, parameter: Number | Choice) -> str:
    if isinstance(parameter, Choice):
        return str(asked.suggest_categorical(name, parameter.texts))
    return parameter.text(parameter.at(asked.suggest_float(name, 0, 1)))


def _place(parameter: Number | Choice, text: str) -> float | str:
    return text if isinstance(parameter, Choice) else parameter.unit(float(text))


def _distribution(parameter: Number | Choice) -> Any:
    import optuna

    if isinstance(parameter, Choice):
        return optuna.distributions.CategoricalDistribution(parameter.texts)
    return optuna.distributions.FloatDistribution(0, 1)
