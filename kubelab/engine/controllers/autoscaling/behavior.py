"""How fast a target may be scaled. Upstream: the second half of ``podautoscaler/horizontal.go``."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubelab.client import Object

DOWNSCALE_WINDOW_S = 300
"""``--horizontal-pod-autoscaler-downscale-stabilization``."""

_SCALE_UP: Object = {
    "stabilizationWindowSeconds": 0,
    "selectPolicy": "Max",
    "policies": [
        {"type": "Pods", "value": 4, "periodSeconds": 15},
        {"type": "Percent", "value": 100, "periodSeconds": 15},
    ],
}
_SCALE_DOWN: Object = {
    "stabilizationWindowSeconds": DOWNSCALE_WINDOW_S,
    "selectPolicy": "Max",
    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
}
STABILIZED = {
    "ScaleDownStabilized": (
        "recent recommendations were higher than current one, applying the highest recent recommendation"
    ),
    "ScaleUpStabilized": (
        "recent recommendations were lower than current one, applying the lowest recent recommendation"
    ),
}
LIMITED = {
    "DesiredWithinRange": "the desired count is within the acceptable range",
    "TooFewReplicas": "the desired replica count is less than the minimum replica count",
    "TooManyReplicas": "the desired replica count is more than the maximum replica count",
    "ScaleUpLimit": "the desired replica count is increasing faster than the maximum scale rate",
    "ScaleDownLimit": "the desired replica count is decreasing faster than the maximum scale rate",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """A number at a time: a recommendation, or a change of scale (negative if down)."""

    at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class History:
    """What was recommended for a target and done to it, as long as it matters."""

    recommendations: tuple[Moment, ...] = field(default=())
    changes: tuple[Moment, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Limits:
    """The range of replicas; ``behavior`` is the spec's, empty if it has none."""

    least: int
    most: int
    behavior: Object

    def rules(self, direction: str) -> Object:
        """Return the rules for ``scaleUp`` or ``scaleDown``."""
        defaults = _SCALE_UP if direction == "scaleUp" else _SCALE_DOWN
        given = self.behavior.get(direction) or {}
        return {**defaults, **{key: value for key, value in given.items() if value is not None}}


def stabilized(wanted: int, current: int, limits: Limits, history: History, now: datetime) -> tuple[int, str]:
    """Return the recommendation that recent ones allow, and the reason if it is another."""
    if not limits.behavior:
        recent = _within(history.recommendations, DOWNSCALE_WINDOW_S, now)
        found = max((wanted, *(each.number for each in recent)))
        return found, "ScaleDownStabilized" if found != wanted else ""
    up = _within(history.recommendations, limits.rules("scaleUp")["stabilizationWindowSeconds"], now)
    down = _within(history.recommendations, limits.rules("scaleDown")["stabilizationWindowSeconds"], now)
    lowest = min((wanted, *(each.number for each in up)))
    highest = max((wanted, *(each.number for each in down)))
    found = min(max(current, lowest), highest)
    if found == wanted:
        return found, ""
    return found, "ScaleDownStabilized" if found > wanted else "ScaleUpStabilized"


def limited(wanted: int, current: int, limits: Limits, history: History, now: datetime) -> tuple[int, str]:
    """Return the replicas that range and rate allow, and a reason of `LIMITED`."""
    fastest = _rise(current, limits, history, now)
    slowest = _fall(current, limits, history, now)
    if wanted > current or not limits.behavior:
        most, reason = limits.most, "TooManyReplicas"
        if most > fastest:
            most, reason = fastest, "ScaleUpLimit"
        if wanted > most:
            return most, reason
    if wanted < current or not limits.behavior:
        least, reason = limits.least, "TooFewReplicas"
        if limits.behavior and least < slowest:
            least, reason = slowest, "ScaleDownLimit"
        if wanted < least:
            return least, reason
    return wanted, "DesiredWithinRange"


def _rise(current: int, limits: Limits, history: History, now: datetime) -> int:
    if not limits.behavior:
        return max(2 * current, 4)  # upstream: scaleUpLimitFactor, scaleUpLimitMinimum
    rules = limits.rules("scaleUp")
    if rules["selectPolicy"] == "Disabled":
        return current
    reached = []
    for policy in rules["policies"]:
        start = current - _change(history, policy["periodSeconds"], now)
        percent = policy["type"] == "Percent"
        reached.append(
            math.ceil(start * (100 + policy["value"]) / 100) if percent else start + policy["value"]
        )
    chosen: int = min(reached) if rules["selectPolicy"] == "Min" else max(reached)
    return max(current, chosen)


def _fall(current: int, limits: Limits, history: History, now: datetime) -> int:
    rules = limits.rules("scaleDown")
    if rules["selectPolicy"] == "Disabled":
        return current
    reached = []
    for policy in rules["policies"]:
        start = current - _change(history, policy["periodSeconds"], now)
        percent = policy["type"] == "Percent"
        reached.append(int(start * (100 - policy["value"]) / 100) if percent else start - policy["value"])
    chosen: int = max(reached) if rules["selectPolicy"] == "Min" else min(reached)
    return min(current, chosen)


def _change(history: History, period_s: int, now: datetime) -> int:
    return sum(each.number for each in _within(history.changes, period_s, now))


def _within(moments: Iterable[Moment], seconds: float, now: datetime) -> list[Moment]:
    cutoff = now - timedelta(seconds=seconds)
    return [each for each in moments if each.at > cutoff]
