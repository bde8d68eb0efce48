"""What is kept of a sweep: a run for the Experiment, and below it one for each Trial with its job's facts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from kubelab import clock
from kubelab.client import Client, Object
from kubelab.errors import NotFoundError
from kubelab.lineage import Point, RunRecord, Status, record
from kubelab.lineage.record import milliseconds
from kubelab.sweeps.reading import SweepReader
from kubelab.sweeps.view import Phase, SweepView, Trial
from kubelab.training import builders
from kubelab.training.lineage import Code, experiment_name, read_code, read_record, record_of
from kubelab.training.reading import JobReader
from kubelab.training.reports import Reports
from kubelab.training.view import CONTAINERS, JobView
from kubelab.tuning.problem import State

SWEEPS: Mapping[Phase, Status] = {
    "Pending": "SCHEDULED",
    "Running": "RUNNING",
    "Paused": "RUNNING",
    "Succeeded": "FINISHED",
    "Failed": "FAILED",
}
TRIALS: Mapping[State, Status] = {
    "Created": "SCHEDULED",
    "Running": "RUNNING",
    "Succeeded": "FINISHED",
    "EarlyStopped": "KILLED",
    "Killed": "KILLED",
    "Failed": "FAILED",
    "MetricsUnavailable": "FAILED",
}
_TOGETHER = 8
"""Of so many trials the logs are read at once."""


def sweep_record(view: SweepView, *, cluster: str, now: datetime, code: Code) -> RunRecord:
    """Return what there is to keep of a sweep itself: its problem, and each trial's objective."""
    meta, problem = view.experiment["metadata"], view.problem
    annotations = meta.get("annotations") or {}
    stopping = problem.early_stopping
    ended = (view.experiment.get("status") or {}).get("completionTime") if view.has_ended else None
    parameters = {
        "objective": problem.objective,
        "direction": problem.direction,
        "algorithm": problem.algorithm,
        "stopping": stopping.algorithm if stopping else "",
        **{f"algorithm.{key}": value for key, value in problem.settings.items()},
        **{f"stopping.{key}": value for key, value in (stopping.settings if stopping else {}).items()},
        **{f"space.{each.pop('name')}": json.dumps(each) for each in problem.parameters.to_katib()},
    }
    tags = {
        record.CLUSTER: cluster,
        record.NAMESPACE: meta["namespace"],
        record.KIND: "Experiment",
        record.FUNCTION: annotations.get(builders.FUNCTION, ""),
        record.SOURCE_NAME: annotations.get(builders.FUNCTION, ""),
        record.GIT_COMMIT: _template_commit(view.experiment),
        record.STATE: view.phase,
        record.WHY: view.reason if view.phase == "Failed" else "",
        record.BEST: view.best.name if view.best else "",
        record.CODE: code.digest,
        record.VERSION: code.version,
    }
    return RunRecord(
        uid=meta["uid"],
        name=view.name,
        experiment=f"{cluster}/{meta['namespace']}",
        status=SWEEPS[view.phase],
        seen_ms=milliseconds(now),
        started_ms=_ms(meta["creationTimestamp"]),
        ended_ms=(_ms(ended) if ended else milliseconds(now)) if view.has_ended else None,
        parameters={key: value for key, value in parameters.items() if value},
        tags={key: value for key, value in tags.items() if value},
        points=tuple(
            Point(problem.objective, trial.number, _ms(trial.ended), trial.objective)
            for trial in view.trials
            if trial.ended and trial.objective is not None
        ),
    )


def trial_record(trial: Trial, made: Object, job: RunRecord, *, sweep: str, parent: str) -> RunRecord:
    """Return what there is to keep of a trial: its job's record, with what the Trial knows better.

    Parameters
    ----------
    trial : Trial
        The trial as the sweep's view has it.
    made : dict
        The Trial's object.
    job : RunRecord
        What is known of its job.
    sweep, parent : str
        The sweep's name, and its uid.
    """
    started_ms = _ms(made["metadata"]["creationTimestamp"])
    told = {
        name: tuple(
            Point(
                name.replace("|", "_"),
                each.step,
                started_ms if each.time is None else round(each.time * 1000),
                each.value,
            )
            for each in reports
        )
        for name, reports in trial.reports.items()
    }
    points = [point for points in told.values() for point in points]
    names = {point.name for point in points}
    status = TRIALS[trial.state]
    ended = trial.ended if status in record.ENDED else ""
    tags = {
        **job.tags,
        record.STATE: trial.state,
        record.WHY: trial.why,
        record.SWEEP: sweep,
        record.TRIAL: str(trial.number),
    }
    return replace(
        job,
        uid=made["metadata"]["uid"],
        name=trial.name,
        status=status,
        started_ms=started_ms,
        ended_ms=_ms(ended) if ended else job.ended_ms,
        tags={key: value for key, value in tags.items() if value},
        points=(*points, *(point for point in job.points if point.name not in names)),
        parent=parent,
    )


class SweepReports:
    """Reads all that there is to keep of a sweep, again and again.

    Parameters
    ----------
    reader : SweepReader
        Reads the sweep.
    """

    def __init__(self, reader: SweepReader) -> None:
        self.reader = reader
        self._reports: dict[str, Reports] = {}
        self._code: Code | None = None

    async def records(self, now: datetime, settled: Collection[str] = ()) -> list[RunRecord]:
        """Return the sweep's record, then those of its trials by number.

        Parameters
        ----------
        now : datetime
            Until when pods that run are counted.
        settled : collection of str
            Uids of Trials of which all is kept already.

        Raises
        ------
        NotFoundError
            If the sweep was deleted.
        """
        view = await self.reader.view()
        client = self.reader.client
        if self._code is None:
            self._code = await read_code(client, {**view.experiment["spec"], **_head(view.experiment)})
        places = asyncio.Semaphore(_TOGETHER)

        async def read(trial: Trial, made: Object) -> RunRecord:
            async with places:
                job = await self._job(client, made, now)
            uid = view.experiment["metadata"]["uid"]
            return trial_record(trial, made, job, sweep=view.name, parent=uid)

        trials = await asyncio.gather(
            *(
                read(trial, view.objects[trial.name])
                for trial in view.trials
                if trial.name in view.objects and view.objects[trial.name]["metadata"]["uid"] not in settled
            )
        )
        own = sweep_record(view, cluster=client.cluster, now=now, code=self._code)
        return [own, *trials]

    async def _job(self, client: Client, made: Object, now: datetime) -> RunRecord:
        planned = _planned(made)
        uid = made["metadata"]["uid"]
        if planned["kind"] not in CONTAINERS:
            return record_of(JobView(planned, ()), (), cluster=client.cluster, now=now)
        if uid not in self._reports:
            meta = planned["metadata"]
            reader = JobReader(client, planned["kind"], meta["namespace"], meta["name"], uid)
            self._reports[uid] = Reports(reader)
        reports = self._reports[uid]
        try:
            return await read_record(reports, now, code=self._code)
        except NotFoundError:  # not made yet, or deleted as that of a trial that was stopped
            return record_of(
                JobView(planned, ()),
                reports.metrics,
                cluster=client.cluster,
                now=now,
                code=self._code or Code(),
                datasets=reports.datasets,
            )


def sweep_experiment(reader: SweepReader) -> str:
    """Return the MLflow experiment of a sweep's runs."""
    return experiment_name(reader.client, reader.namespace)


def _planned(made: Object) -> Object:
    """Return a trial's job as the Trial says it."""
    job, trial = made["spec"]["runSpec"], made["metadata"]
    own = {key: trial[key] for key in ("name", "namespace", "uid", "creationTimestamp")}
    return {**job, "metadata": {**(job.get("metadata") or {}), **own}}


def _template_commit(experiment: Object) -> str:
    template = (experiment["spec"].get("trialTemplate") or {}).get("trialSpec") or {}
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(builders.COMMIT, ""))


def _head(experiment: Object) -> Object:
    return {"metadata": {"namespace": experiment["metadata"]["namespace"]}}


def _ms(text: str) -> int:
    return milliseconds(clock.parse_rfc3339(text))
