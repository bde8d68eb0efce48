"""`Store`: runs in MLflow, found by the uid of the object that they are of.

To write the same record twice changes nothing, and of a grown one only what is new is written: whoever sees a
job may record it, and one that was killed in between goes on where it was. MLflow itself has no such call, so
a lock keeps two writers on this machine from making a run each.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import logging
import math
import os
import sys
import warnings
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from kubelab.lineage import cost, place
from kubelab.lineage.lineage import Lineage, moment
from kubelab.lineage.place import TrackingError
from kubelab.lineage.record import (
    COST,
    CPU,
    ENDED,
    MEMORY,
    PARENT_RUN,
    PODS,
    STATE,
    TRIAL,
    UID,
    Point,
    RunRecord,
)

T = TypeVar("T")

_MOST_POINTS, _MOST_PARAMETERS, _MOST_TAGS = 1000, 100, 100
"""Of one request (mlflow v3.17, ``mlflow/utils/validation.py``)."""
_LONGEST = 5000
"""Texts are cut to this; MLflow allows 6000 characters of a parameter and 8000 of a tag."""
_DIGEST = 36
"""Characters of a dataset's digest that MLflow keeps; the run's tag has all of them."""
_RESOLUTION_MS = 1000
"""Kubernetes tells times in whole seconds."""
_LARGEST = sys.float_info.max
"""MLflow's SQL store keeps an infinite value as the largest finite one."""


def is_installed() -> bool:
    """Return whether MLflow is there, without importing it."""
    return importlib.util.find_spec("mlflow") is not None


class Store:
    """The runs of one cluster.

    Parameters
    ----------
    folder : Path
        The cluster's private folder: it holds the lock, and the SQLite file unless ``MLFLOW_TRACKING_URI``
        names another place.

    Raises
    ------
    TrackingError
        If MLflow is not installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = place.tracking_uri(folder)
        self.is_own = place.artifacts(folder, self.uri) is not None
        place.prepare(folder, self.uri)
        self._experiments: dict[str, str] = {}
        self._runs: dict[str, str] = {}
        self._known: dict[str, set[tuple[str, int, int]]] = {}
        _prepare_mlflow()
        with self._refusals(), self._locked():  # MLflow makes its tables now
            self._client = _client(self.uri)

    def record(self, record: RunRecord) -> str:
        """Write what is new of a run, and return its id."""
        with self._refusals(), self._locked():
            found = self._find(record.experiment, record.uid)
            run_id = found or self._create(record)
            run = self._client.get_run(run_id)
            if not _is_outdated(run, record):
                self._update(run, record)
            return run_id

    def read(self, experiment: str, uid: str) -> Lineage | None:
        """Return what is kept of an object's run and those below it; None where there is none."""
        with self._refusals():
            run_id = self._find(experiment, uid)
            if run_id is None:
                return None
            below = self._search(experiment, f"tags.`{PARENT_RUN}` = '{run_id}'")
            children = tuple(sorted(map(self._lineage, below), key=_order))
            return self._lineage(self._client.get_run(run_id), children)

    def settled(self, experiment: str, parent: str) -> set[str]:
        """Return the uids of what has ended below an object's run: nothing more is to be written of it."""
        with self._refusals():
            run_id = self._find(experiment, parent)
            below = [] if run_id is None else self._search(experiment, f"tags.`{PARENT_RUN}` = '{run_id}'")
        return {run.data.tags[UID] for run in below if run.info.status in ENDED}

    def ended(self, experiment: str) -> set[str]:
        """Return the uids of all whose runs have ended."""
        with self._refusals():
            found = self._search(experiment, "")
        return {run.data.tags.get(UID, "") for run in found if run.info.status in ENDED}

    def end(self, experiment: str, uid: str, time_ms: int) -> None:
        """Take note that an object was deleted: its run and those below it that go on are killed."""
        with self._refusals(), self._locked():
            run_id = self._find(experiment, uid)
            if run_id is not None:
                below = self._search(experiment, f"tags.`{PARENT_RUN}` = '{run_id}'")
                for run in (self._client.get_run(run_id), *below):
                    self._kill(run, time_ms)

    def end_all_but(self, uids: Collection[str], time_ms: int) -> None:
        """Take note that of all objects only these are left."""
        with self._refusals(), self._locked():
            for experiment in self._client.search_experiments():
                for run in self._search(experiment.name, ""):
                    if UID in run.data.tags and run.data.tags[UID] not in uids:
                        self._kill(run, time_ms)

    def _kill(self, run: Any, time_ms: int) -> None:
        if run.info.status not in ENDED:
            self._client.set_tag(run.info.run_id, STATE, "Deleted")
            self._client.set_terminated(run.info.run_id, "KILLED", time_ms)

    def _find(self, experiment: str, uid: str) -> str | None:
        if uid not in self._runs:
            found = self._search(experiment, f"tags.`{UID}` = '{uid}'")
            if not found:
                return None
            self._runs[uid] = found[0].info.run_id
        return self._runs[uid]

    def _search(self, experiment: str, condition: str) -> list[Any]:
        within = self._experiment(experiment)
        found: list[Any] = []
        token = None
        while within:
            page = self._client.search_runs([within], condition, max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                break
        return found

    def _experiment(self, name: str) -> str | None:
        if name not in self._experiments and (found := self._client.get_experiment_by_name(name)):
            self._experiments[name] = found.experiment_id
        return self._experiments.get(name)

    def _create(self, record: RunRecord) -> str:
        place_of_files = place.artifacts(self.folder, self.uri)
        experiment = self._experiment(record.experiment) or self._client.create_experiment(
            record.experiment, artifact_location=place_of_files
        )
        made = self._client.create_run(
            experiment,
            start_time=record.started_ms,
            tags={UID: record.uid},
            run_name=record.name,
        )
        self._runs[record.uid] = made.info.run_id
        return str(made.info.run_id)

    def _update(self, run: Any, record: RunRecord) -> None:
        from mlflow.entities import Metric, Param, RunTag

        run_id = run.info.run_id
        tags = dict(record.tags)
        if record.parent and (parent := self._find(record.experiment, record.parent)):
            tags[PARENT_RUN] = parent
        cut = {key: value[:_LONGEST] for key, value in tags.items()}
        changed = [RunTag(key, text) for key, text in cut.items() if run.data.tags.get(key) != text]
        missing = [
            Param(key, value[:_LONGEST])
            for key, value in record.parameters.items()
            if key not in run.data.params
        ]
        known = self._points_known(run)
        new = [point for point in record.points if point.place not in known]
        for params in _batches(missing, _MOST_PARAMETERS):
            self._client.log_batch(run_id, params=params)
        for points in _batches(new, _MOST_POINTS):
            metrics = [Metric(point.name, point.value, point.time_ms, point.step) for point in points]
            self._client.log_batch(run_id, metrics=metrics)
            known.update(point.place for point in points)
        for part in _batches(changed, _MOST_TAGS):
            self._client.log_batch(run_id, tags=part)
        self._add_cost(run, record)
        self._add_datasets(run, record)
        if record.has_ended and (run.info.status, run.info.end_time) != (record.status, record.ended_ms):
            self._client.set_terminated(run_id, record.status, record.ended_ms)
        elif run.info.status != record.status:
            self._client.update_run(run_id, status=record.status)

    def _add_cost(self, run: Any, record: RunRecord) -> None:
        """Write what the run has cost so far, where that has changed."""
        from mlflow.entities import Metric, RunTag

        amounts = cost.merged(cost.load(run.data.tags.get(PODS, "")), record.pods)
        total = cost.total(amounts)
        values = {CPU: total.cpu_core_hours, MEMORY: total.memory_gib_hours}
        if total.usd:
            values[COST] = total.usd
        if not record.pods or all(run.data.metrics.get(name) == value for name, value in values.items()):
            return
        time_ms = record.ended_ms or record.seen_ms
        metrics = [Metric(name, value, time_ms, 0) for name, value in values.items()]
        self._client.log_batch(run.info.run_id, metrics=metrics, tags=[RunTag(PODS, cost.dump(amounts))])

    def _add_datasets(self, run: Any, record: RunRecord) -> None:
        from mlflow.entities import Dataset, DatasetInput

        known = {(each.dataset.name, each.dataset.digest) for each in run.inputs.dataset_inputs}
        new = [
            DatasetInput(Dataset(name, digest[:_DIGEST], "code", "{}"))
            for name, digest in record.datasets.items()
            if (name, digest[:_DIGEST]) not in known
        ]
        if new:
            self._client.log_inputs(run.info.run_id, new)

    def _points_known(self, run: Any) -> set[tuple[str, int, int]]:
        run_id = run.info.run_id
        if run_id not in self._known:
            self._known[run_id] = {point.place for point in self._points(run)}
        return self._known[run_id]

    def _points(self, run: Any) -> list[Point]:
        return sorted(
            Point(each.key, each.step, each.timestamp, _value(each.value))
            for name in run.data.metrics
            for each in self._client.get_metric_history(run.info.run_id, name)
        )

    def _lineage(self, run: Any, children: tuple[Lineage, ...] = ()) -> Lineage:
        return Lineage(
            run_id=run.info.run_id,
            name=run.info.run_name,
            status=run.info.status,
            tracking_uri=self.uri,
            parameters=dict(run.data.params),
            tags=dict(run.data.tags),
            points=tuple(self._points(run)),
            started=moment(run.info.start_time),
            ended=moment(run.info.end_time),
            children=children,
        )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.folder / "mlflow.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        from mlflow.exceptions import MlflowException

        try:
            yield
        except MlflowException as error:
            raise TrackingError(
                f"MLflow at {self.uri} refuses: {error}. If it cannot be reached or is not yours, set "
                f"{place.VARIABLE} to another tracking URI."
            ) from error


def _prepare_mlflow() -> None:
    """Have MLflow say nothing, to nobody."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported
    if not is_installed():
        raise TrackingError(
            "runs are kept in MLflow, which is not installed: pip install 'kubelab[lab]', or mlflow-skinny."
        )
    import mlflow  # noqa: F401 - it sets up its loggers

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _client(uri: str) -> Any:
    from mlflow.tracking import MlflowClient

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of SQLAlchemy, which MLflow has to heed
        return MlflowClient(uri)


def _is_outdated(run: Any, record: RunRecord) -> bool:
    """Say whether a record is of before its run ended: whoever was slow to write it undoes no end.

    What ended can go on, as a sweep that is given more trials does, and is then seen after its end.
    """
    if run.info.status not in ENDED or record.has_ended or run.info.end_time is None:
        return False
    return record.seen_ms <= int(run.info.end_time) + _RESOLUTION_MS


def _value(kept: float) -> float:
    return math.copysign(math.inf, kept) if abs(kept) >= _LARGEST else kept


def _order(run: Lineage) -> tuple[int, str]:
    return int(run.tags.get(TRIAL, 0)), run.name


def _batches(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
