"""How much each parameter mattered, by Optuna's PED-ANOVA (Watanabe et al., IJCAI 2023, arXiv:2304.10255)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kubelab.tuning.problem import Problem, TrialRecord
from kubelab.tuning.suggestion.study import quiet_optuna, study_of

LEAST_TRIALS = 5
"""With fewer values than these nothing can be told apart."""
GOOD_TRIALS = 10
"""How many trials are called good; at least a tenth of them (Optuna's ``target_quantile``), at most half.

A tenth of a small sweep is a trial or two: where a choice alone decides between 20 trials, Optuna's tenth
gives it a share of 0.13, and ten good trials give it 0.65 (means of 20 random searches).
"""


def importances(problem: Problem, trials: Sequence[TrialRecord]) -> dict[str, float]:
    """Return each parameter's share of what decides between good and bad trials, the greatest first.

    Parameters
    ----------
    problem : Problem
        What is searched for.
    trials : sequence of TrialRecord
        Those with a value count, stopped ones with what they had.

    Returns
    -------
    dict of str to float
        Shares whose sum is 1; empty while there are too few trials, or nothing differs. A parameter that not
        every trial has is left out, because its few values look alike without meaning anything.

    Raises
    ------
    MissingPackageError
        If Optuna is not installed.
    """
    with quiet_optuna("importance") as optuna:
        study = study_of(problem, [_judged(trial) for trial in trials])
        known = [trial for trial in study.trials if trial.value is not None]
        shared = [name for name in problem.parameters if all(name in trial.params for trial in known)]
        if len({trial.value for trial in known}) < LEAST_TRIALS or not shared:
            return {}
        share = max(0.1, min(0.5, GOOD_TRIALS / len(known)))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=share)
        found: dict[str, float] = optuna.importance.get_param_importances(
            study, evaluator=evaluator, params=shared
        )
        return found if sum(found.values()) > 0 else {}


def _judged(trial: TrialRecord) -> TrialRecord:
    """Return a trial that was stopped early as one that succeeded: Optuna leaves out all others."""
    return replace(trial, state="Succeeded") if trial.state == "EarlyStopped" else trial
