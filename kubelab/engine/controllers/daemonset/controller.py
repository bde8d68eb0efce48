"""The DaemonSet controller: keeps a pod on every node that should have one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from kubelab.client import DAEMON_SETS, NODES, PODS, Object
from kubelab.engine.controllers.batches import BURST, namespace_ends, slow_start, together
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.daemonset.decision import (
    FIRST_WAIT_S,
    LONGEST_WAIT_S,
    DaemonSetDecision,
    decide,
    layout_of,
)
from kubelab.engine.controllers.daemonset.pods import build_pod
from kubelab.engine.controllers.pods import labels_of, phase_of
from kubelab.engine.controllers.revising import RevisingController
from kubelab.engine.controllers.revisions import HASH_LABEL
from kubelab.errors import ApiError
from kubelab.informer import key_of
from kubelab.scheduling.selectors import target_node

_MOST_PASSES = 20


class DaemonSetController(RevisingController):
    """Runs DaemonSets (apps/v1)."""

    name = "daemon-set-controller"
    kind = DAEMON_SETS

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._waits: dict[tuple[str, str], tuple[datetime, float]] = {}
        self.pods = self.follow_claimed(PODS)
        self.nodes = self.views.of(NODES)
        self.nodes.subscribe(self._node_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create and delete pods of one DaemonSet, then write its status."""
        for _ in range(_MOST_PASSES):
            daemon_set = self.owners.get(namespace, name)
            if daemon_set is None or daemon_set["metadata"].get("deletionTimestamp"):
                return None
            recorded = await self.recorded(daemon_set)
            if recorded is None:
                continue
            revision, history = recorded
            digest = revision["metadata"]["labels"][HASH_LABEL]
            pods = await self.claimed(daemon_set, self.pods)
            waiting, again_after_s = self._waiting(daemon_set, pods)
            nodes = list(self.nodes.informer.objects.values())
            decision = decide(layout_of(daemon_set, nodes, pods, digest, self.clock.now()), waiting)
            if await self._act(daemon_set, decision, digest):
                continue
            await self.forget(daemon_set, history, [labels_of(pod).get(HASH_LABEL, "") for pod in pods])
            return min(
                (wait for wait in (again_after_s, decision.again_after_s) if wait is not None), default=None
            )
        self.queue.add((namespace, name))
        return None

    async def _act(self, daemon_set: Object, decision: DaemonSetDecision, digest: str) -> bool:
        """Do what was decided; say whether to decide again."""
        failure = None
        for note in decision.notes:
            self.note(daemon_set, note)
        try:
            await slow_start(
                [partial(self._create, daemon_set, node, digest) for node in decision.create[:BURST]]
            )
            await together(self._delete(daemon_set, pod) for pod in decision.delete[:BURST])
        except ApiError as error:
            failure = None if namespace_ends(error) else error
        else:
            if decision.create or decision.delete:
                return True
        if decision.status != (daemon_set.get("status") or {}):
            await self.update_status(DAEMON_SETS, daemon_set, decision.status)
        if failure is not None:
            raise failure
        return False

    async def _create(self, daemon_set: Object, node: str, digest: str) -> None:
        await self.create_pod(daemon_set, build_pod(daemon_set, node, digest))

    async def _delete(self, daemon_set: Object, pod: Object) -> None:
        if phase_of(pod) == "Failed":
            key = (daemon_set["metadata"]["uid"], target_node(pod))
            _, wait_s = self._waits.get(key, (self.clock.now(), FIRST_WAIT_S / 2))
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)
            self._waits[key] = (self.clock.now() + timedelta(seconds=wait_s), wait_s)
            self._forget_waits()
        await self.delete_pod(daemon_set, pod)

    def _forget_waits(self) -> None:
        """Start over where no pod has failed for long; what is gone is forgotten with it."""
        longest = self.clock.now() - timedelta(seconds=2 * LONGEST_WAIT_S)
        self._waits = {key: wait for key, wait in self._waits.items() if wait[0] > longest}

    def _waiting(self, daemon_set: Object, pods: Sequence[Object]) -> tuple[frozenset[str], float | None]:
        """Return the nodes whose failed pod is not to be replaced yet, and for how long at least."""
        now, uid = self.clock.now(), daemon_set["metadata"]["uid"]
        until = {target_node(pod): self._waits.get((uid, target_node(pod))) for pod in pods}
        left = {node: (wait[0] - now).total_seconds() for node, wait in until.items() if wait is not None}
        waiting = {node: seconds for node, seconds in left.items() if seconds > 0}
        return frozenset(waiting), min(waiting.values(), default=None)

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        if old is not None and new is not None and _seen_of(old) == _seen_of(new):
            return
        for daemon_set in self.owners.informer.objects.values():
            self.queue.add(key_of(daemon_set))


def _seen_of(node: Object) -> tuple[object, ...]:
    spec = node.get("spec") or {}
    return node["metadata"].get("labels"), spec.get("taints"), spec.get("unschedulable")
