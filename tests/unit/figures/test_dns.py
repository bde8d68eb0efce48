"""The figures of name lookups."""

from __future__ import annotations

from kubelab.figures.dns import latencies_figure

LATENCIES_S = {"ndots 5": (0.001, 0.002), "ndots 2": (0.001,)}


def test_latencies_say_below_where_they_were_measured() -> None:
    figure = latencies_figure(LATENCIES_S, origin="Recorded on Linux 6.1, 2026-11-26")
    assert [each.text for each in figure.layout.annotations] == ["Recorded on Linux 6.1, 2026-11-26"]
    assert list(figure.data[0].x) == [1.0, 2.0]
