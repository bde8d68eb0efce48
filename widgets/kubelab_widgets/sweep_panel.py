"""`SweepPanel`: watch a sweep search, steer it, and run its best trial in full."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from html import escape
from typing import Any

from kubelab import portal
from kubelab.errors import KubelabError
from kubelab.live import SweepSnapshot, SweepUpdate, SweepWatch, TrialRow
from kubelab.sweeps import Sweep
from kubelab.training import TrainJob
from kubelab_widgets.assets import module, style
from kubelab_widgets.live_panel import LivePanel, Notice
from kubelab_widgets.sweep_fallback import sweep_html


class SweepPanel(LivePanel):
    """A live panel of one sweep.

    Parameters
    ----------
    sweep : Sweep
        What `kubelab.Cluster.sweep` returned; after a kernel restart ``cluster.find_sweep(name)`` finds it
        again.
    promote : mapping, optional
        Options of `kubelab.sweeps.Sweep.promote` for the button that runs the best trial in full, such as
        ``{"args": {"steps": 2000}, "num_nodes": 2}``.

    Raises
    ------
    KubelabError
        If it is no sweep, was deleted, or its Experiment cannot be understood.

    Examples
    --------
    >>> SweepPanel(cluster.find_sweep("digits-7f3a"))  # doctest: +SKIP
    """

    _esm = module("sweep_panel.js")
    _css = style("panel.css")

    def __init__(self, sweep: Sweep, promote: Mapping[str, Any] | None = None) -> None:
        if not isinstance(sweep, Sweep):
            raise KubelabError(f"{sweep!r} is no sweep. Pass one such as cluster.find_sweep(name).")
        self.sweep = sweep
        self._promotion = dict(promote or {})
        self._job: TrainJob | None = None
        self._watch = SweepWatch(sweep.reader, self._changed)
        super().__init__()

    def prepare(self) -> None:
        """Begin to watch the sweep."""
        portal.run(self._watch.start())
        snapshot = self._watch.snapshot()
        if self._watch.fault is not None:
            portal.run(self._watch.stop())
            raise self._watch.fault
        if snapshot is not None:
            self._show(snapshot)
        else:
            self.answered(self.sweep.name, yes=False)

    @property
    def job(self) -> TrainJob | None:
        """The job that the best trial was last promoted to; None before. One under way is waited for."""
        self.join()
        return self._job

    def describe(self) -> str:
        """Return what the panel is of."""
        return f"of {self.sweep.name}"

    def fallback(self) -> str:
        """Return the sweep as still HTML."""
        return portal.run(self._still()) or f"<p>{escape(repr(self))}</p>"

    # What follows runs on the portal's loop, except where it says otherwise.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._start_again()
            case "pause":
                self.begin("pause", self.sweep.pause)
            case "resume":
                self.begin("resume", self.sweep.resume)
            case "stop":
                self.begin("stop", self.sweep.stop)
            case "add":
                count = message.get("count")
                self.begin("add", lambda: self.sweep.add_trials(count))  # type: ignore[arg-type] # it checks
            case "promote":
                self.begin("promote", lambda: self.sweep.promote(**self._promotion))

    def done(self, result: object) -> Notice | None:
        """Say which job the best trial was promoted to, if it was."""
        if not isinstance(result, TrainJob):
            return None
        self._job = result
        words = "JaxJobPanel(panel.job) shows it, where panel is this panel"
        return {"level": "info", "text": f"The best trial runs in full as job {result.name}: {words}."}

    async def detach(self) -> None:
        """Stop watching the sweep; the sweep goes on."""
        await self._watch.stop()

    def _changed(self, update: SweepUpdate) -> None:
        self._outbox.put_rows({trial.number: _row(trial) for trial in update.trials})
        self._outbox.add_points(update.points, update.restarted)
        self._show(update.snapshot)
        self.update()

    def _show(self, snapshot: SweepSnapshot) -> None:
        """Put the snapshot into sections, so that a trial's end does not send the space again."""
        self.answered(snapshot.name, yes=True)
        whole = asdict(snapshot)
        self._outbox.put(
            axes=list(whole.pop("axes")),
            importances=dict(whole.pop("importances")),
            sweep={**whole, "ended": snapshot.ended},
        )

    def _start_again(self) -> None:
        self._outbox.start_again(self._watch.catch_up())

    async def _still(self) -> str:
        snapshot = self._watch.snapshot()
        return sweep_html(snapshot, self._watch.trials(), self._watch.history()) if snapshot else ""


def _row(trial: TrialRow) -> dict[str, Any]:
    """Return a row as JSON, which knows no infinity."""
    row = asdict(trial)
    if trial.objective is not None and not math.isfinite(trial.objective):
        row["objective"] = str(trial.objective)
    return row
