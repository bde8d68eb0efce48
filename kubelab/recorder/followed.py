"""What the recorder follows: a job or a sweep, with what was read of it so far."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from kubelab.client import EXPERIMENTS, Client, Object, Resource
from kubelab.lineage import RunRecord
from kubelab.sweeps.lineage import SweepReports
from kubelab.sweeps.reading import SweepReader
from kubelab.training.lineage import experiment_name, read_record
from kubelab.training.reading import JobReader
from kubelab.training.reports import Reports


class Followed(Protocol):
    """An object whose runs are kept."""

    uid: str
    experiment: str
    ended: bool
    """Whether it had ended when it was last seen."""
    settled: bool
    """Whether all is kept of it."""

    async def records(self, now: datetime, settled: Collection[str]) -> list[RunRecord]:
        """Return what there is to keep: first its own run, then those below it."""
        ...


class FollowedJob:
    """A TrainJob, a JAXJob or an Indexed Job."""

    def __init__(self, client: Client, job: Object) -> None:
        meta = job["metadata"]
        self.uid: str = meta["uid"]
        self.experiment = experiment_name(client, meta["namespace"])
        self.ended = self.settled = False
        self._reports = Reports(JobReader(client, job["kind"], meta["namespace"], meta["name"], self.uid))

    async def records(self, now: datetime, settled: Collection[str]) -> list[RunRecord]:  # noqa: ARG002
        """Return the job's run."""
        return [await read_record(self._reports, now)]


class FollowedSweep:
    """An Experiment with its Trials."""

    def __init__(self, client: Client, experiment: Object) -> None:
        meta = experiment["metadata"]
        self.uid: str = meta["uid"]
        self.experiment = experiment_name(client, meta["namespace"])
        self.ended = self.settled = False
        self._reports = SweepReports(SweepReader(client, meta["namespace"], meta["name"], self.uid))

    async def records(self, now: datetime, settled: Collection[str]) -> list[RunRecord]:
        """Return the sweep's run, and those of its trials that are not settled."""
        return await self._reports.records(now, settled)


def follow(client: Client, resource: Resource, obj: Object) -> Followed:
    """Return what follows an object."""
    kind = FollowedSweep if resource == EXPERIMENTS else FollowedJob
    return kind(client, {"kind": resource.kind, **obj})
