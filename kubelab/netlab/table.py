"""A comparison as a table: every number for a program, and the few that a notebook shows."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.netlab.results import Comparison, Environment, Measure

_NUMBERS = (
    *("full_s", "full_cpu_s", "full_bytes", "rules", "list_s", "listed", "add_s", "add_bytes", "change_s"),
    *("remove_s", "loader_rss_bytes", "kernel_bytes"),
)
_SHOWN = (
    *("backend", "services", "endpoints", "rules", "full_s", "list_s", "add_s", "add_bytes"),
    *("p50_direct_us", "p50_last_us", "per_s_last"),
)


def frame_of(comparison: Comparison) -> pd.DataFrame:
    """Return a row for each measure, with what its numbers depend on."""
    import pandas as pd

    return pd.DataFrame([_row(each) | _origin(each, comparison.environment) for each in comparison.measures])


def html_of(comparison: Comparison) -> str:
    """Return where it was measured, and the columns that a reader looks for first."""
    frame, where = frame_of(comparison), comparison.environment
    shown = frame.reindex(columns=_SHOWN)
    if any(each.skipped for each in comparison.measures):
        shown["skipped"] = [each.skipped or "" for each in comparison.measures]
    table = shown.to_html(index=False, float_format=_number, na_rep="")
    kind = "Recorded" if comparison.is_recorded else "Measured"
    return f"<p>{kind} on {escape(where.machine)}, {escape(where.date)}.</p>{table}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _row(measure: Measure) -> dict[str, object]:
    row: dict[str, object] = {
        "backend": measure.backend,
        "services": measure.services,
        "endpoints": measure.endpoints,
        "skipped": measure.skipped,
    }
    if measure.skipped is None:
        row |= {name: getattr(measure, name) for name in _NUMBERS}
    for position, each in measure.latency.items():
        row |= {f"{name}_{position}_us": getattr(each, name) for name in ("p01", "p50", "p90", "p99")}
    return row | {f"per_s_{position}": rate for position, rate in measure.connections_per_s.items()}


def _origin(measure: Measure, where: Environment) -> dict[str, object]:
    """Return the kernel, the tool with its version, privileges, seed and date."""
    tool = "nft" if measure.backend.startswith("nftables") else measure.backend
    return {
        "kernel": where.kernel,
        "tool": f"{tool} {where.tools[tool]}" if tool in where.tools else tool,
        "privileges": where.privileges,
        "seed": where.seed,
        "date": where.date,
    }
