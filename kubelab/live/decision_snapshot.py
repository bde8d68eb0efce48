"""What an autoscaler is like at one moment: its policy, decisions and what its nodes cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.live.cost_history import CostCurves


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision in a line.

    Attributes
    ----------
    number : int
        It grows with time.
    nodes : int
        How many are added; less than 0 where they are removed or given up.
    node : str
        The one that is removed; "" otherwise.
    usd_per_hour, price_date
        What it commits to; None and "" where that is not known.
    """

    number: int
    time: str
    action: str
    expander: str
    node_group: str
    nodes: int
    node: str
    pods: int
    usd_per_hour: float | None
    price_date: str
    why: str


@dataclass(frozen=True, slots=True)
class AutoscalerSnapshot:
    """The autoscaler and its money, beside its decisions.

    Attributes
    ----------
    now : str
        The cluster's time, RFC 3339.
    exists : bool
        Whether there is a ClusterAutoscaler.
    expander : str
        Who chooses among groups.
    problem : str
        Why it does not run; "" if it does.
    usd_per_hour : mapping of str to float
        By group, now.
    spent_usd : float
        Since the first node.
    price_dates : tuple of str
        The dates of all prices in it, oldest first.
    curves : CostCurves or None
        None before there is a priced node.
    spot_nodes : tuple of str
        Names of nodes that can be interrupted.
    """

    now: str
    exists: bool
    expander: str
    problem: str
    usd_per_hour: Mapping[str, float]
    spent_usd: float
    price_dates: tuple[str, ...]
    curves: CostCurves | None
    spot_nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DecisionUpdate:
    """What changed since the last one: the snapshot whole, and decisions that are new or gone."""

    snapshot: AutoscalerSnapshot
    decisions: tuple[DecisionRow, ...]
    gone: tuple[int, ...]


def decision_row(number: int, obj: Object) -> DecisionRow:
    """Return a ScalingDecision's row."""
    spec = obj["spec"]
    return DecisionRow(
        number=number,
        time=spec["time"],
        action=spec["action"],
        expander=spec.get("expander", ""),
        node_group=spec.get("nodeGroup", ""),
        nodes=int(spec.get("nodes", 0)),
        node=spec.get("node", ""),
        pods=int(spec.get("podCount", 0)),
        usd_per_hour=spec.get("usdPerHour"),
        price_date=spec.get("priceDate", ""),
        why=spec.get("why", ""),
    )


def problem_of(autoscaler: Object) -> str:
    """Return why an autoscaler does not run, from its conditions; "" if it does."""
    conditions = (autoscaler.get("status") or {}).get("conditions") or ()
    refused = (str(each.get("message", "")) for each in conditions if each["status"] == "False")
    return next(refused, "")
