"""Names and defaults of settings as Katib v0.19.0 has them: Experiments written for it run unchanged."""

from __future__ import annotations

import pytest

from kubelab.tuning.stopping import RULES
from kubelab.tuning.suggestion import ALGORITHMS

SETTINGS = {
    "random": {"random_state"},
    "grid": {"random_state"},
    "tpe": {"gamma", "prior_weight", "n_EI_candidates", "random_state"},
    "multivariate-tpe": {"n_startup_trials", "n_ei_candidates", "random_state"},
    "bayesianoptimization": {
        "base_estimator",
        "n_initial_points",
        "acq_func",
        "acq_optimizer",
        "random_state",
    },
    "cmaes": {"random_state", "sigma", "restart_strategy"},
    "sobol": {"random_state"},
    "hyperband": {"r_l", "resource_name", "eta", "random_state"},
    "pbt": {"suggestion_trial_dir", "n_population", "truncation_threshold", "resample_probability"},
}
DEFAULTS = {
    "bayesianoptimization": {"base_estimator": "GP", "acq_func": "gp_hedge", "acq_optimizer": "auto"},
    "hyperband": {"eta": 3},
}
REQUIRED = {
    "hyperband": {"r_l", "resource_name"},
    "pbt": {"suggestion_trial_dir", "n_population", "truncation_threshold"},
}


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_an_algorithm_has_katibs_settings(algorithm: str) -> None:
    schema = ALGORITHMS[algorithm].schema
    assert set(schema) == SETTINGS[algorithm]
    for name, default in DEFAULTS.get(algorithm, {}).items():
        assert schema[name].default == default
    required = {name for name, setting in schema.items() if setting.required}
    assert required == REQUIRED.get(algorithm, set())


def test_asha_is_the_one_that_katib_does_not_have() -> None:
    assert set(ALGORITHMS) - set(SETTINGS) == {"asha"}


def test_medianstop_waits_for_three_trials_and_four_reports_unless_told() -> None:
    schema = RULES["medianstop"].schema
    defaults = {name: setting.default for name, setting in schema.items()}
    assert defaults == {"min_trials_required": 3, "start_step": 4}
