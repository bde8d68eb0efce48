"""A job as still HTML: what a report, or a notebook opened without a kernel, shows in a panel's place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from kubelab.live import JobSnapshot, Point
from kubelab_widgets.still_chart import line_chart, rank_line


def job_html(job: JobSnapshot, series: Mapping[tuple[str, int], Sequence[Point]]) -> str:
    """Return the job's phase, workers and loss; every text in it is escaped."""
    progress = (
        "" if job.step is None else f", step {job.step}" + (f"/{job.total_steps}" if job.total_steps else "")
    )
    head = f"<p><b>{escape(job.name)}</b>: {job.phase}, {job.ready}/{job.num_nodes} workers{progress}</p>"
    return f'<div class="kubelab-job">{head}{_problem(job)}{_workers(job)}{_loss(series)}</div>'


def _problem(job: JobSnapshot) -> str:
    if job.problem is None:
        return ""
    detail = f"<pre>{escape(job.problem.detail)}</pre>" if job.problem.detail else ""
    return f'<div class="failure"><p>{escape(job.problem.text)}</p>{detail}</div>'


def _workers(job: JobSnapshot) -> str:
    rows = "".join(
        f"<tr>{cells_of(worker.rank, worker.state, worker.restarts, worker.why or worker.pod)}</tr>"
        for worker in job.workers
    )
    more = job.num_nodes - len(job.workers)
    rest = f"<p>and {more} more</p>" if job.workers and more > 0 else ""
    return f"<table><tr><th>rank</th><th>state</th><th>restarts</th><th>detail</th></tr>{rows}</table>{rest}"


def cells_of(*values: object) -> str:
    """Return table cells, escaped."""
    return "".join(f"<td>{escape(str(value))}</td>" for value in values)


def _loss(series: Mapping[tuple[str, int], Sequence[Point]]) -> str:
    names = [name for name, _ in series]
    metric = "loss" if "loss" in names else next(iter(names), "")
    chosen = sorted((rank, points) for (name, rank), points in series.items() if name == metric)
    return line_chart(metric, [rank_line(rank, points) for rank, points in chosen])
