"""A comparison of kube-proxy's modes as still HTML, for where no kernel is."""

from __future__ import annotations

from html import escape

from kubelab.figures.netlab import curves_of
from kubelab.netlab.results import Comparison, Measure
from kubelab_widgets.fallback import cells_of
from kubelab_widgets.still_chart import line_chart, rank_line

_HEADS = (
    *("backend", "Services", "endpoints", "rules", "all rules (s)", "one more (s)", "listing (s)", "bytes"),
    *("last, net (µs)", "connections/s to the last"),
)


def origin_of(comparison: Comparison) -> str:
    """Return where and when a comparison was measured, in a sentence."""
    where = comparison.environment
    tools = ", ".join(f"{name} {version}" for name, version in sorted(where.tools.items()))
    kind = "Recorded on another machine" if comparison.is_recorded else "Measured here"
    return f"{kind}, {where.date[:10]}: {where.machine}, as {where.privileges}; {tools}; seed {where.seed}."


def listing_of(measure: Measure) -> str:
    """Return how long kube-proxy's listing takes, and which syncs have it."""
    return f"{measure.list_s:.2g}, {measure.listed}"


def comparison_html(comparison: Comparison) -> str:
    """Return where it was measured, the last Service's latency as a picture, and all cells as a table."""
    lines = [
        rank_line(shape.place, [(each.services, each.net_latency("last")) for each in measures])
        for shape, measures in curves_of(comparison)
    ]
    names = ", ".join(shape.name for shape, _ in curves_of(comparison))
    caption = f"first packet to the last Service, less direct, in µs, over Services: {names}"
    chart = line_chart(caption, lines, across="Services")
    said = "".join(f"<p>{escape(each)}</p>" for each in comparison.verdicts())
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in _HEADS)
    rows = "".join(f"<tr>{_cells(each)}</tr>" for each in comparison.measures)
    table = f"<table><tr>{head}</tr>{rows}</table>"
    return (
        f'<div class="kubelab-proxy-bench"><p>{escape(origin_of(comparison))}</p>{chart}{said}{table}</div>'
    )


def _cells(measure: Measure) -> str:
    named = cells_of(measure.backend, f"{measure.services:,}", measure.endpoints)
    if measure.skipped is not None:
        return f'{named}<td colspan="{len(_HEADS) - 3}">{escape(measure.skipped)}</td>'
    rate = measure.connections_per_s.get("last")
    return named + cells_of(
        f"{measure.rules:,}",
        f"{measure.full_s:.3g}",
        f"{measure.add_s:.3g}",
        listing_of(measure),
        f"{measure.add_bytes:,}",
        f"{measure.net_latency('last'):.1f}",
        "" if rate is None else f"{rate:,.0f}",
    )
