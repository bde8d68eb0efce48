"""Experiments about a job as still HTML: what a report, or a notebook opened without a kernel, shows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from kubelab.chaos.verdict import Verdict
from kubelab.live import ExperimentRow
from kubelab_widgets.fallback import cells_of
from kubelab_widgets.still_chart import line_chart, rank_line

_HEADS = ("fault", "expected", "phase", "verdict", "evidence")


def experiments_html(job: str, rows: Sequence[ExperimentRow], last: Verdict | None) -> str:
    """Return the experiments about a job, and the steps during the newest; every text in it is escaped."""
    if not rows:
        return f'<div class="kubelab-chaos"><p><b>{escape(job)}</b>: nothing was broken yet</p></div>'
    head = "".join(f'<th scope="col">{each}</th>' for each in _HEADS)
    body = "".join(
        f"<tr>{cells_of(row.fault, row.expects, row.phase, row.verdict, '; '.join(row.evidence))}</tr>"
        for row in rows
    )
    return (
        f'<div class="kubelab-chaos"><p><b>{escape(job)}</b>, broken on purpose</p>{_picture(last)}'
        f"<table><tr>{head}</tr>{body}</table></div>"
    )


def _picture(last: Verdict | None) -> str:
    if last is None:
        return ""
    points = [(each.at_s, float(each.step)) for each in last.samples if each.step is not None]
    caption = f"{last.experiment.fault}: {last.outcome}; step over seconds"
    return line_chart(caption, [rank_line(0, points)], zero=False, across="seconds")
