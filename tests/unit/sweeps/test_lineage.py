"""What is kept of a sweep and its trials, read off objects by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kubelab.client import Object
from kubelab.lineage import Point, RunRecord, record
from kubelab.sweeps.lineage import sweep_record, trial_record
from kubelab.sweeps.view import SweepView
from kubelab.training.lineage import Code
from tests.unit.sweeps.test_view import EXPERIMENT, history, suggestion, trial

NOW = datetime(2026, 8, 1, 11, 0, tzinfo=UTC)
CREATED = "2026-08-01T10:00:00Z"
CREATED_MS = 1_785_578_400_000
JOB = RunRecord(
    uid="j-1",
    name="s-a",
    experiment="lab/default",
    status="RUNNING",
    seen_ms=CREATED_MS,
    started_ms=CREATED_MS,
    parameters={"lr": "0.01"},
    tags={record.KIND: "TrainJob", record.STATE: "Running"},
    points=(Point("loss", 1, 5, 2.0), Point("speed", 1, 5, 7.0)),
)


def dated(obj: Object, ended: str = "") -> Object:
    name = obj["metadata"]["name"]
    metadata = {**obj["metadata"], "uid": f"uid-{name}", "creationTimestamp": CREATED}
    status = {**(obj.get("status") or {}), **({"completionTime": ended} if ended else {})}
    return {**obj, "metadata": metadata, "status": status}


@pytest.fixture
def view() -> SweepView:
    return SweepView.of(
        dated(EXPERIMENT),
        suggestion("s-a", "s-b", "s-c"),
        [
            dated(trial("s-b", "EarlyStopped", "step 3: loss 3 is worse than 2"), "2026-08-01T10:00:09Z"),
            dated(trial("s-a", "Succeeded"), "2026-08-01T10:00:08Z"),
        ],
        [history("s-a", 2.0, 0.5), history("s-b", 3.0)],
    )


def kept_of(view: SweepView, number: int) -> RunRecord:
    shown = view.trials[number]
    return trial_record(shown, view.objects[shown.name], JOB, sweep="s", parent="uid-s")


def test_a_sweeps_run_tells_its_problem_and_each_ended_trials_value(view: SweepView) -> None:
    kept = sweep_record(view, cluster="lab", now=NOW, code=Code("c" * 64))
    assert (kept.uid, kept.experiment, kept.status) == ("uid-s", "lab/default", "RUNNING")
    assert kept.parameters["objective"] == "loss"
    assert kept.parameters["algorithm"] == "random"
    assert '"min": "0.001"' in kept.parameters["space.lr"]
    assert kept.tags[record.BEST] == "s-a"
    assert kept.tags[record.CODE] == "c" * 64
    assert kept.points == (
        Point("loss", 0, CREATED_MS + 8_000, 0.5),
        Point("loss", 1, CREATED_MS + 9_000, 3.0),
    )


def test_a_trials_run_is_its_jobs_with_what_the_trial_knows_better(view: SweepView) -> None:
    kept = kept_of(view, 0)
    assert (kept.uid, kept.parent, kept.status) == ("uid-s-a", "uid-s", "FINISHED")
    assert kept.ended_ms == CREATED_MS + 8_000
    assert kept.parameters == {"lr": "0.01"}
    assert kept.tags == {
        record.KIND: "TrainJob",
        record.STATE: "Succeeded",
        record.SWEEP: "s",
        record.TRIAL: "0",
    }


def test_the_trials_history_stands_for_its_metrics_and_the_log_for_others(view: SweepView) -> None:
    assert kept_of(view, 0).points == (
        Point("loss", 1, 1_000_000_001_000, 2.0),
        Point("loss", 2, 1_000_000_002_000, 0.5),
        Point("speed", 1, 5, 7.0),
    )


def test_a_trial_that_was_stopped_says_why(view: SweepView) -> None:
    kept = kept_of(view, 1)
    assert (kept.status, kept.tags[record.STATE]) == ("KILLED", "EarlyStopped")
    assert kept.tags[record.WHY] == "step 3: loss 3 is worse than 2"
