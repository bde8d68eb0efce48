"""Line charts as still SVG, for where no kernel is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from kubelab.live import Point

COLOURS = ("#0072b2", "#d55e00", "#00835f", "#a4457f")
_DASHES = ("none", "6 3", "2 3", "8 3 2 3")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 460, 150, 44, 20


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart; ``opacity`` from 0 to 1."""

    points: Sequence[Point]
    colour: str
    dash: str = "none"
    width: float = 1.5
    opacity: float = 1.0


def rank_line(rank: int, points: Sequence[Point]) -> Line:
    """Return the line of a worker, told from others by colour and dash."""
    return Line(points, COLOURS[rank % len(COLOURS)], _DASHES[rank % len(_DASHES)])


def line_chart(
    caption: str, lines: Iterable[Line], *, zero: bool = True, title: str = "", across: str = "step"
) -> str:
    """Return a figure of lines over steps, later lines over earlier ones; empty where there is no number.

    Parameters
    ----------
    caption : str
        What stands above it.
    lines : iterable of Line
        What is drawn.
    zero : bool
        Whether the values' axis reaches down to zero.
    title : str
        What the picture shows, in words; made from the caption and the values unless given.
    across : str
        What a step is called.
    """
    chosen = [line for line in lines if line.points]
    steps = [step for line in chosen for step, _ in line.points]
    values = [value for line in chosen for _, value in line.points if _finite(value)]
    if not values:
        return ""
    x0, x1, y0, y1 = min(steps), max(steps), min([*values, *([0.0] if zero else [])]), max(values)
    drawn = "".join(_polyline(line, (x0, x1, y0, y1)) for line in chosen)
    labels = (
        _text(_LEFT - 6, 12, f"{y1:.3g}", "end")
        + _text(_LEFT - 6, _HEIGHT - _BOTTOM, f"{y0:.3g}", "end")
        + _text(_LEFT, _HEIGHT - 4, str(x0), "start")
        + _text(_WIDTH, _HEIGHT - 4, f"{across} {x1}", "end")
    )
    title = title or f"{caption}, from {values[0]:.3g} to {values[-1]:.3g}"
    return (
        f'<figure><figcaption>{escape(caption)}</figcaption><svg role="img" '
        f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-label="{escape(title)}">'
        f"{labels}{drawn}</svg></figure>"
    )


def _polyline(line: Line, extent: tuple[float, float, float, float]) -> str:
    x0, x1, y0, y1 = extent
    across, up = (_WIDTH - _LEFT - 4) / ((x1 - x0) or 1), (_HEIGHT - _BOTTOM - 8) / ((y1 - y0) or 1)
    path = " ".join(
        f"{_LEFT + (step - x0) * across:.1f},{_HEIGHT - _BOTTOM - (value - y0) * up:.1f}"
        for step, value in line.points
        if _finite(value)
    )
    faint = "" if line.opacity == 1 else f' opacity="{line.opacity:g}"'
    stroke = (
        f'fill="none" stroke="{line.colour}" stroke-width="{line.width:g}" stroke-dasharray="{line.dash}"'
    )
    return f'<polyline {stroke}{faint} points="{path}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" font-size="11" text-anchor="{anchor}" fill="currentColor">{text}</text>'


def _finite(value: float) -> bool:
    return value - value == 0
