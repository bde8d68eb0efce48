"""`JaxJobPanel`: launch a JAX job from a form, and watch it learn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from html import escape
from inspect import signature
from typing import Any

from kubelab import Cluster, portal
from kubelab.errors import KubelabError
from kubelab.live import JobSnapshot, JobUpdate, JobWatch
from kubelab.training import TrainJob
from kubelab_widgets import launch_form
from kubelab_widgets.assets import module, style
from kubelab_widgets.fallback import job_html
from kubelab_widgets.live_panel import LivePanel, Notice
from kubelab_widgets.outbox import LogDelta


class JaxJobPanel(LivePanel):
    """A live panel of one JAX job, or a form that launches one.

    Parameters
    ----------
    source : TrainJob or Cluster
        A job to attach to (after a kernel restart, ``cluster.job(name)`` finds it again), or the
        cluster that jobs launched from the form go to.
    fn : callable, optional
        What the form launches; without it the form offers the notebook's functions that use
        ``kubelab.training``.
    **defaults
        Options of `kubelab.Cluster.train` that the form starts with, such as ``num_nodes=2`` or
        ``args={"lr": 3e-3}``.

    Examples
    --------
    >>> JaxJobPanel(cluster, train, num_nodes=2)  # doctest: +SKIP
    >>> JaxJobPanel(cluster.job("digits-7f3a"))  # doctest: +SKIP
    """

    _esm = module("jax_job_panel.js")
    _css = style("panel.css")

    def __init__(
        self, source: Cluster | TrainJob, fn: Callable[..., object] | None = None, **defaults: Any
    ) -> None:
        _check(source, fn, defaults)
        self.cluster = source if isinstance(source, Cluster) else None
        self._functions = _offered(fn) if self.cluster else {}
        self._defaults = defaults
        self._job = None if isinstance(source, Cluster) else source
        self._watch: JobWatch | None = None
        self._rank = 0
        super().__init__()

    def prepare(self) -> None:
        """Describe the form, or begin to watch the job."""
        if self.cluster:
            self._outbox.put(form=launch_form.describe(self._functions.values(), self._defaults))
        if self._job is not None:
            portal.run(self._attach(self._job))

    @property
    def job(self) -> TrainJob | None:
        """The job that is shown; None before the first launch. A launch under way is waited for."""
        self.join()
        return self._job

    def describe(self) -> str:
        """Return what the panel is of."""
        if self.cluster is None and self._job is not None:
            return f"of {self._job.name}"
        return f"to launch {', '.join(self._functions) or 'a job'}"

    def fallback(self) -> str:
        """Return the job as still HTML."""
        watch = self._watch
        still = portal.run(_still(watch)) if watch else ""
        return still or f"<p>{escape(repr(self))}</p>"

    # What follows runs on the portal's loop, except where it says otherwise.

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for."""
        match message.get("type"):
            case "hello":
                self._start_again()
            case "rank":
                self._rank = int(message["rank"])
                self._outbox.add_lines(self._log_whole())
            case "launch":
                self.begin("launch", lambda: self._launch(message["values"]))
            case "stop" | "suspend" | "resume" as verb:
                self.begin(verb, lambda: self._command(verb))

    def notice_of(self, error: Exception) -> Notice:
        """Return what to say about an action that failed, and beside which field."""
        field = {"field": error.field} if isinstance(error, launch_form.FieldError) else {}
        return {**super().notice_of(error), **field}

    def done(self, result: object) -> None:
        """Watch the job that was launched, if one was."""
        if isinstance(result, TrainJob):
            self._attaching = portal.loop().create_task(self._attach(result))

    def _launch(self, values: dict[str, Any]) -> TrainJob:
        """Create the job (on the thread)."""
        if self.cluster is None:
            raise KubelabError("this panel shows one job. JaxJobPanel(cluster) has a form to launch others.")
        fn = self._functions[values["function"]]
        self._job = self.cluster.train(fn, **launch_form.options_of(values, fn, self._defaults))
        return self._job

    def _command(self, verb: str) -> None:
        """Call a verb of the job (on the thread)."""
        if self._job is not None:
            getattr(self._job, verb)()

    async def _attach(self, job: TrainJob) -> None:
        await self.detach()
        self._job, self._rank = job, 0
        watch = JobWatch(job.client, job.kind, job.namespace, job.name, self._changed)
        self._watch = watch
        await watch.start()
        snapshot = watch.snapshot()
        if snapshot is not None:
            self._show(snapshot)
        else:
            self.answered(job.name, yes=False)
        self._start_again()
        self.update()

    async def detach(self) -> None:
        """Stop watching the job; the job goes on."""
        self._throttle.cancel()
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.stop()

    def _changed(self, update: JobUpdate) -> None:
        self._outbox.add_points(update.points)
        for part in update.logs:
            if part.rank == self._rank:
                gap = (f"… {part.skipped} lines skipped",) if part.skipped else ()
                self._outbox.add_lines(LogDelta(part.rank, gap + part.lines))
        self._show(update.snapshot)
        self.update()

    def _show(self, snapshot: JobSnapshot) -> None:
        """Put the snapshot into sections, so that a step does not send the events again."""
        self.answered(snapshot.name, yes=True)
        whole = asdict(snapshot)
        self._outbox.put(workers=list(whole.pop("workers")), events=list(whole.pop("events")), job=whole)

    def _start_again(self) -> None:
        history = self._watch.catch_up() if self._watch else {}
        self._outbox.start_again(history, self._log_whole())

    def _log_whole(self) -> LogDelta:
        return LogDelta(self._rank, self._watch.log.lines(self._rank) if self._watch else (), reset=True)


def _check(source: object, fn: object, defaults: dict[str, Any]) -> None:
    if not isinstance(source, Cluster | TrainJob):
        raise KubelabError(f"{source!r} has no panel. Pass a cluster, or a job such as cluster.job(name).")
    if fn is not None and not callable(fn):
        raise KubelabError(f"{fn!r} is not a function. Pass the function itself, without calling it.")
    known = set(signature(Cluster.train).parameters) - {"self", "fn"}
    if unknown := sorted(set(defaults) - known):
        raise KubelabError(f"{unknown[0]!r} is no option of a job. There are: {', '.join(sorted(known))}.")


def _offered(fn: Callable[..., object] | None) -> dict[str, Callable[..., object]]:
    if fn is not None:
        return {getattr(fn, "__name__", "function"): fn}
    import __main__

    return launch_form.functions_in(vars(__main__))


async def _still(watch: JobWatch) -> str:
    snapshot = watch.snapshot()
    return job_html(snapshot, watch.history()) if snapshot else ""
