"""Which pods are given what is recommended for them, how, and in which order. Pure decisions.

After upstream's ``pkg/updater`` of VPA 1.7 (restriction, logic). What upstream remembers of resizes is read
from the pods' conditions here, so that a restart forgets nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.rightsizing.application import Recommended, amounts_of, update_mode
from kubelab.rightsizing.priority import Due, Priority, is_required, priority, reason_to_update
from kubelab.scheduling.resizing import DEFERRED, IN_PROGRESS, INFEASIBLE, PENDING

Verb = Literal["resize", "evict"]

_IN_PLACE = ("InPlaceOrRecreate", "InPlace")
_UPDATING = (*_IN_PLACE, "Recreate", "Auto")


@dataclass(frozen=True, slots=True)
class Rules:
    """What upstream has as flags of its updater.

    Attributes
    ----------
    min_replicas : int
        Smaller groups are left alone; an autoscaler's own ``minReplicas`` comes first.
    tolerance : float
        Which part of a group may be away at once.
    deferred_s, in_progress_s : float
        After how long a resize that does not come about is followed by an eviction.
    """

    min_replicas: int = 2
    tolerance: float = 0.5
    deferred_s: float = 300.0
    in_progress_s: float = 3600.0
    due: Due = field(default_factory=Due)


@dataclass(slots=True)
class Group:
    """The pods of one controller, and how many of them are away.

    Attributes
    ----------
    configured : int
        How many its controller wants.
    running : int
        How many are not pending.
    tolerance : int
        How many may be away at once.
    disturbed : int
        How many were evicted or resized in this round.
    """

    configured: int
    running: int
    tolerance: int
    disturbed: int = 0

    @property
    def disruptable(self) -> bool:
        """Whether one more pod may be away (upstream: ``isPodDisruptable``)."""
        if self.running - self.disturbed > self.configured - self.tolerance:
            return True
        return self.configured == self.running and self.tolerance == 0 and self.disturbed == 0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod that is to be updated, and why."""

    pod: Object
    recommended: Mapping[str, Recommended]
    priority: Priority
    why: str


@dataclass(slots=True)
class Round:
    """One look at the pods of an autoscaler: ask `verb` of each candidate in turn, and tell `done`.

    Attributes
    ----------
    candidates : tuple of Candidate
        The most urgent first.
    """

    autoscaler: Object
    candidates: tuple[Candidate, ...]
    now: datetime
    rules: Rules = field(default_factory=Rules)
    _groups: dict[str, Group] = field(default_factory=dict)

    def verb(self, candidate: Candidate) -> Verb | None:
        """Say what may be done for a pod now, while those before it are away."""
        mode, pod = update_mode(self.autoscaler), candidate.pod
        if mode not in _IN_PLACE:
            return "evict" if self.may_evict(pod) else None
        group = self._groups.get(owner_of(pod))
        if group is None or _is_pending(pod):
            return None
        if is_resizing(pod):
            return self._after(candidate, mode)
        return "resize" if group.disruptable else None

    def may_evict(self, pod: Object) -> bool:
        """Say whether a pod may go while others are away; budgets are the API server's business."""
        group = self._groups.get(owner_of(pod))
        if group is None:
            return False
        if _is_pending(pod):
            return True
        return group.disruptable and (not is_resizing(pod) or self._has_failed(pod))

    def done(self, candidate: Candidate) -> None:
        """Take note that a pod was evicted or resized."""
        group = self._groups.get(owner_of(candidate.pod))
        if group is not None and not _is_pending(candidate.pod):
            group.disturbed += 1

    def _after(self, candidate: Candidate, mode: str) -> Verb | None:
        """Return what follows a resize that has not come about."""
        pod = candidate.pod
        if mode == "InPlace":
            refused = _reason(pod, PENDING) == INFEASIBLE or _reason(pod, IN_PROGRESS) == "Error"
            return "resize" if refused and _is_lower(candidate) else None
        return "evict" if self.may_evict(pod) else None

    def _has_failed(self, pod: Object) -> bool:
        if pending := _condition(pod, PENDING):
            return pending.get("reason") != DEFERRED or self._lasts(pending) > self.rules.deferred_s
        under_way = _condition(pod, IN_PROGRESS)
        return bool(under_way.get("reason")) or self._lasts(under_way) > self.rules.in_progress_s

    def _lasts(self, condition: Object) -> float:
        return (self.now - parse_rfc3339(condition["lastTransitionTime"])).total_seconds()


def look(
    autoscaler: Object,
    pods: Iterable[tuple[Object, Mapping[str, Recommended]]],
    configured: Mapping[str, int],
    now: datetime,
    rules: Rules = Rules(),
) -> Round:
    """Return which pods of an autoscaler are to be updated.

    Parameters
    ----------
    pods : iterable of (dict, mapping)
        Those that live, each with what is recommended for its containers.
    configured : mapping of str to int
        How many pods each controller wants, by its uid; those of one that is not there are left alone.
    """
    listed = list(pods)
    candidates = []
    if update_mode(autoscaler) in _UPDATING:
        for pod, recommended in listed:
            found = priority(pod, recommended)
            why = reason_to_update(pod, found, autoscaler, now, rules.due)
            if why and is_required(pod, recommended, autoscaler):
                candidates.append(Candidate(pod, recommended, found, why))
    candidates.sort(key=lambda each: each.priority.rank)
    groups = _groups(autoscaler, [pod for pod, _ in listed], configured, rules)
    return Round(autoscaler, tuple(candidates), now, rules, groups)


def is_resizing(pod: Object) -> bool:
    """Say whether a resize of the pod has not come about yet."""
    return bool(_condition(pod, PENDING) or _condition(pod, IN_PROGRESS))


def owner_of(pod: Object) -> str:
    """Return the uid of a pod's controller, "" if it has none."""
    owners = pod["metadata"].get("ownerReferences") or ()
    return next((each["uid"] for each in owners if each.get("controller")), "")


def _groups(
    autoscaler: Object, pods: list[Object], configured: Mapping[str, int], rules: Rules
) -> dict[str, Group]:
    policy = autoscaler["spec"].get("updatePolicy") or {}
    required = policy.get("minReplicas") or rules.min_replicas
    members: dict[str, list[Object]] = defaultdict(list)
    for pod in pods:
        members[owner_of(pod)].append(pod)
    return {
        uid: Group(
            configured[uid],
            running=sum(not _is_pending(pod) for pod in found),
            tolerance=int(configured[uid] * rules.tolerance),
        )
        for uid, found in members.items()
        if configured.get(uid) and len(found) >= required
    }


def _is_lower(candidate: Candidate) -> bool:
    """Say whether less is recommended of something than the pod asks for in vain."""
    containers = {each["name"]: each for each in candidate.pod["spec"]["containers"]}
    return any(
        amount < amounts_of((containers[name].get("resources") or {}).get("requests")).get(resource, amount)
        for name, recommended in candidate.recommended.items()
        for resource, amount in recommended.target.items()
    )


def _is_pending(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Pending"


def _reason(pod: Object, kind: str) -> str:
    reason: str = _condition(pod, kind).get("reason") or ""
    return reason


def _condition(pod: Object, kind: str) -> Object:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})
