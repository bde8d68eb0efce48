import copy

from kubelab.client import Object
from kubelab.sweeps.conclusion import conclusion, logarithmic_parameters
from kubelab.sweeps.view import SweepView
from tests.unit.sweeps.test_view import EXPERIMENT, history, suggestion, trial


def view_of(trials: list[Object], histories: list[Object], experiment: Object = EXPERIMENT) -> SweepView:
    names = [each["metadata"]["name"] for each in trials]
    return SweepView.of(experiment, suggestion(*names), trials, histories)


def test_a_finished_sweep_is_told_in_plain_words() -> None:
    trials = [
        trial("a", "Succeeded"),
        trial("b", "EarlyStopped", "step 1: worse"),
        trial("c", "EarlyStopped", "step 2: worse"),
        trial("d", "Failed", "exit code 1: no such file."),
    ]
    histories = [history("a", 3.0, 2.0, 1.0, 1.0), history("b", 4.0), history("c", 3.0, 2.0)]
    assert conclusion(view_of(trials, histories), {"width": 0.2, "lr": 0.8}) == [
        "Sweep s: Running, 4 trials (1 ran to the end, 2 stopped early, 1 failed).",
        "The best is trial 0: loss 1 with lr 0.01. That is 1 (50.0%) lower than the median of 3 trials, 2.",
        "What mattered most is lr: it makes 80% of what tells good trials from bad; the others: width 20%.",
        "2 trials stopped early; that saved 5 of 12 steps (42%).",
        "Without success: trial 3, exit code 1: no such file.",
    ]


def test_a_sweep_without_values_claims_nothing() -> None:
    assert conclusion(view_of([trial("a", "Running")], []), {}) == [
        "Sweep s: Running, 1 trial (none has ended).",
        "No trial has ended with a value of loss yet.",
        "There are too few values to tell which parameter mattered.",
    ]


def test_parameters_searched_by_orders_of_magnitude_are_named() -> None:
    experiment = copy.deepcopy(EXPERIMENT)
    assert logarithmic_parameters(view_of([], [], experiment).problem) == []
    experiment["spec"]["parameters"][0]["feasibleSpace"]["distribution"] = "logUniform"
    assert logarithmic_parameters(view_of([], [], experiment).problem) == ["lr"]
