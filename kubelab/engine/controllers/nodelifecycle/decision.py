"""Whether a node is silent, and what its conditions and taints say then. Pure.

The rules are those of upstream's pkg/controller/nodelifecycle (v1.37).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.conditions import find

GRACE = timedelta(seconds=50)
"""``--node-monitor-grace-period``."""
STARTUP_GRACE = timedelta(seconds=60)
"""``--node-startup-grace-period``: for a node that never said how it is."""
LEASE_MARGIN = timedelta(seconds=10)
"""What `GRACE` allows beyond the 40 s of a kubelet's lease; a node with a longer lease has that much more."""
LATE = timedelta(seconds=10)
"""Who looks so much later than they meant to has slept, and knows nothing of what others did meanwhile."""

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_UNSCHEDULABLE = "node.kubernetes.io/unschedulable"
_EXECUTED = {"False": NOT_READY, "Unknown": UNREACHABLE}
_KEYS = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
}
_MANAGED = frozenset((*_KEYS.values(), _UNSCHEDULABLE))
_FROM_KUBELET = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Hearing:
    """What is known of a node's signs of life.

    Attributes
    ----------
    heard : datetime
        When it last gave one; later than it did if whoever listens has slept.
    silent : bool
        Whether that is too long ago.
    again_s : float or None
        When to listen again; None if only a sign of life can change anything.
    """

    heard: datetime
    silent: bool
    again_s: float | None


def readiness(node: Object) -> str:
    """Return the status of the node's ``Ready`` condition; empty if it never had one."""
    ready = find((node.get("status") or {}).get("conditions"), "Ready")
    return str(ready["status"]) if ready else ""


def grace_of(node: Object, lease: Object | None) -> timedelta:
    """Return how long a node may be silent."""
    if not readiness(node):
        return STARTUP_GRACE
    lasts_s = ((lease or {}).get("spec") or {}).get("leaseDurationSeconds") or 0
    return max(GRACE, timedelta(seconds=lasts_s) + LEASE_MARGIN)


def listen(node: Object, lease: Object | None, heard: datetime, now: datetime) -> Hearing:
    """Judge by when a node last gave a sign of life.

    Whoever notices a deadline much too late was asleep itself, as a laptop is with its lid closed: the node
    is then given its whole grace again.
    """
    grace = grace_of(node, lease)
    left = heard + grace - now
    if left > timedelta():
        return Hearing(heard, silent=False, again_s=left.total_seconds())
    if readiness(node) == "Unknown":
        return Hearing(heard, silent=True, again_s=None)
    if -left > LATE:
        return Hearing(now, silent=False, again_s=grace.total_seconds())
    return Hearing(heard, silent=True, again_s=None)


def unknown(node: Object, now: datetime) -> list[Object]:
    """Return the conditions of a node that nobody hears from."""
    had = {each["type"]: each for each in (node.get("status") or {}).get("conditions") or []}
    created = node["metadata"].get("creationTimestamp")
    for type_ in _FROM_KUBELET:
        old = had.get(type_)
        if old is None:
            reason, message = "NodeStatusNeverUpdated", "Kubelet never posted node status."
            old = {"type": type_, "lastHeartbeatTime": created}
        elif old["status"] == "Unknown":
            continue
        else:
            reason, message = "NodeStatusUnknown", "Kubelet stopped posting node status."
        doubted = {"status": "Unknown", "reason": reason, "message": message}
        had[type_] = {**old, **doubted, "lastTransitionTime": rfc3339(now)}
    return list(had.values())


def taints(node: Object, now: datetime, *, evict: bool, halt: bool = False) -> list[Object]:
    """Return the taints that a node shall have.

    Parameters
    ----------
    evict : bool
        Whether a node that is not ready may be given the taint now that makes its pods leave.
    halt : bool
        Whether no pod shall leave: not one node is ready, so the fault is more likely with who listens.
    """
    wanted = {(key, "NoSchedule") for key in _unschedulable_keys(node)}
    old: list[Object] = (node.get("spec") or {}).get("taints") or []
    executed = _EXECUTED.get(readiness(node))
    if executed and not halt and (evict or leaving(node)):
        wanted.add((executed, "NoExecute"))
    kept = [each for each in old if not _is_managed(each) or (each["key"], each["effect"]) in wanted]
    missing = wanted - {(each["key"], each["effect"]) for each in kept}
    added = [{"key": key, "effect": effect, "timeAdded": rfc3339(now)} for key, effect in sorted(missing)]
    return [*kept, *added]


def leaving(node: Object) -> bool:
    """Say whether a node has a taint that makes its pods leave because of how it is."""
    return any(
        each.get("effect") == "NoExecute" and each["key"] in {NOT_READY, UNREACHABLE}
        for each in (node.get("spec") or {}).get("taints") or []
    )


def _unschedulable_keys(node: Object) -> Iterable[str]:
    for each in (node.get("status") or {}).get("conditions") or []:
        if key := _KEYS.get((each["type"], each["status"])):
            yield key
    if (node.get("spec") or {}).get("unschedulable"):
        yield _UNSCHEDULABLE


def _is_managed(taint: Object) -> bool:
    effect, key = taint.get("effect"), taint["key"]
    return (effect == "NoSchedule" and key in _MANAGED) or (
        effect == "NoExecute" and key in {NOT_READY, UNREACHABLE}
    )
