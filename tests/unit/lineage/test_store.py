"""Runs in a real SQLite file of MLflow's."""

from __future__ import annotations

import math
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from kubelab.lineage import Point, RunRecord, TrackingError, record, tracking_uri
from kubelab.lineage.cost import Amount
from kubelab.lineage.store import Store

JOB = RunRecord(
    uid="u-1",
    name="digits",
    experiment="lab/default",
    status="RUNNING",
    seen_ms=9_000,
    started_ms=1_000,
    parameters={"lr": "0.1"},
    tags={record.KIND: "TrainJob", record.STATE: "Running"},
    points=(
        Point("loss", 1, 2_000, 0.5),
        Point("loss", 2, 3_000, math.nan),
        Point("loss", 3, 4_000, math.inf),
    ),
    datasets={"digits": "ab" * 32},
    pods={"p-1": Amount(1.0, 2.0)},
)


def test_a_record_is_read_back(store: Store) -> None:
    run_id = store.record(JOB)
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert (found.run_id, found.name, found.status, found.parameters) == (
        run_id,
        "digits",
        "RUNNING",
        {"lr": "0.1"},
    )
    losses = [point.value for point in found.points if point.name == "loss"]
    assert losses[0] == 0.5
    assert math.isnan(losses[1])
    assert losses[2] == math.inf
    assert (found.cpu_core_hours, found.memory_gib_hours) == (1.0, 2.0)
    assert found.started is not None
    assert found.started.timestamp() == 1.0
    assert found.ended is None
    assert "TrainJob digits: Running, lr=0.1" in repr(found)


def test_dollars_are_shown_with_the_date_of_their_prices(store: Store) -> None:
    tags = {**JOB.tags, record.PRICES_OF: "2026-07-20"}
    store.record(replace(JOB, tags=tags, pods={"p-1": Amount(1.0, 2.0, 0.25), "p-2": Amount(1.0, 2.0, 0.5)}))
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert (found.cost_usd, found.prices_of) == (0.75, "2026-07-20")
    assert "0.75 USD (prices of 2026-07-20)" in repr(found)
    assert list(found.to_frame()["cost_usd"]) == [0.75]
    assert "metrics.cost_usd" not in found.to_frame()


def test_without_prices_there_are_no_dollars(store: Store) -> None:
    store.record(JOB)
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert math.isnan(found.cost_usd)
    assert "USD" not in repr(found)


def test_to_record_twice_changes_nothing(store: Store) -> None:
    assert store.record(JOB) == store.record(replace(JOB, seen_ms=20_000))
    once = store.read("lab/default", "u-1")
    assert once is not None
    assert Store(store.folder).record(JOB) == once.run_id, "nor by another process"
    twice = store.read("lab/default", "u-1")
    assert twice is not None
    assert len(twice.points) == 5
    assert repr(twice) == repr(once)
    assert [point.place for point in twice.points] == [point.place for point in once.points]


def test_of_a_grown_run_only_the_new_is_written(store: Store) -> None:
    store.record(JOB)
    grown = replace(
        JOB,
        status="FINISHED",
        ended_ms=8_000,
        points=(*JOB.points, *(Point("loss", step, 5_000 + step, 0.1) for step in range(4, 2_504))),
        parameters={"lr": "0.1", "steps": "2503"},
        tags={record.STATE: "Succeeded"},
    )
    Store(store.folder).record(grown)
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert len([point for point in found.points if point.name == "loss"]) == 2_503
    assert (found.status, found.state, found.kind) == ("FINISHED", "Succeeded", "TrainJob")
    assert found.parameters == {"lr": "0.1", "steps": "2503"}
    assert found.ended is not None
    assert found.ended.timestamp() == 8.0


def test_a_slow_writer_who_saw_a_run_go_on_undoes_no_end(store: Store) -> None:
    running = replace(JOB, points=JOB.points[:1])
    ended = replace(
        running,
        status="FINISHED",
        seen_ms=12_000,
        ended_ms=11_000,
        tags={**JOB.tags, record.STATE: "Succeeded"},
        pods={"p-1": Amount(2.0, 4.0)},
    )
    store.record(ended)
    once = store.read("lab/default", "u-1")
    store.record(replace(running, seen_ms=11_500))
    assert store.read("lab/default", "u-1") == once
    store.record(replace(running, seen_ms=20_000))
    again = store.read("lab/default", "u-1")
    assert again is not None
    assert (again.status, again.state) == ("RUNNING", "Running"), "what ended can go on"


def test_pods_that_are_gone_still_count(store: Store) -> None:
    store.record(JOB)
    store.record(replace(JOB, seen_ms=30_000, pods={"p-2": Amount(0.5, 0.25)}))
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert (found.cpu_core_hours, found.memory_gib_hours) == (1.5, 2.25)


def test_runs_below_another_are_its_children(store: Store) -> None:
    store.record(replace(JOB, pods={}))
    for number in (2, 3):
        uid, ended = f"u-{number}", number == 2
        store.record(
            replace(
                JOB,
                uid=uid,
                name=uid,
                started_ms=1_000 * number,
                parent="u-1",
                status="FINISHED" if ended else "RUNNING",
                ended_ms=5_000 if ended else None,
            )
        )
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert [child.name for child in found.children] == ["u-2", "u-3"]
    assert {child.parent for child in found.children} == {found.run_id}
    assert found.cpu_core_hours == 2.0, "a sweep costs what its trials do"
    assert list(found.to_frame()["name"]) == ["digits", "u-2", "u-3"]
    assert set(found.metrics()["run"]) == {"digits", "u-2", "u-3"}
    assert store.settled("lab/default", "u-1") == {"u-2"}


def test_what_was_deleted_is_killed_and_what_had_ended_is_not(store: Store) -> None:
    store.record(JOB)
    store.record(replace(JOB, uid="u-2", name="u-2", parent="u-1"))
    store.record(replace(JOB, uid="u-3", name="u-3", parent="u-1", status="FINISHED", ended_ms=5_000))
    store.end("lab/default", "u-1", 7_000)
    found = store.read("lab/default", "u-1")
    assert found is not None
    assert (found.status, found.state) == ("KILLED", "Deleted")
    assert [child.status for child in found.children] == ["KILLED", "FINISHED"]


def test_only_runs_of_objects_that_are_gone_are_ended(store: Store) -> None:
    store.record(JOB)
    store.record(replace(JOB, uid="u-2"))
    store.end_all_but({"u-2"}, 7_000)
    states = [store.read("lab/default", uid) for uid in ("u-1", "u-2")]
    assert [found.status for found in states if found] == ["KILLED", "RUNNING"]


def test_the_dataset_is_an_input_of_the_run(store: Store) -> None:
    from mlflow.tracking import MlflowClient

    run_id = store.record(JOB)
    store.record(JOB)
    [used] = MlflowClient(store.uri).get_run(run_id).inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("digits", "ab" * 18)


def test_the_file_is_the_users_own(store: Store) -> None:
    mode = (store.folder / "mlflow.db").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_another_tracking_uri_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{tmp_path / 'other.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert tracking_uri(tmp_path) == uri
    store = Store(tmp_path / "kept")
    store.record(JOB)
    assert (tmp_path / "other.db").exists()
    assert not (tmp_path / "kept" / "mlflow.db").exists()


def test_a_place_that_is_none_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "nowhere://x")
    with pytest.raises(TrackingError, match="MLFLOW_TRACKING_URI"):
        Store(tmp_path)


def test_nothing_is_there_of_what_was_never_recorded(store: Store) -> None:
    assert store.read("lab/default", "u-9") is None
