"""What a StatefulSet does next: which pods to create and delete, in which order, and its status.

Upstream: ``pkg/controller/statefulset/stateful_set_control.go`` of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.engine.controllers.counts import scaled, shown
from kubelab.engine.controllers.pods import is_available, is_deleting, is_ready, next_available_s, phase_of
from kubelab.engine.controllers.revisions import template_of
from kubelab.engine.controllers.statefulset.identity import build_pod, ordinal_of, ordinals, revision_of


@dataclass(frozen=True, slots=True)
class StatefulSetDecision:
    """Pods to create, with their claims, and to delete; the status if there are none."""

    create: tuple[Object, ...]
    delete: tuple[Object, ...]
    status: Object
    again_after_s: float | None


@dataclass(frozen=True, slots=True)
class Situation:
    """A StatefulSet, its pods by ordinal, and the revisions that it goes from and to.

    Attributes
    ----------
    current, update : Object
        ControllerRevisions: of the template before, and of the one that is wanted.
    held : frozenset of int
        Ordinals whose pod cannot be created yet, because a claim of the last one has still to go.
    """

    stateful_set: Object
    pods: Mapping[int, Object]
    current: Object
    update: Object
    now: datetime
    held: frozenset[int] = frozenset()

    @property
    def ordered(self) -> bool:
        """Whether each pod waits for those before it."""
        policy = str(self.stateful_set["spec"].get("podManagementPolicy"))
        return policy != "Parallel"

    @property
    def min_ready_s(self) -> int:
        """How long a pod must be ready to be available."""
        return int(self.stateful_set["spec"].get("minReadySeconds") or 0)

    @property
    def wanted(self) -> range:
        """The ordinals that the set wants."""
        return ordinals(self.stateful_set)

    @property
    def condemned(self) -> list[int]:
        """The ordinals that are too many, the highest first."""
        return sorted((each for each in self.pods if each not in self.wanted), reverse=True)

    def available(self, ordinal: int) -> bool:
        """Say whether the pod of an ordinal is there, available and stays."""
        pod = self.pods.get(ordinal)
        return pod is not None and not is_deleting(pod) and is_available(pod, self.min_ready_s, self.now)

    def updated(self, ordinal: int) -> bool:
        """Say whether the pod of an ordinal is of the wanted template."""
        return revision_of(self.pods[ordinal]) == str(self.update["metadata"]["name"])


def situation_of(
    stateful_set: Object,
    pods: Iterable[Object],
    revisions: Sequence[Object],
    update: Object,
    now: datetime,
    *,
    held: frozenset[int] = frozenset(),
) -> Situation:
    """Return how things are: pods by ordinal, and the revision that the status calls current."""
    by_ordinal = {ordinal: pod for pod in pods if (ordinal := ordinal_of(stateful_set, pod)) is not None}
    named = (stateful_set.get("status") or {}).get("currentRevision")
    current = next((each for each in revisions if each["metadata"]["name"] == named), update)
    return Situation(stateful_set, by_ordinal, current, update, now, held)


def decide(situation: Situation) -> StatefulSetDecision:
    """Return the next step."""
    create, delete = ([], []) if is_deleting(situation.stateful_set) else _changes(situation)
    again_after_s = next_available_s(situation.pods.values(), situation.min_ready_s, situation.now)
    made = tuple(_pod(situation, ordinal) for ordinal in create)
    gone = tuple(situation.pods[ordinal] for ordinal in delete)
    return StatefulSetDecision(made, gone, _status(situation), again_after_s)


def _changes(situation: Situation) -> tuple[list[int], list[int]]:
    create, delete, waits = _filled(situation)
    if waits:
        return create, delete
    condemned = _condemned(situation)
    if condemned is None or create or delete or condemned:
        return create, [*delete, *(condemned or ())]
    if situation.stateful_set["spec"]["updateStrategy"]["type"] == "OnDelete":
        return [], []
    return [], _outdated(situation)


def _filled(situation: Situation) -> tuple[list[int], list[int], bool]:
    """Return what to create, the ended pods to delete, and whether the rest waits for these."""
    create: list[int] = []
    delete: list[int] = []
    for ordinal in situation.wanted:
        pod = situation.pods.get(ordinal)
        if pod is None:
            create += [] if ordinal in situation.held else [ordinal]
        elif phase_of(pod) in ("Succeeded", "Failed"):
            delete += [] if is_deleting(pod) else [ordinal]
        elif situation.available(ordinal):
            continue
        if situation.ordered:
            return create, delete, True
    return create, delete, False


def _condemned(situation: Situation) -> list[int] | None:
    """Return the surplus pods to delete now; None if the first of them has to be waited for."""
    condemned = situation.condemned
    if not situation.ordered:
        return [each for each in condemned if not is_deleting(situation.pods[each])]
    if not condemned:
        return []
    highest = condemned[0]
    unavailable = [each for each in (*situation.wanted, *sorted(condemned)) if not situation.available(each)]
    if is_deleting(situation.pods[highest]) or (highest in unavailable and highest != unavailable[0]):
        return None
    return [highest]


def _outdated(situation: Situation) -> list[int]:
    """Return the pods of an old template to delete, from the highest ordinal down to the partition."""
    rolling = situation.stateful_set["spec"]["updateStrategy"].get("rollingUpdate") or {}
    limit = max(1, scaled(rolling.get("maxUnavailable", 1), len(situation.wanted), round_up=False))
    budget = limit - sum(not situation.available(each) for each in situation.wanted)
    old = [
        each
        for each in reversed(situation.wanted[int(rolling.get("partition") or 0) :])
        if each in situation.pods and not situation.updated(each) and not is_deleting(situation.pods[each])
    ]
    if situation.ordered:
        return old[: max(0, budget)]
    broken = [each for each in old if not situation.available(each)]
    whole = [each for each in old if situation.available(each)]
    return [*broken, *whole[: max(0, budget)]]


def _pod(situation: Situation, ordinal: int) -> Object:
    stateful_set = situation.stateful_set
    strategy, index = stateful_set["spec"]["updateStrategy"], ordinal - situation.wanted.start
    rolling = strategy.get("rollingUpdate")
    if rolling is not None:
        old = index < int(rolling.get("partition") or 0)
    else:
        old_replicas = int((stateful_set.get("status") or {}).get("currentReplicas") or 0)
        old = strategy["type"] == "RollingUpdate" and index < old_replicas
    revision = situation.current if old else situation.update
    return build_pod(stateful_set, template_of(revision), revision["metadata"]["name"], ordinal)


def _status(situation: Situation) -> Object:
    stateful_set, pods = situation.stateful_set, list(situation.pods.values())
    before = stateful_set.get("status") or {}
    current, update = (each["metadata"]["name"] for each in (situation.current, situation.update))
    of_revision = [revision_of(pod) for pod in pods if not is_deleting(pod)]
    ready = [pod for pod in pods if phase_of(pod) == "Running" and is_ready(pod)]
    updated, now_current = of_revision.count(update), of_revision.count(current)
    if updated == len(pods) == len(ready) == len(situation.wanted):
        current, now_current = update, updated
    return {
        "replicas": len(pods),
        "availableReplicas": sum(is_available(pod, situation.min_ready_s, situation.now) for pod in ready),
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": int(before.get("collisionCount") or 0),
        **shown(
            observedGeneration=stateful_set["metadata"].get("generation"),
            readyReplicas=len(ready),
            currentReplicas=now_current,
            updatedReplicas=updated,
        ),
        **({"conditions": before["conditions"]} if before.get("conditions") else {}),
    }
