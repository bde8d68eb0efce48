from kubelab.engine.controllers.trial.reported import Reported
from kubelab.engine.katib.collectors import Source

STDOUT = Source("main")


def reported(*lines: str, source: Source = STDOUT) -> Reported:
    found = Reported(["loss"], source)
    found.begin()
    for number, line in enumerate(lines):
        found.feed(line, float(number))
    return found


def pairs(of: Reported) -> list[tuple[int, float]]:
    return [(report.step, report.value) for report in of.reports["loss"]]


def test_reports_are_read_by_katibs_default_filter() -> None:
    found = reported("epoch 1: loss=0.5 acc=0.1", "nothing", "loss = .25", "step=9 loss=1e-1")
    assert pairs(found) == [(1, 0.5), (2, 0.25), (9, 0.1)]
    assert [report.time for report in found.reports["loss"]] == [0.0, 2.0, 3.0]


def test_reports_are_read_by_filters_and_from_json() -> None:
    assert pairs(reported("loss: 3", source=Source("main", "TEXT", (r"(\w+): (\d+)",)))) == [(1, 3.0)]
    assert pairs(reported('{"loss": "0.5"}', source=Source("main", "JSON"))) == [(1, 0.5)]


def test_a_trial_that_starts_again_goes_on_from_the_step_that_it_names() -> None:
    found = reported(*(f"step={step} loss={step}" for step in range(1, 6)))
    found.begin()
    found.feed("step=3 loss=30", None)
    found.feed("step=4 loss=40", None)
    assert pairs(found) == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]


def test_a_trial_that_names_no_steps_starts_over() -> None:
    found = reported("loss=1", "loss=2")
    found.begin()
    found.feed("loss=3", None)
    assert pairs(found) == [(1, 3.0)]


def test_a_start_that_reports_nothing_changes_nothing() -> None:
    found = reported("loss=1", "loss=2")
    found.begin()
    found.feed("crashed", None)
    assert pairs(found) == [(1, 1.0), (2, 2.0)]


def test_other_names_are_told_where_the_objective_is_missing() -> None:
    assert "accuracy" in reported("accuracy=0.5").unavailable()
