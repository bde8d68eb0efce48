"""`ChaosPanel`: break something under a running job on purpose, and watch whether what is expected holds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from kubelab import Cluster, portal
from kubelab.chaos.experiment import OVER
from kubelab.chaos.samples import Sample, Stage
from kubelab.chaos.verdict import Verdict
from kubelab.client import CHAOS_EXPERIMENTS
from kubelab.errors import KubelabError
from kubelab.live import ExperimentWatch
from kubelab.training import TrainJob
from kubelab_widgets import chaos_form
from kubelab_widgets.assets import module, style
from kubelab_widgets.chaos_fallback import experiments_html
from kubelab_widgets.live_panel import LivePanel, Notice

_STEP, _RUNNING = ("step", 0), ("workers that run", 0)
_STOP = {"spec": {"stop": True}}


class StoppedError(KubelabError):
    """The reader stopped an experiment, or closed the panel."""

    def __init__(self) -> None:
        super().__init__("Stopped: what was broken is undone, and nothing was judged.")


class ChaosPanel(LivePanel):
    """A live panel that injects faults under a job: whom it would hit, what is seen meanwhile, the verdict.

    It also shows the experiments about the job that cells and other notebooks make. Closing it undoes what
    it has broken.

    Parameters
    ----------
    cluster : Cluster
        A lab.
    job : TrainJob
        Such as ``cluster.job(name)``; its experiments are shown, and its pods, node or Service are hit.

    Attributes
    ----------
    verdicts : list of Verdict
        Of the experiments made here, oldest first.

    Raises
    ------
    KubelabError
        If it is no cluster, or no job.

    Examples
    --------
    >>> ChaosPanel(cluster, job)  # doctest: +SKIP
    """

    _esm = module("chaos_panel.js")
    _css = style("panel.css") + style("fleet.css") + style("chaos.css")

    def __init__(self, cluster: Cluster, job: TrainJob) -> None:
        if not isinstance(cluster, Cluster) or not isinstance(job, TrainJob):
            raise KubelabError("Pass a cluster and a job of it: ChaosPanel(cluster, cluster.job(name)).")
        self.cluster = cluster
        self.job = job
        self.verdicts: list[Verdict] = []
        self._stopping = threading.Event()
        self._samples: Sequence[Sample] = ()
        self._seen = 0
        self._undoing: asyncio.Task[None] | None = None
        uid = job.view().job["metadata"]["uid"]
        self._watch = ExperimentWatch(cluster.client, job.namespace, uid, self._experiments_changed)
        super().__init__()

    def prepare(self) -> None:
        """Begin to watch the experiments about the job."""
        self._outbox.put(
            job=self.job.name, form=chaos_form.describe(), stage=None, verdict=None, span=None, experiments=[]
        )
        portal.run(self._watch.start())

    def describe(self) -> str:
        """Return what the panel is of."""
        return f"of {self.job.name}"

    def fallback(self) -> str:
        """Return the experiments as still HTML, with a picture of the newest made here."""
        last = self.verdicts[-1] if self.verdicts else None
        return portal.run(self._still(last))

    def stop(self) -> None:
        """Undo what is broken, and stop watching."""
        self._stopping.set()
        super().stop()

    # What follows runs on the portal's loop, except where it says otherwise.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._outbox.start_again(self._curves())
            case "break" if self._action is None:
                self._begin(message)
            case "undo" if self._undoing is None or self._undoing.done():
                self._undoing = portal.loop().create_task(self._undo())

    def done(self, result: object) -> Notice | None:
        """Show a verdict."""
        if isinstance(result, Verdict):
            if result.outcome != "dry run":
                self.verdicts.append(result)
            shown = {"fault": result.experiment.fault, "expects": result.experiment.hypothesis}
            self._outbox.put(verdict={**shown, "outcome": result.outcome, "evidence": list(result.evidence)})
        return None

    def notice_of(self, error: Exception) -> Notice:
        """Say that an experiment was stopped, or why it failed (on the thread)."""
        notice = super().notice_of(error)
        return {**notice, "level": "info"} if isinstance(error, StoppedError) else notice

    async def detach(self) -> None:
        """Stop watching; the job goes on."""
        await self._watch.stop()
        if self._undoing is not None:
            await asyncio.gather(self._undoing, return_exceptions=True)

    def _begin(self, message: dict[str, Any]) -> None:
        try:
            method, asked = chaos_form.read(message)
        except KubelabError as error:
            self._outbox.put(notice=self.notice_of(error))
            return
        dry, fault = bool(message.get("dry")), str(message["fault"])
        self._stopping.clear()
        self._outbox.put(verdict=None, stage={"name": "dry" if dry else "before", "fault": fault})
        if not dry:
            self._samples, self._seen = (), 0
            self._outbox.put(span=None)
            self._outbox.add_points({}, restarted=[_STEP, _RUNNING])
        act, on_sample = getattr(self.cluster.chaos, method), partial(self._sampled, fault)
        self.begin("break", lambda: act(self.job, **asked, dry_run=dry, on_sample=on_sample))

    def _sampled(self, fault: str, stage: Stage, samples: list[Sample]) -> None:
        """Show what was seen, or end the experiment, which undoes it."""
        if self._stopping.is_set():
            raise StoppedError
        if not samples:  # the job does not run yet
            return
        self._samples = tuple(samples)
        self._outbox.add_points(self._curves(self._seen))
        self._seen = len(samples)
        self._outbox.put(stage={"name": stage, "fault": fault}, span=self._span())
        self.update()

    def _curves(self, since: int = 0) -> dict[tuple[str, int], list[tuple[float, float]]]:
        """Return what was seen as points over seconds since the first look."""
        seen = [each for each in self._samples[since:] if each.is_seen]
        zero_s = self._samples[0].at_s if self._samples else 0.0
        steps = [(each.at_s - zero_s, float(each.step)) for each in seen if each.step is not None]
        return {_STEP: steps, _RUNNING: [(each.at_s - zero_s, float(each.running)) for each in seen]}

    def _span(self) -> list[float | None] | None:
        """Return from when to when the fault held, in seconds since the first look."""
        zero_s = self._samples[0].at_s
        broken = [each.at_s - zero_s for each in self._samples if each.stage != "before"]
        after = [each.at_s - zero_s for each in self._samples if each.stage == "after"]
        return [broken[0], after[0] if after else None] if broken else None

    def _experiments_changed(self) -> None:
        self._outbox.put(experiments=[asdict(row) for row in self._watch.rows()])
        self.update()

    async def _still(self, last: Verdict | None) -> str:
        return experiments_html(self.job.name, self._watch.rows(), last)

    async def _undo(self) -> None:
        """Have the lab undo now what holds under this job, whoever broke it; else stop what is under way."""
        live = [row.name for row in self._watch.rows() if row.phase not in OVER]
        if not live:
            self._stopping.set()
        for name in live:
            try:
                await self.cluster.client.patch(CHAOS_EXPERIMENTS, name, _STOP, self.job.namespace)
            except KubelabError as error:
                self._outbox.put(notice=self.notice_of(error))
                self.update()
