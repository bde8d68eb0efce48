"""A sweep as still HTML: its best trials and curves, where no kernel is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from kubelab.live import Point, SweepSnapshot, TrialRow
from kubelab_widgets.fallback import cells_of
from kubelab_widgets.still_chart import COLOURS, Line, line_chart

_ROWS = 10
_POINTS = 60
"""Of each curve: a report of two hundred trials stays below half a megabyte."""
_WORDS = {"EarlyStopped": "stopped early", "MetricsUnavailable": "without metrics"}
_DIMMED = frozenset({"EarlyStopped", "Failed", "Killed", "MetricsUnavailable"})


def sweep_html(
    sweep: SweepSnapshot,
    trials: Sequence[TrialRow],
    series: Mapping[tuple[str, int], Sequence[Point]],
) -> str:
    """Return the sweep's counts, its ten best trials and all curves; every text in it is escaped."""
    counts = ", ".join(f"{count} {_WORDS.get(state, state.lower())}" for state, count in sweep.counts.items())
    of = f"/{sweep.max_trials}" if sweep.max_trials else ""
    head = (
        f"<p><b>{escape(sweep.name)}</b>: {sweep.phase}, {sweep.ended}{of} trials{_in_brackets(counts)}</p>"
    )
    body = f"{_best(sweep, trials)}{_table(sweep, trials)}{_curves(sweep, trials, series)}"
    return f'<div class="kubelab-sweep">{head}{body}</div>'


def _in_brackets(text: str) -> str:
    return f" ({escape(text)})" if text else ""


def _best(sweep: SweepSnapshot, trials: Sequence[TrialRow]) -> str:
    found = next((trial for trial in trials if trial.number == sweep.best), None)
    if found is None:
        return ""
    values = zip(sweep.axes, found.values, strict=True)
    chosen = ", ".join(f"{axis.name} {_short(value)}" for axis, value in values if value is not None)
    words = f"trial {found.number}, {sweep.objective} {_short(found.objective)}, {chosen}"
    return f"<p>Best: {escape(words)}</p>"


def _table(sweep: SweepSnapshot, trials: Sequence[TrialRow]) -> str:
    sign = 1 if sweep.direction == "minimize" else -1
    known = [(sign * trial.objective, trial) for trial in trials if trial.objective is not None]
    best = [trial for _, trial in sorted(known, key=lambda pair: pair[0])[:_ROWS]]
    names = ("trial", "state", sweep.objective, *(axis.name for axis in sweep.axes), "step", "why")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = "".join(f"<tr>{cells_of(*_cells(trial))}</tr>" for trial in best)
    return f"<table><tr>{head}</tr>{rows}</table>" if rows else ""


def _cells(trial: TrialRow) -> tuple[object, ...]:
    values = (_short(value) for value in trial.values)
    step = "" if trial.step is None else trial.step
    return trial.number, trial.state, _short(trial.objective), *values, step, trial.why


def _curves(
    sweep: SweepSnapshot, trials: Sequence[TrialRow], series: Mapping[tuple[str, int], Sequence[Point]]
) -> str:
    states = {trial.number: trial.state for trial in trials}
    found = {number: points for (name, number), points in series.items() if name == sweep.objective}
    best_last = sorted(
        found.items(), key=lambda item: (item[0] == sweep.best, states.get(item[0]) not in _DIMMED)
    )
    lines = [
        Line(_thin(points), COLOURS[1], width=2.5)
        if number == sweep.best
        else Line(_thin(points), COLOURS[0], width=1, opacity=0.25 if states.get(number) in _DIMMED else 0.7)
        for number, points in best_last
    ]
    best = "" if sweep.best is None else f"; the thick line is trial {sweep.best}, the best"
    title = f"{sweep.objective} of {len(lines)} trials over steps{best}"
    return line_chart(sweep.objective, lines, zero=False, title=title)


def _thin(points: Sequence[Point]) -> Sequence[Point]:
    stride = -(-len(points) // _POINTS)
    return [*points[:-1:stride], points[-1]] if stride > 1 else points


def _short(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
