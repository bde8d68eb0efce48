"""The ReplicaSet controller: keeps as many pods as each ReplicaSet wants."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from kubelab.client import PODS, REPLICA_SETS, Object
from kubelab.engine.controllers.batches import BURST, namespace_ends, slow_start, together
from kubelab.engine.controllers.claims import OWNER_OR_ORPHAN
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.owners import controller_of, controller_uids
from kubelab.engine.controllers.owning import OwningController
from kubelab.engine.controllers.pods import pod_from_template
from kubelab.engine.controllers.replicaset.decision import ReplicaSetDecision, decide, status_of
from kubelab.errors import ApiError
from kubelab.informer import key_of

_BY_CONTROLLER = "controller's uid"
_MOST_PASSES = 20
_SETTLE_S = 0.02
"""Pods of one ReplicaSet change together, and it looks at all of them each time."""


class ReplicaSetController(OwningController):
    """Runs ReplicaSets (apps/v1)."""

    name = "replicaset-controller"
    kind = REPLICA_SETS

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.owners.index(_BY_CONTROLLER, controller_uids)
        self.pods = self.follow_claimed(PODS, _SETTLE_S)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create and delete pods of one ReplicaSet until it has what it wants, then write its status."""
        for _ in range(_MOST_PASSES):
            replica_set = self.owners.get(namespace, name)
            if replica_set is None:
                return None
            pods = await self.claimed(replica_set, self.pods)
            decision = decide(replica_set, pods, self._related(replica_set, pods), self.clock.now())
            if not await self._act(replica_set, pods, decision):
                return decision.again_after_s
        self.queue.add((namespace, name))
        return None

    def _enqueue_self(self, old: Object | None, new: Object | None) -> None:
        if old and new and old["spec"] == new["spec"] and old.get("status") != new.get("status"):
            self.queue.add_after(key_of(new), _SETTLE_S)  # its own writing, mostly
        else:
            super()._enqueue_self(old, new)

    async def _act(self, replica_set: Object, pods: Sequence[Object], decision: ReplicaSetDecision) -> bool:
        """Do what was decided; say whether to decide again."""
        failure = None
        try:
            await self._change_pods(replica_set, decision)
        except ApiError as error:
            failure = None if namespace_ends(error) else error
        else:
            if decision.create or decision.delete:
                return True
        await self._record(replica_set, pods, str(failure or ""))
        if failure is not None:
            raise failure
        return False

    async def _change_pods(self, replica_set: Object, decision: ReplicaSetDecision) -> None:
        template = replica_set["spec"]["template"]
        create = partial(self._create, replica_set, template)
        await slow_start([create] * min(decision.create, BURST))
        await together(self.delete_pod(replica_set, pod) for pod in decision.delete[:BURST])

    async def _create(self, replica_set: Object, template: Object) -> None:
        await self.create_pod(replica_set, pod_from_template(replica_set, REPLICA_SETS, template))

    async def _record(self, replica_set: Object, pods: Sequence[Object], failure: str) -> None:
        status = status_of(replica_set, pods, failure, self.clock.now())
        if status != (replica_set.get("status") or {}):
            await self.update_status(REPLICA_SETS, replica_set, status)

    def _related(self, replica_set: Object, pods: Sequence[Object]) -> Sequence[Object]:
        reference = controller_of(replica_set)
        if reference is None:
            return pods
        return [
            pod
            for sibling in self.owners.by_index(_BY_CONTROLLER, reference["uid"])
            for pod in self.pods.by_index(OWNER_OR_ORPHAN, sibling["metadata"]["uid"])
        ]
