"""`TrainJob`: the handle on a training job that runs on a cluster, found again by its name."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Literal, overload

from kubelab import clock, portal
from kubelab.client import CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, SERVICES, TRAINING_RUNTIMES, Client
from kubelab.errors import ConnectionFailedError, KubelabError, NotFoundError
from kubelab.training import explanation
from kubelab.training.builders import resource_of
from kubelab.training.errors import JobFailedError, JobStoppedError, JobTimeoutError
from kubelab.training.events import events_frame
from kubelab.training.lineage import experiment_name, read_record
from kubelab.training.manifest import documents
from kubelab.training.metrics import metrics_frame
from kubelab.training.progress_line import ProgressLine
from kubelab.training.reading import JobReader, wait_until_gone
from kubelab.training.reports import Reports
from kubelab.training.view import Failure, JobView, Phase

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.lineage import Lineage

_LAST_LINES = 20
_STOP_TIMEOUT_S = 60.0


class TrainJob:
    """A training job. It goes on when the handle, or the kernel that held it, is gone.

    Made by `kubelab.Cluster.train` and `kubelab.Cluster.job`.

    Attributes
    ----------
    name, namespace : str
        What it is called, and where.
    kind : {"TrainJob", "JAXJob", "Job"}
        Its kind of object.
    """

    def __init__(self, client: Client, kind: str, namespace: str, name: str, uid: str) -> None:
        self.client = client
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self._reader = JobReader(client, kind, namespace, name, uid)
        self._reports = Reports(self._reader)

    @property
    def status(self) -> Phase:
        """Where it stands: Pending, Running, Restarting, Suspended, Succeeded or Failed."""
        return self.view().phase

    def view(self) -> JobView:
        """Return the job's object and pods as they are now, as one frozen value.

        Raises
        ------
        NotFoundError
            If the job was deleted.
        """
        return portal.run(self._reader.view())

    def wait(self, timeout_s: float | None = None, *, progress: bool = True) -> TrainJob:
        """Wait until the job has succeeded. Ctrl-C stops waiting, not the job.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait at most.
        progress : bool
            Show a line about where the job stands, in a terminal or a notebook.

        Raises
        ------
        JobFailedError
            If the job failed: which rank failed first, with its exit code and last log lines.
        JobStoppedError
            If the job was deleted.
        JobTimeoutError
            If it has not ended in time; it goes on.
        """
        deadline = None if timeout_s is None else clock.monotonic() + timeout_s
        with ProgressLine(shown=progress) as line, closing(self._changes(deadline)) as views:
            for view in views:
                ended = view.ended is not None
                reason = explanation.why_unscheduled(view)
                text = f"{self.kind} {self.name}: {view.summary()}{reason and f' ({reason})'}"
                line.update(text, done=view.done, last=ended)
                if ended:
                    break
        if view.phase == "Failed":
            raise self._failure(view)
        return self

    @overload
    def logs(
        self, rank: int = 0, *, follow: Literal[False] = False, tail_lines: int | None = None
    ) -> str: ...

    @overload
    def logs(self, rank: int = 0, *, follow: Literal[True]) -> Iterator[str]: ...

    def logs(
        self, rank: int = 0, *, follow: bool = False, tail_lines: int | None = None
    ) -> str | Iterator[str]:
        """Return a worker's log; with ``follow`` its lines as they come, over restarts, until the job ends.

        Parameters
        ----------
        rank : int
            Which worker.
        follow : bool
            Return an iterator over lines instead; it waits for the worker to start.
        tail_lines : int, optional
            Only the last lines.

        Raises
        ------
        KubelabError
            If the job has no such rank.
        """
        self._check_rank(rank)
        if follow:
            return portal.iterate(self._reader.follow(rank))
        return "\n".join(portal.run(self._reader.lines(rank, tail_lines=tail_lines)))

    def metrics(self) -> pd.DataFrame:
        """Return what all workers reported so far, also in earlier attempts.

        It is read from the logs of the pods that there are, and this handle keeps what it has read. A
        job whose pods are gone, such as a suspended one, tells a new handle nothing until it resumes.

        Returns
        -------
        DataFrame
            A row for each number: step, rank, name, value, time (UTC), attempt. A step that was
            repeated after a restart appears once for each attempt.
        """
        portal.run(self._read_reports())
        return metrics_frame(self._reports.metrics)

    def events(self) -> pd.DataFrame:
        """Return the events about the job and what was made for it, oldest first.

        Returns
        -------
        DataFrame
            A row for each event: time (UTC), type, object, reason, message, count.
        """
        return events_frame(portal.run(self._reader.events()))

    def suspend(self) -> TrainJob:
        """Delete the job's pods and keep everything else; `resume` goes on from the last checkpoint."""
        return self._set_suspended(suspended=True)

    def resume(self) -> TrainJob:
        """Start a suspended job's workers again."""
        return self._set_suspended(suspended=False)

    def stop(self) -> None:
        """Delete the job with its pods, logs and checkpoints, and wait until they are gone.

        To keep them, `suspend` it. Afterwards the name can be used again.
        """
        portal.run(self._stop())

    def manifest(self, *, code: bool = False) -> str:
        """Return the job as YAML, without what the server added.

        Parameters
        ----------
        code : bool
            Also the objects that it needs: its runtime, the ConfigMap with the function, and the volume
            claim. ``kubectl apply`` of all this runs the job on any cluster with Kubeflow Trainer.
        """
        return portal.run(self._manifest(code=code))

    def lineage(self) -> Lineage:
        """Record the job as an MLflow run, as far as it has come, and return what is kept of it.

        What was kept stays when the job is deleted; this handle reads it back then, too.

        Raises
        ------
        NotFoundError
            If the job was deleted and nothing was kept of it.
        TrackingError
            If MLflow is not installed or cannot be reached.
        """
        from kubelab.lineage.place import folder_of
        from kubelab.lineage.store import Store

        store = Store(folder_of(self.client))
        uid = self._reader.uid
        missing: NotFoundError | None = None
        try:
            record = portal.run(read_record(self._reports, clock.RealClock().now()))
        except NotFoundError as error:
            missing = error
        else:
            uid = record.uid
            store.record(record)
        found = store.read(experiment_name(self.client, self.namespace), uid)
        if found is None:
            raise missing or NotFoundError({"code": 404, "message": f"no run of job {self.name}"})
        return found

    def explain(self) -> str:
        """Return in one paragraph why the job waits, was restarted or failed, by what its objects say."""
        return portal.run(self._explain())

    def __repr__(self) -> str:
        try:
            return f"<{self.kind} {self.name}: {self.view().summary()}>"
        except NotFoundError:
            return f"<{self.kind} {self.name}: deleted>"
        except ConnectionFailedError:
            return f"<{self.kind} {self.name}: no answer from the cluster>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"

    def _changes(self, deadline: float | None) -> Generator[JobView, None, None]:
        """Yield the job after each change; raise once it is deleted or the time is over."""
        views = self._reader.views()

        async def following() -> JobView | None:
            left_s = None if deadline is None else max(0.0, deadline - clock.monotonic())
            async with asyncio.timeout(left_s):
                return await anext(views)

        try:
            while True:
                try:
                    view = portal.run(following())
                except TimeoutError:
                    raise JobTimeoutError(self.name, self.view().summary()) from None
                if view is None:
                    raise JobStoppedError(f"job {self.name} was deleted while it was waited for")
                yield view
        finally:
            portal.run(views.aclose())

    def _failure(self, view: JobView) -> JobFailedError:
        ended = view.ended or {}
        reason = f"{ended.get('reason', '')}: {ended.get('message', '')}"
        first = view.first_failure()
        if first is None:
            return JobFailedError(self.name, reason)
        return JobFailedError(
            self.name,
            reason,
            rank=first.rank,
            exit_code=first.exit_code,
            cause=explanation.cause_of(first),
            lines=portal.run(self._last_lines(first)),
        )

    async def _last_lines(self, failure: Failure) -> list[str] | None:
        return await self._reader.log_of(failure.pod, previous=failure.previous, tail_lines=_LAST_LINES)

    async def _read_reports(self) -> None:
        await self._reports.read(await self._reader.view())

    async def _explain(self) -> str:
        view, events = await asyncio.gather(self._reader.view(), self._reader.events())
        first = view.first_failure()
        lines = None if first is None else await self._last_lines(first)
        return explanation.explain(view, events, lines or ())

    async def _stop(self) -> None:
        try:
            await self.client.delete(
                resource_of(self.kind), self.name, self.namespace, propagation="Background"
            )
        except NotFoundError:
            return
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await wait_until_gone(self._reader)
        except TimeoutError:
            raise KubelabError(
                f"job {self.name} is deleted, but not all of its pods and volumes are gone after "
                f"{_STOP_TIMEOUT_S:.0f} s: see `kubectl get pods,pvc`."
            ) from None

    async def _manifest(self, *, code: bool) -> str:
        job = await self.client.get(resource_of(self.kind), self.name, self.namespace)
        if not code:
            return documents([job])
        needed = [(CONFIG_MAPS, f"{self.name}-code"), (PERSISTENT_VOLUME_CLAIMS, f"{self.name}-checkpoints")]
        if self.kind == "TrainJob":
            needed.insert(0, (TRAINING_RUNTIMES, job["spec"]["runtimeRef"]["name"]))
        elif self.kind == "Job":
            needed.append((SERVICES, self.name))
        found = []
        for resource, name in needed:
            try:
                found.append(await self.client.get(resource, name, self.namespace))
            except NotFoundError:
                continue
        return documents([*found, job])

    def _set_suspended(self, *, suspended: bool) -> TrainJob:
        flag = {"suspend": suspended}
        spec = {"runPolicy": flag} if self.kind == "JAXJob" else flag
        portal.run(self.client.patch(resource_of(self.kind), self.name, {"spec": spec}, self.namespace))
        return self

    def _check_rank(self, rank: int) -> None:
        num_nodes = self.view().num_nodes
        if rank not in range(num_nodes):
            raise KubelabError(f"job {self.name} has no rank {rank}: its ranks are 0 to {num_nodes - 1}.")
