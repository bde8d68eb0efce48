"""`Sweep`: the handle on a search that runs on a cluster, found again by its name."""

from __future__ import annotations

import asyncio
import base64
import html
import secrets
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubelab import clock, portal
from kubelab.client import CONFIG_MAPS, EXPERIMENTS, Client
from kubelab.errors import ConnectionFailedError, NotFoundError
from kubelab.sweeps.errors import SweepError, SweepFailedError, SweepTimeoutError
from kubelab.sweeps.experiment import request_of
from kubelab.sweeps.katib import is_upstream
from kubelab.sweeps.names import PAUSED_ANNOTATION, STOPPED_ANNOTATION
from kubelab.sweeps.reading import SweepReader
from kubelab.sweeps.view import Phase, SweepView, Trial
from kubelab.training.manifest import documents
from kubelab.training.progress_line import ProgressLine
from kubelab.values import write_value

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.lineage import Lineage
    from kubelab.training.handle import TrainJob

_CODE = "code.zip"


class Sweep:
    """A search over a function's arguments. It goes on when the handle, or the kernel that held it, is gone.

    Made by `kubelab.Cluster.sweep` and `kubelab.Cluster.find_sweep`.

    Attributes
    ----------
    name, namespace : str
        What it is called, and where.
    """

    def __init__(self, client: Client, namespace: str, name: str, uid: str) -> None:
        self.client = client
        self.namespace = namespace
        self.name = name
        self.reader = SweepReader(client, namespace, name, uid)

    @property
    def status(self) -> Phase:
        """Where it stands: Pending, Running, Paused, Succeeded or Failed."""
        return self.view().phase

    def view(self) -> SweepView:
        """Return the sweep and its trials as they are now, as one frozen value.

        Raises
        ------
        NotFoundError
            If the sweep was deleted.
        """
        return portal.run(self.reader.view())

    def wait(self, timeout_s: float | None = None, *, progress: bool = True) -> Sweep:
        """Wait until the sweep has ended. Ctrl-C stops waiting, not the sweep.

        Parameters
        ----------
        timeout_s : float, optional
            How long to wait at most.
        progress : bool
            Show a line about where the sweep stands, in a terminal or a notebook.

        Raises
        ------
        SweepFailedError
            If it failed.
        SweepTimeoutError
            If it has not ended in time; it goes on.
        SweepError
            If it was deleted.
        """
        deadline = None if timeout_s is None else clock.monotonic() + timeout_s
        with ProgressLine(shown=progress) as line, closing(self._changes(deadline)) as views:
            for view in views:
                line.update(f"Sweep {self.name}: {view.summary()}", done=view.done, last=view.has_ended)
                if view.has_ended:
                    break
        if view.phase == "Failed":
            raise SweepFailedError(self.name, view.reason)
        return self

    def best(self) -> Trial:
        """Return the trial with the best objective of those that have ended.

        Raises
        ------
        SweepError
            If no trial has ended with a number for the objective yet.
        """
        view = self.view()
        if view.best is None:
            raise SweepError(
                f"no trial of sweep {self.name} has ended with a number for {view.problem.objective!r}: "
                f"{view.summary()}. See sweep.trials() for why."
            )
        return view.best

    def trials(self) -> pd.DataFrame:
        """Return the trials in the order in which they were suggested.

        Returns
        -------
        DataFrame
            A row for each trial: number, name, state, the objective, a column for each parameter, step (the
            last that it reported), started, ended (UTC), why (why it was stopped or failed).
        """
        from kubelab.sweeps.frames import trials_frame

        return trials_frame(self.view())

    def curves(self) -> pd.DataFrame:
        """Return what all trials reported so far, live.

        Returns
        -------
        DataFrame
            A row for each number: trial, step, name, value, time (UTC). Long histories are thinned out.
        """
        from kubelab.sweeps.frames import curves_frame

        return curves_frame(self.view())

    def lineage(self) -> Lineage:
        """Record the sweep and its trials as MLflow runs, as far as they have come, and return what is kept.

        What was kept stays when the sweep is deleted; this handle reads it back then, too.

        Raises
        ------
        NotFoundError
            If the sweep was deleted and nothing was kept of it.
        TrackingError
            If MLflow is not installed or cannot be reached.
        """
        from kubelab.lineage.place import folder_of
        from kubelab.lineage.store import Store
        from kubelab.sweeps.lineage import SweepReports, sweep_experiment

        store = Store(folder_of(self.client))
        experiment, uid = sweep_experiment(self.reader), self.reader.uid
        reports = SweepReports(self.reader)
        settled = store.settled(experiment, uid)
        missing: NotFoundError | None = None
        try:
            for record in portal.run(reports.records(clock.RealClock().now(), settled)):
                store.record(record)
        except NotFoundError as error:
            missing = error
        found = store.read(experiment, uid)
        if found is None:
            raise missing or NotFoundError({"code": 404, "message": f"no run of sweep {self.name}"})
        return found

    def job(self, number: int) -> TrainJob:
        """Return the handle of a trial's job, for its logs.

        Raises
        ------
        SweepError
            If there is no such trial.
        NotFoundError
            If its job was deleted; the sweeps that kubelab makes keep them.
        """
        from kubelab.training.launch import attach

        return attach(self.client, self.namespace, self._trial(number).name)

    def pause(self) -> Sweep:
        """Start no more trials; those that run go on.

        Raises
        ------
        SweepError
            If the cluster's own Katib runs it, which cannot do that.
        """
        return self._annotate(PAUSED_ANNOTATION, "true")

    def resume(self) -> Sweep:
        """Go on after `pause`."""
        return self._annotate(PAUSED_ANNOTATION, None)

    def stop(self) -> Sweep:
        """End the sweep and the trials that run; what they reported stays.

        Raises
        ------
        SweepError
            If the cluster's own Katib runs it, which cannot do that.
        """
        return self._annotate(STOPPED_ANNOTATION, "true")

    def add_trials(self, n: int) -> Sweep:
        """Let it run ``n`` more trials, also after all that it had have ended.

        Raises
        ------
        SweepError
            If ``n`` is no number of trials, or the sweep has no limit, or it ended for another reason.
        """
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            raise SweepError(f"n={n!r} is no number of trials: use a whole number of at least 1.")
        view = self.view()
        most = view.problem.max_trials
        if most is None:
            raise SweepError(f"sweep {self.name} has no limit of trials, so none can be added.")
        if view.has_ended and len(view.trials) < most:
            raise SweepError(
                f"sweep {self.name} has ended before its {most} trials ({view.summary()}), so it cannot go "
                "on. Start another one: cluster.sweep(...)."
            )
        patch = {"spec": {"maxTrialCount": most + n}}
        portal.run(self.client.patch(EXPERIMENTS, self.name, patch, self.namespace))
        return self

    def promote(
        self,
        number: int | None = None,
        *,
        args: Mapping[str, Any] | None = None,
        num_nodes: int | None = None,
        checkpoint_every: int | None = 50,
        name: str | None = None,
    ) -> TrainJob:
        """Run a trial's function once more as a job of its own, such as with more steps.

        Parameters
        ----------
        number : int, optional
            Which trial; the best unless given.
        args : mapping, optional
            Arguments that replace the trial's.
        num_nodes : int, optional
            How many processes; as many as the trial's unless given.
        checkpoint_every : int or None
            Steps between checkpoints; None for a job without a volume.
        name : str, optional
            Made from the sweep's name unless given.

        Raises
        ------
        SweepError
            If there is no such trial, or kubelab did not make the sweep.
        """
        trial = self.best() if number is None else self._trial(number)
        return portal.run(self._promote(trial, dict(args or {}), num_nodes, checkpoint_every or 0, name))

    def delete(self) -> None:
        """Delete the sweep with its trials, their jobs and logs."""
        try:
            portal.run(self.client.delete(EXPERIMENTS, self.name, self.namespace, propagation="Background"))
        except NotFoundError:
            return

    def manifest(self) -> str:
        """Return the Experiment as YAML, without what the server added."""
        return documents([portal.run(self.client.get(EXPERIMENTS, self.name, self.namespace))])

    def __repr__(self) -> str:
        try:
            return f"<Sweep {self.name}: {self.view().summary()}>"
        except NotFoundError:
            return f"<Sweep {self.name}: deleted>"
        except ConnectionFailedError:
            return f"<Sweep {self.name}: no answer from the cluster>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"

    def _trial(self, number: int) -> Trial:
        trials = self.view().trials
        last = len(trials) - 1
        if not isinstance(number, int) or number not in range(len(trials)):
            raise SweepError(f"sweep {self.name} has no trial {number!r}: its trials are 0 to {last}.")
        return trials[number]

    def _annotate(self, annotation: str, value: str | None) -> Sweep:
        if portal.run(is_upstream(self.client)):
            raise SweepError(
                f"sweep {self.name} is run by the cluster's own Katib, which cannot pause, resume or stop. "
                "Let it end, or delete it with its trials: sweep.delete()."
            )
        patch = {"metadata": {"annotations": {annotation: value}}}
        portal.run(self.client.patch(EXPERIMENTS, self.name, patch, self.namespace))
        return self

    async def _promote(
        self,
        trial: Trial,
        args: dict[str, Any],
        num_nodes: int | None,
        checkpoint_every: int,
        name: str | None,
    ) -> TrainJob:
        from kubelab.training import launch
        from kubelab.training.handle import TrainJob
        from kubelab.training.pod.context import steps_of
        from kubelab.training.request import check

        experiment = await self.client.get(EXPERIMENTS, self.name, self.namespace)
        request = request_of(experiment)
        if request is None:
            raise SweepError(f"kubelab did not make sweep {self.name}, so it has no function to run again.")
        code = await self.client.get(CONFIG_MAPS, request.code_name, self.namespace)
        texts = {key: write_value(value) for key, value in {**trial.parameters, **args}.items()}
        request = check(
            replace(
                request,
                name=name or f"{self.name}-{secrets.token_hex(2)}",
                arguments=texts,
                num_nodes=num_nodes or request.num_nodes,
                checkpoint_every=checkpoint_every,
                code="",
                steps=steps_of({**trial.parameters, **args}) or request.steps,
                max_restarts=3,
            )
        )
        job = await launch.create(self.client, request, base64.b64decode(code["binaryData"][_CODE]))
        return TrainJob(self.client, job["kind"], self.namespace, request.name, job["metadata"]["uid"])

    def _changes(self, deadline: float | None) -> Generator[SweepView, None, None]:
        """Yield the sweep after each change; raise once it is deleted or the time is over."""
        views = self.reader.views()

        async def following() -> SweepView | None:
            left_s = None if deadline is None else max(0.0, deadline - clock.monotonic())
            async with asyncio.timeout(left_s):
                return await anext(views)

        try:
            while True:
                try:
                    view = portal.run(following())
                except TimeoutError:
                    raise SweepTimeoutError(self.name, self.view().summary()) from None
                if view is None:
                    raise SweepError(f"sweep {self.name} was deleted while it was waited for.")
                yield view
        finally:
            portal.run(views.aclose())
