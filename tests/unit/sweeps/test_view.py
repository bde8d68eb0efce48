import math
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.sweeps.frames import curves_frame, trials_frame
from kubelab.sweeps.names import PAUSED_ANNOTATION
from kubelab.sweeps.observations import KEY, Remembering, dump
from kubelab.sweeps.view import SweepView
from kubelab.tuning import Report

EXPERIMENT: Object = {
    "metadata": {"name": "s", "namespace": "default"},
    "spec": {
        "parameters": [
            {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.001", "max": "0.1"}},
        ],
        "objective": {"type": "minimize", "objectiveMetricName": "loss"},
        "algorithm": {"algorithmName": "random"},
        "maxTrialCount": 4,
        "parallelTrialCount": 2,
    },
    "status": {"conditions": [{"type": "Running", "status": "True", "reason": "", "message": ""}]},
}


def trial(name: str, state: str, message: str = "") -> Object:
    condition = {"type": state, "status": "True", "reason": state, "message": message}
    return {"metadata": {"name": name}, "spec": {}, "status": {"conditions": [condition]}}


def history(name: str, *values: float) -> Object:
    reports = [Report(step, value, 1e9 + step) for step, value in enumerate(values, 1)]
    return {"metadata": {"name": f"{name}-observations"}, "data": {KEY: dump({"loss": reports})}}


def suggestion(*names: str) -> Object:
    chosen = [{"name": "lr", "value": "0.01"}]
    return {"status": {"suggestions": [{"name": name, "parameterAssignments": chosen} for name in names]}}


@pytest.fixture
def view() -> SweepView:
    return SweepView.of(
        EXPERIMENT,
        suggestion("s-a", "s-b", "s-c"),
        [
            trial("s-b", "EarlyStopped", "step 3: loss 3 is worse than 2"),
            trial("s-a", "Succeeded", "Trial has succeeded"),
        ],
        [history("s-a", 2.0, 0.5, 0.75), history("s-b", math.nan, 3.0)],
    )


def test_trials_come_in_the_order_of_their_suggestion(view: SweepView) -> None:
    assert [each.name for each in view.trials] == ["s-a", "s-b", "s-c"]
    assert [each.state for each in view.trials] == ["Succeeded", "EarlyStopped", "Created"]


def test_a_trial_says_its_value_and_what_was_chosen_for_it(view: SweepView) -> None:
    assert repr(view.trials[0]) == "<Trial 0: loss 0.5, lr 0.01>"
    assert repr(view.trials[1]) == "<Trial 1: loss 3, lr 0.01, EarlyStopped>"
    assert repr(view.trials[2]) == "<Trial 2: loss no value yet, lr 0.01, Created>"


def test_only_a_trial_that_did_not_simply_succeed_says_why(view: SweepView) -> None:
    assert [each.why for each in view.trials] == ["", "step 3: loss 3 is worse than 2", ""]


def test_a_trial_whose_objective_is_no_number_says_so_and_is_never_the_best() -> None:
    message = "It reported nothing but NaN for loss, so it cannot be the best"
    found = SweepView.of(
        EXPERIMENT,
        suggestion("s-a", "s-b"),
        [trial("s-a", "Succeeded", message), trial("s-b", "Succeeded", "Trial has succeeded")],
        [history("s-a", math.nan, math.nan), history("s-b", 9.0)],
    )
    assert [each.why for each in found.trials] == [message, ""]
    assert found.best is found.trials[1]


def test_the_best_trial_has_the_least_loss(view: SweepView) -> None:
    assert view.best is view.trials[0]


def test_a_summary_counts_what_has_ended(view: SweepView) -> None:
    assert view.summary() == "Running, 2/4 trials, 1 stopped early, best loss 0.5"
    assert view.done == 0.5


def test_an_unchanged_history_is_not_read_again() -> None:
    memory, first = Remembering(), history("s-a", 2.0)
    known = memory.load(first)
    assert memory.load(first)["loss"] is known["loss"]
    assert len(memory.load(history("s-a", 2.0, 1.0))["loss"]) == 2


@pytest.mark.parametrize(
    ("conditions", "annotations", "phase"),
    [
        ([], {}, "Pending"),
        ([("Running", "True")], {}, "Running"),
        ([("Running", "True")], {PAUSED_ANNOTATION: "true"}, "Paused"),
        ([("Running", "False"), ("Succeeded", "True")], {PAUSED_ANNOTATION: "true"}, "Succeeded"),
        ([("Running", "False"), ("Failed", "True")], {}, "Failed"),
        ([("Succeeded", "True", "ExperimentMaxTrialsReached")], {}, "Pending"),
    ],
)
def test_the_phase_is_read_off_conditions(
    conditions: list[tuple[str, ...]], annotations: dict[str, str], phase: str
) -> None:
    listed: list[dict[str, Any]] = [
        dict(zip(("type", "status", "reason"), each, strict=False)) for each in conditions
    ]
    experiment = {
        **EXPERIMENT,
        "metadata": {**EXPERIMENT["metadata"], "annotations": annotations},
        "status": {"conditions": listed},
    }
    assert SweepView.of(experiment, None, [], []).phase == phase


def test_frames_hold_a_row_for_each_trial_and_each_report(view: SweepView) -> None:
    trials = trials_frame(view)
    assert list(trials["state"]) == ["Succeeded", "EarlyStopped", "Created"]
    assert list(trials["step"].fillna(0)) == [3, 2, 0]
    curves = curves_frame(view)
    assert list(curves["trial"]) == [0, 0, 0, 1, 1]
    assert curves["value"].isna().sum() == 1
