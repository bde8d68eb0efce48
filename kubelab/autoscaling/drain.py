"""Whether a node can be emptied: what each of its pods says to being moved.

The rules and their order are Cluster Autoscaler's (``simulator/drainability/rules``, 1.36.1); the first that
has an opinion on a pod decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.scheduling.cache import is_finished
from kubelab.scheduling.snapshot import Budget

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"
SAFE_VOLUMES = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"
_MIRROR = "kubernetes.io/config.mirror"
_LONG_TERMINATING_EXTRA = timedelta(seconds=30)
"""Upstream: ``drain.PodLongTerminatingExtraThreshold``."""

Move = Literal["evict", "leave"]


@dataclass(frozen=True, slots=True)
class Blocker:
    """A pod that keeps its node from being emptied.

    Attributes
    ----------
    pod : str
        Namespace and name, with a slash between.
    reason : str
        Upstream's name of the reason, such as ``NotReplicated``.
    why : str
        One sentence.
    """

    pod: str
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class Drain:
    """What emptying a node takes.

    Attributes
    ----------
    evict : tuple of pods
        Those that must find another node.
    blocker : Blocker or None
        The first pod that forbids it.
    """

    evict: tuple[Object, ...] = ()
    blocker: Blocker | None = None


def drain(pods: Sequence[Object], budgets: Sequence[Budget], now: datetime) -> Drain:
    """Say which pods of a node must move, or which one forbids that.

    Parameters
    ----------
    budgets : sequence of Budget
        All PodDisruptionBudgets; what several pods of the node spend of one is counted together.
    """
    evict: list[Object] = []
    spent: dict[int, int] = {}
    for pod in pods:
        verdict = _judge(pod, budgets, now)
        if verdict == "leave":
            continue
        blocker = _blocker(pod, verdict) if isinstance(verdict, tuple) else _overspent(pod, budgets, spent)
        if blocker is not None:
            return Drain((), blocker)
        evict.append(pod)
    return Drain(tuple(evict))


def must_move(pods: Sequence[Object], now: datetime) -> list[Object]:
    """Return the pods that are in the way once it is decided that a node goes, whatever they say to it."""
    return [pod for pod in pods if _judge(pod, (), now) != "leave"]


Verdict = Move | tuple[str, str] | None


def _judge(pod: Object, budgets: Sequence[Budget], now: datetime) -> Verdict:
    for rule in _RULES:
        verdict = rule(pod, now)
        if verdict is not None:
            return verdict
    if _is_system(pod) and not _budgets_of(pod, budgets):
        return "UnmovableKubeSystemPod", "it is in kube-system, and no PodDisruptionBudget covers it"
    return _not_safe(pod) or _local_storage(pod) or "evict"


def _mirror(pod: Object, _now: datetime) -> Verdict:
    return "leave" if _MIRROR in _annotations(pod) else None


def _long_terminating(pod: Object, now: datetime) -> Verdict:
    since = pod["metadata"].get("deletionTimestamp")
    if since is None:
        return None
    return "leave" if now >= parse_rfc3339(since) + _LONG_TERMINATING_EXTRA else None


def _daemon(pod: Object, _now: datetime) -> Verdict:
    return "leave" if _controller_kind(pod) == "DaemonSet" else None


def _declared_safe(pod: Object, _now: datetime) -> Verdict:
    return "evict" if _annotations(pod).get(SAFE_TO_EVICT) == "true" else None


def _ended(pod: Object, _now: datetime) -> Verdict:
    return "leave" if is_finished(pod) else None


def _on_completion(pod: Object, _now: datetime) -> Verdict:
    if _annotations(pod).get(SAFE_TO_EVICT) != "on-completion":
        return None
    return "NotSafeToEvictAnnotation", "it asks to be left alone until it has completed"


def _replicated(pod: Object, _now: datetime) -> Verdict:
    if _controller_kind(pod):
        return None
    return "NotReplicated", "no controller would create it anew"


_RULES: tuple[Callable[[Object, datetime], Verdict], ...] = (
    _mirror,
    _long_terminating,
    _daemon,
    _declared_safe,
    _ended,
    _on_completion,
    _replicated,
)


def _not_safe(pod: Object) -> Verdict:
    if _annotations(pod).get(SAFE_TO_EVICT) != "false":
        return None
    return "NotSafeToEvictAnnotation", f"it is annotated {SAFE_TO_EVICT}: false"


def _local_storage(pod: Object) -> Verdict:
    safe = {name.strip() for name in _annotations(pod).get(SAFE_VOLUMES, "").split(",")}
    for volume in pod["spec"].get("volumes") or ():
        local = "hostPath" in volume or (
            "emptyDir" in volume and (volume["emptyDir"] or {}).get("medium") != "Memory"
        )
        if local and volume["name"] not in safe:
            return "LocalStorageRequested", f"its volume {volume['name']} is on the node"
    return None


def _overspent(pod: Object, budgets: Sequence[Budget], spent: dict[int, int]) -> Blocker | None:
    for at, budget in _budgets_of(pod, budgets):
        spent[at] = spent.get(at, 0) + 1
        if spent[at] > budget.disruptions_allowed:
            allowed = budget.disruptions_allowed
            return _blocker(pod, ("NotEnoughPdb", f"its PodDisruptionBudget lets {allowed} pods go now"))
    return None


def _budgets_of(pod: Object, budgets: Sequence[Budget]) -> list[tuple[int, Budget]]:
    meta = pod["metadata"]
    labels = meta.get("labels") or {}
    return [
        (at, budget)
        for at, budget in enumerate(budgets)
        if budget.namespace == meta["namespace"] and budget.selector.matches(labels)
    ]


def _is_system(pod: Object) -> bool:
    return bool(pod["metadata"]["namespace"] == "kube-system")


def _controller_kind(pod: Object) -> str:
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((str(each["kind"]) for each in owners if each.get("controller")), "")


def _annotations(pod: Object) -> Mapping[str, str]:
    return pod["metadata"].get("annotations") or {}


def _blocker(pod: Object, verdict: tuple[str, str]) -> Blocker:
    meta = pod["metadata"]
    return Blocker(f"{meta['namespace']}/{meta['name']}", *verdict)
