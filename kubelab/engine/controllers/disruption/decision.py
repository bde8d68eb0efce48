"""How many pods a budget lets go, from its spec, its pods and how many of them there should be.

Upstream: ``pkg/controller/disruption`` and component-helpers' ``apps/poddisruptionbudget``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers.conditions import with_condition
from kubelab.engine.controllers.counts import scaled
from kubelab.engine.controllers.pods import is_ready

DELETION_TIMEOUT = timedelta(minutes=2)
"""How long an evicted pod is counted as going before it counts as healthy again (``DeletionTimeout``)."""

DISRUPTION_ALLOWED = "DisruptionAllowed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A budget's new status.

    Attributes
    ----------
    not_deleted : tuple of dict
        Pods that should have gone since their eviction and did not.
    recheck_s : float or None
        When an eviction is forgotten, if nothing else happens before.
    """

    status: Object
    not_deleted: tuple[Object, ...] = ()
    recheck_s: float | None = None


def needs_scale(spec: Object) -> bool:
    """Tell whether the budget is relative to how many pods there should be."""
    return "maxUnavailable" in spec or isinstance(spec.get("minAvailable"), str)


def judge(budget: Object, pods: Iterable[Object], scale: int, now: datetime) -> Outcome:
    """Return a budget's status over the pods that its selector finds.

    Parameters
    ----------
    scale : int
        How many pods their controllers want together; used only where `needs_scale`.
    """
    pods = list(pods)
    spec, old = budget["spec"], budget.get("status") or {}
    expected = scale if needs_scale(spec) else len(pods)
    desired = desired_healthy(spec, expected)
    going, late, recheck = _going(old.get("disruptedPods") or {}, pods, now)
    healthy = sum(
        is_ready(pod) and "deletionTimestamp" not in pod["metadata"] and pod["metadata"]["name"] not in going
        for pod in pods
    )
    allowed = max(healthy - desired, 0) if expected > 0 else 0
    generation = budget["metadata"].get("generation", 0)
    status: Object = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": generation,
        "conditions": with_condition(old.get("conditions"), allowance(allowed, generation), rfc3339(now)),
    }
    if going:
        status["disruptedPods"] = going
    return Outcome(status, late, recheck)


def failed(budget: Object, problem: str, now: datetime) -> Object:
    """Return the status of a budget that cannot be judged: nothing may go."""
    old = budget.get("status") or {}
    condition = {
        "type": DISRUPTION_ALLOWED,
        "status": "False",
        "reason": "SyncFailed",
        "message": problem,
        "observedGeneration": old.get("observedGeneration", 0),
    }
    status: Object = {"currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0, **old}
    return {
        **status,
        "disruptionsAllowed": 0,
        "conditions": with_condition(old.get("conditions"), condition, rfc3339(now)),
    }


def allowance(allowed: int, generation: int) -> Object:
    """Return the condition that says whether a pod may go."""
    return {
        "type": DISRUPTION_ALLOWED,
        "status": "True" if allowed > 0 else "False",
        "reason": "SufficientPods" if allowed > 0 else "InsufficientPods",
        "message": "",
        "observedGeneration": generation,
    }


def desired_healthy(spec: Object, expected: int) -> int:
    """Return how many of the expected pods must stay healthy; shares of them are rounded up."""
    if "maxUnavailable" in spec:
        return max(expected - scaled(spec["maxUnavailable"], expected, round_up=True), 0)
    return scaled(spec.get("minAvailable"), expected, round_up=True)


def _going(
    disrupted: Mapping[str, str], pods: Iterable[Object], now: datetime
) -> tuple[dict[str, str], tuple[Object, ...], float | None]:
    """Return the evictions that are still under way, the pods that missed theirs, and when to look again."""
    going: dict[str, str] = {}
    late: list[Object] = []
    waits: list[float] = []
    for pod in pods:
        name = pod["metadata"]["name"]
        if name not in disrupted or "deletionTimestamp" in pod["metadata"]:
            continue
        left_s = (parse_rfc3339(disrupted[name]) + DELETION_TIMEOUT - now).total_seconds()
        if left_s < 0:
            late.append(pod)
        else:
            going[name] = disrupted[name]
            waits.append(left_s + 1)  # times are kept in whole seconds
    return going, tuple(late), min(waits, default=None)
