"""``tpe`` and ``multivariate-tpe``: a tree-structured Parzen estimator, Optuna's.

It splits the trials into good and bad ones and looks where good ones are dense and bad ones are not (Bergstra
et al. 2011). ``tpe`` looks at each parameter by itself and has the settings of Katib's, which is Hyperopt's;
``multivariate-tpe`` looks at all together (Falkner et al. 2018) and has those of Katib's, which is Optuna's.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.settings import RANDOM_STATE, Setting
from kubelab.tuning.suggestion.algorithm import Algorithm, Settings, Suggestions, seed_number, startup_trials
from kubelab.tuning.suggestion.study import ask, quiet_optuna

STARTUP_TRIALS = 10
"""How many trials are drawn at random first: Optuna's default (5.0, ``TPESampler``)."""
MOST_GOOD = 25
"""Hyperopt's bound on the good trials (``hyperopt/tpe.py``), which goes with its ``gamma``."""


def suggest(
    problem: Problem,
    settings: Settings,
    trials: Sequence[TrialRecord],
    count: int,
    *,
    multivariate: bool = False,
) -> Suggestions:
    """Return as many as are wanted; each knows of those before it, also of those that still run."""
    with quiet_optuna("multivariate-tpe" if multivariate else "tpe") as optuna, warnings.catch_warnings():
        # Optuna calls `group`, `gamma` and `prior_weight` experimental or deprecated.
        warnings.simplefilter("ignore")
        options = _options(problem, settings, multivariate)

        def sampler_for(number: int) -> Any:
            return optuna.samplers.TPESampler(seed=seed_number(problem, settings, number), **options)

        return Suggestions(ask(problem, trials, count, sampler_for))


def _options(problem: Problem, settings: Settings, multivariate: bool) -> dict[str, Any]:
    startup = settings.get("n_startup_trials")
    candidates = settings.get("n_ei_candidates") or settings.get("n_EI_candidates")
    gamma, prior_weight = settings.get("gamma"), settings.get("prior_weight")
    options = {
        "n_startup_trials": startup_trials(problem, STARTUP_TRIALS) if startup is None else startup,
        "n_ei_candidates": candidates,
        "prior_weight": prior_weight,
        "gamma": partial(_good_trials, gamma) if gamma else None,
    }
    options = {name: value for name, value in options.items() if value is not None}
    return {**options, "multivariate": multivariate, "group": multivariate, "constant_liar": True}


def _good_trials(gamma: float, trials: int) -> int:
    return min(math.ceil(gamma * math.sqrt(trials)), MOST_GOOD)


TPE = Algorithm(
    {
        "gamma": Setting("float", least=0, most=1, open=True),
        "prior_weight": Setting("float", least=0, open=True),
        "n_EI_candidates": Setting("int", least=1),
        **RANDOM_STATE,
    },
    suggest,
)
MULTIVARIATE_TPE = Algorithm(
    {
        "n_startup_trials": Setting("int", least=0),
        "n_ei_candidates": Setting("int", least=0),
        **RANDOM_STATE,
    },
    partial(suggest, multivariate=True),
)
