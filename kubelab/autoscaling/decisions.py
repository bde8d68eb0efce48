"""The autoscaler's decisions as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kubelab.client import Object

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "time",
    "action",
    "expander",
    "node_group",
    "nodes",
    "pods",
    "usd_per_hour",
    "price_date",
    "options",
    "why",
)


def number_of(obj: Object) -> int:
    """Return a decision's number, 0 if its name has none."""
    digits = str(obj["metadata"]["name"]).rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def decisions_frame(objects: Iterable[Object]) -> pd.DataFrame:
    """Return one row for each ScalingDecision, oldest first."""
    import pandas as pd

    specs = [each["spec"] for each in sorted(objects, key=lambda each: str(each["metadata"]["name"]))]
    frame = pd.DataFrame([_row(spec) for spec in specs], columns=list(COLUMNS))
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return frame


def _row(spec: Object) -> dict[str, object]:
    return {
        "time": spec["time"],
        "action": spec["action"],
        "expander": spec.get("expander", ""),
        "node_group": spec.get("nodeGroup", ""),
        "nodes": spec.get("nodes", 0),
        "pods": spec.get("podCount", 0),
        "usd_per_hour": spec.get("usdPerHour"),
        "price_date": spec.get("priceDate", ""),
        "options": spec.get("options") or [],
        "why": _why(spec),
    }


def _why(spec: Object) -> str:
    """Return the reason, then each option's terms and what it would take to win."""
    lines = [spec.get("why", "")]
    for option in spec.get("options") or ():
        terms = ", ".join(
            f"{term['name']} {term.get('value', 0):.4g} {term.get('unit', '')}".strip()
            for term in option.get("terms") or ()
        )
        wins = f" To win: {option['toWin']}" if option.get("toWin") else ""
        lines.append(
            f"{option['nodeGroup']} x {option.get('nodeCount', 0)}: {terms}. {option.get('why', '')}{wins}"
        )
    lines += [f"{each['nodeGroup']}: {each['reason']}" for each in spec.get("skipped") or ()]
    return "\n".join(line for line in lines if line)
