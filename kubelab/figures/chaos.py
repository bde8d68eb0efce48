"""What was seen of a job while something was broken on purpose."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from kubelab.figures.style import COLOURS, DASHES, new_figure

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_TICKS = 8
"""Of the axis of workers, whole numbers."""


class Seen(Protocol):
    """What is drawn of a sample."""

    @property
    def at_s(self) -> float:
        """Seconds since the fault."""
        ...

    @property
    def step(self) -> int | None:
        """The newest step."""
        ...

    @property
    def running(self) -> int:
        """How many workers ran."""
        ...


def steps_over_time(samples: Iterable[Seen], *, title: str = "", duration_s: float = 0.0) -> go.Figure:
    """Draw a job's newest step and its workers that run over time, with the fault marked.

    Parameters
    ----------
    samples : iterable of Sample
        What was seen; times are seconds since the fault.
    duration_s : float
        How long the fault lasted; 0 draws a line.
    """
    rows = [(sample.at_s, sample.step, sample.running) for sample in samples]
    times = [row[0] for row in rows]
    figure = new_figure(x="seconds since the fault", y="step")
    figure.add_scatter(x=times, y=[row[1] for row in rows], name="step", line_color=COLOURS[0])
    workers = {"shape": "hv", "dash": DASHES[2], "color": COLOURS[2]}
    figure.add_scatter(x=times, y=[row[2] for row in rows], name="workers that run", yaxis="y2", line=workers)
    if duration_s:
        figure.add_vrect(x0=0, x1=duration_s, fillcolor=COLOURS[1], opacity=0.15, line_width=0)
    else:
        figure.add_vline(x=0, line={"color": COLOURS[1], "dash": DASHES[1]})
    most = max((running for _, _, running in rows), default=0)
    second = {
        "title": "workers",
        "overlaying": "y",
        "side": "right",
        "range": [0, 1.05 * max(most, 1)],
        "tick0": 0,
        "dtick": math.ceil(max(most, 1) / MOST_TICKS),
        "showgrid": False,
    }
    margin = {"l": 56, "r": 56, "t": 84 if title else 36, "b": 44}
    heading = {"text": title, "y": 0.97, "yanchor": "top"}
    figure.update_layout(title=heading, yaxis2=second, margin=margin)
    return figure
