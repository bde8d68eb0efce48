"""ScalingDecisions: what the autoscaler did or could not do, each with its options and reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kubelab.autoscaling.choice import Choice, Ranked
from kubelab.autoscaling.consolidation import Replacement
from kubelab.autoscaling.node_group import NodeGroup
from kubelab.autoscaling.scale_down import Verdict
from kubelab.autoscaling.scale_up import Unhelped
from kubelab.client import SCALING_DECISIONS, Object
from kubelab.clock import rfc3339
from kubelab.costs.prices import Price
from kubelab.scheduling.snapshot import PodInfo

KEPT = 2000
"""How many decisions stay; older ones are deleted."""

_PODS_NAMED = 20


def decision(number: int, spec: Object) -> Object:
    """Return a ScalingDecision object."""
    return {
        "apiVersion": SCALING_DECISIONS.api_version,
        "kind": SCALING_DECISIONS.kind,
        "metadata": {"name": f"decision-{number:06}"},
        "spec": spec,
    }


def scale_up(
    now: datetime,
    choice: Choice,
    *,
    group: NodeGroup,
    count: int,
    groups: Sequence[NodeGroup],
    unhelped: Sequence[Unhelped],
) -> Object:
    """Return the spec of a decision to add nodes."""
    prices = {each.name: each.price for each in groups}
    pods = next(each.option.pods for each in choice.ranked if each.option.node_group == group.name)
    return {
        "time": rfc3339(now),
        "action": "ScaleUp",
        "expander": choice.expander,
        "nodeGroup": group.name,
        "nodes": count,
        **_pods([f"{pod.namespace}/{pod.name}" for pod in pods]),
        **_money(group.price, count),
        "why": choice.why,
        "options": [_option(each, prices.get(each.option.node_group)) for each in choice.ranked],
        "skipped": _skipped(unhelped),
        "steps": [
            {"expander": step.expander, "kept": [option.node_group for option in step.kept], "why": step.why}
            for step in choice.steps
        ],
    }


def no_scale_up(
    now: datetime,
    expander: str,
    *,
    pods: Sequence[PodInfo],
    unhelped: Sequence[Unhelped],
    why: str,
    choice: Choice | None = None,
) -> Object:
    """Return the spec of a decision that nothing can be added for these pods."""
    options = [_option(each, None) for each in choice.ranked] if choice else []
    return {
        "time": rfc3339(now),
        "action": "NoScaleUp",
        "expander": expander,
        "nodes": 0,
        **_pods([f"{pod.namespace}/{pod.name}" for pod in pods]),
        "why": why,
        "options": options,
        "skipped": _skipped(unhelped),
    }


def failed(now: datetime, group: NodeGroup, lost: int, why: str) -> Object:
    """Return the spec of a decision to give up nodes that did not come."""
    return {
        "time": rfc3339(now),
        "action": "ScaleUpFailed",
        "nodeGroup": group.name,
        "nodes": -lost,
        **_money(group.price, -lost),
        "why": why,
    }


def scale_down(now: datetime, verdict: Verdict, group: NodeGroup, why: str) -> Object:
    """Return the spec of a decision to remove a node."""
    evicted = [f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in verdict.evict]
    return {
        "time": rfc3339(now),
        "action": "ScaleDown",
        "nodeGroup": group.name,
        "node": verdict.node,
        "nodes": -1,
        **_pods(evicted),
        **_money(group.price, -1),
        "why": why,
    }


def replacement(now: datetime, found: Replacement, group: NodeGroup) -> Object:
    """Return the spec of a decision to add a node that others are to be replaced by."""
    evicted = [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for verdict in found.leaving
        for pod in verdict.evict
    ]
    return {
        "time": rfc3339(now),
        "action": "ScaleUp",
        "expander": "consolidation",
        "nodeGroup": group.name,
        "nodes": 1,
        **_pods(evicted),
        **_money(group.price, 1),
        "why": found.why,
    }


def _option(ranked: Ranked, price: Price | None) -> Object:
    option = ranked.option
    return {
        "nodeGroup": option.node_group,
        "nodeCount": option.node_count,
        "podCount": len(option.pods),
        "rank": ranked.rank,
        "kept": ranked.kept,
        **_money(price, option.node_count),
        "terms": [
            {"name": term.name, "value": term.value, "unit": term.unit, "evidence": term.evidence}
            for term in ranked.terms
        ],
        "why": ranked.why,
        "toWin": ranked.to_win,
    }


def _money(price: Price | None, count: int) -> Object:
    if price is None:
        return {}
    return {"usdPerHour": round(price.usd_per_hour * count, 6), "priceDate": price.date.isoformat()}


def _pods(names: Sequence[str]) -> Object:
    return {"pods": list(names[:_PODS_NAMED]), "podCount": len(names)}


def _skipped(unhelped: Sequence[Unhelped]) -> list[Object]:
    return [{"nodeGroup": each.node_group, "reason": each.reason} for each in unhelped]
