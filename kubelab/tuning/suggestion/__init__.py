"""Suggestion: which parameters the next trials should have. One file for each algorithm, under Katib's names.

`suggest` is pure. It rebuilds what the algorithm knows from the trials each time, so a controller that was
killed asks again and gets the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.tuning.errors import UnknownNameError
from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import read_settings
from kubelab.tuning.stopping.hyperband import is_live
from kubelab.tuning.suggestion.algorithm import Algorithm, Assignment, Settings, Suggestions
from kubelab.tuning.suggestion.asha import ASHA
from kubelab.tuning.suggestion.bayesianoptimization import BAYESIANOPTIMIZATION
from kubelab.tuning.suggestion.cmaes import CMAES
from kubelab.tuning.suggestion.grid import GRID
from kubelab.tuning.suggestion.hyperband import HYPERBAND, LIVE_HYPERBAND
from kubelab.tuning.suggestion.pbt import PBT
from kubelab.tuning.suggestion.random_search import RANDOM
from kubelab.tuning.suggestion.sobol import SOBOL
from kubelab.tuning.suggestion.tpe import MULTIVARIATE_TPE, TPE

__all__ = ["ALGORITHMS", "Assignment", "Suggestions", "check_algorithm", "suggest"]

ALGORITHMS: dict[str, Algorithm] = {
    "asha": ASHA,
    "bayesianoptimization": BAYESIANOPTIMIZATION,
    "cmaes": CMAES,
    "grid": GRID,
    "hyperband": HYPERBAND,
    "multivariate-tpe": MULTIVARIATE_TPE,
    "pbt": PBT,
    "random": RANDOM,
    "sobol": SOBOL,
    "tpe": TPE,
}


def suggest(problem: Problem, trials: Sequence[TrialRecord], count: int) -> Suggestions:
    """Return the parameters of the next trials.

    Parameters
    ----------
    problem : Problem
        What is searched for.
    trials : sequence of TrialRecord
        Every trial that was ever suggested, also those that have no object yet, in any order. What was
        suggested follows from them and the seed alone.
    count : int
        How many more are wanted.

    Raises
    ------
    TuningError
        If the algorithm, or one of its settings, is not known or does not fit the problem.
    """
    algorithm, settings = _read(problem)
    algorithm.check(problem, settings)
    ordered = sorted(trials, key=lambda trial: trial.number)
    return algorithm.suggest(problem, settings, ordered, max(count, 0))


def check_algorithm(problem: Problem) -> None:
    """Refuse a problem whose algorithm cannot search it.

    Raises
    ------
    TuningError
        Saying why, with the names that there are where one is not known.
    """
    algorithm, settings = _read(problem)
    algorithm.check(problem, settings)


def _read(problem: Problem) -> tuple[Algorithm, Settings]:
    if problem.algorithm not in ALGORITHMS:
        raise UnknownNameError("algorithm", problem.algorithm, ALGORITHMS)
    algorithm = LIVE_HYPERBAND if is_live(problem) else ALGORITHMS[problem.algorithm]
    return algorithm, read_settings(problem.algorithm, algorithm.schema, problem.settings)
