"""A job as still HTML: what a report, or a notebook opened without a kernel, shows in a panel's place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from kubelab.live import JobSnapshot, Point

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 460, 150, 44, 20
_COLOURS = ("#0072b2", "#d55e00", "#00835f", "#a4457f")
_DASHES = ("none", "6 3", "2 3", "8 3 2 3")


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
        f"<tr>{_cells(worker.rank, worker.state, worker.restarts, worker.why or worker.pod)}</tr>"
        for worker in job.workers
    )
    more = job.num_nodes - len(job.workers)
    rest = f"<p>and {more} more</p>" if job.workers and more > 0 else ""
    return f"<table><tr><th>rank</th><th>state</th><th>restarts</th><th>detail</th></tr>{rows}</table>{rest}"


def _cells(*values: object) -> str:
    return "".join(f"<td>{escape(str(value))}</td>" for value in values)


def _loss(series: Mapping[tuple[str, int], Sequence[Point]]) -> str:
    names = [name for name, _ in series]
    metric = "loss" if "loss" in names else next(iter(names), "")
    chosen = {rank: points for (name, rank), points in sorted(series.items()) if name == metric and points}
    if not chosen:
        return ""
    steps = [step for points in chosen.values() for step, _ in points]
    values = [value for points in chosen.values() for _, value in points if _finite(value)]
    if not values:
        return ""
    x0, x1, y0, y1 = min(steps), max(steps), min(0.0, *values), max(values)
    lines = "".join(_polyline(rank, points, (x0, x1, y0, y1)) for rank, points in chosen.items())
    labels = (
        _text(_LEFT - 6, 12, f"{y1:.3g}", "end")
        + _text(_LEFT - 6, _HEIGHT - _BOTTOM, f"{y0:.3g}", "end")
        + _text(_LEFT, _HEIGHT - 4, str(x0), "start")
        + _text(_WIDTH, _HEIGHT - 4, f"step {x1}", "end")
    )
    title = f"{metric}, from {values[0]:.3g} to {values[-1]:.3g}"
    return (
        f'<figure><figcaption>{escape(metric)}</figcaption><svg role="img" '
        f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-label="{escape(title)}">'
        f"{labels}{lines}</svg></figure>"
    )


def _polyline(rank: int, points: Iterable[Point], extent: tuple[float, float, float, float]) -> str:
    x0, x1, y0, y1 = extent
    across, up = (_WIDTH - _LEFT - 4) / ((x1 - x0) or 1), (_HEIGHT - _BOTTOM - 8) / ((y1 - y0) or 1)
    path = " ".join(
        f"{_LEFT + (step - x0) * across:.1f},{_HEIGHT - _BOTTOM - (value - y0) * up:.1f}"
        for step, value in points
        if _finite(value)
    )
    colour, dash = _COLOURS[rank % len(_COLOURS)], _DASHES[rank % len(_DASHES)]
    stroke = f'fill="none" stroke="{colour}" stroke-width="1.5" stroke-dasharray="{dash}"'
    return f'<polyline {stroke} points="{path}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="11" text-anchor="{anchor}" fill="currentColor">{text}</text>'


def _finite(value: float) -> bool:
    return value - value == 0
