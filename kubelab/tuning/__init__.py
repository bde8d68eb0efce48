"""Hyperparameter search: spaces, which trials come next, and which are stopped early, as pure functions.

`Problem` is what is searched for and `TrialRecord` what is known of a trial; `suggest` and `verdict` decide.
Nothing here reads a clock, a file or an API; Optuna is imported with the first suggestion that needs it.
"""

from __future__ import annotations

from kubelab.tuning.errors import TuningError
from kubelab.tuning.importance import importances
from kubelab.tuning.objective import best_trial, is_goal_reached, objective_value, observe
from kubelab.tuning.parameters import choice, integer, log, log_normal, normal, uniform, when
from kubelab.tuning.problem import (
    EarlyStopping,
    Observation,
    Problem,
    Report,
    StoppingRule,
    TrialRecord,
)
from kubelab.tuning.space import Space
from kubelab.tuning.stopping import Stop, rules_for_new_trial, verdict
from kubelab.tuning.suggestion import Assignment, Suggestions, suggest

__all__ = [
    "Assignment",
    "EarlyStopping",
    "Observation",
    "Problem",
    "Report",
    "Space",
    "Stop",
    "StoppingRule",
    "Suggestions",
    "TrialRecord",
    "TuningError",
    "best_trial",
    "choice",
    "importances",
    "integer",
    "is_goal_reached",
    "log",
    "log_normal",
    "normal",
    "objective_value",
    "observe",
    "rules_for_new_trial",
    "suggest",
    "uniform",
    "verdict",
    "when",
]
