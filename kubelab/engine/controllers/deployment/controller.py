"""The Deployment controller: takes the steps that `decide` says, until there is none left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kubelab.client import DEPLOYMENTS, PODS, REPLICA_SETS, Object
from kubelab.engine.controllers.batches import namespace_ends
from kubelab.engine.controllers.claims import OWNER_OR_ORPHAN, owner_or_orphan
from kubelab.engine.controllers.controller import Surroundings, either
from kubelab.engine.controllers.deployment.decision import DeploymentDecision, decide
from kubelab.engine.controllers.deployment.progress import has_deadline, with_deployment_condition
from kubelab.engine.controllers.deployment.replica_sets import (
    REVISION,
    annotations_of,
    replicas_of,
    size_annotations,
    split,
)
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.owners import controller_of, is_controlled_by
from kubelab.engine.controllers.owning import OwningController
from kubelab.engine.controllers.pods import phase_of
from kubelab.errors import AlreadyExistsError, ApiError

_MOST_PASSES = 20


class DeploymentController(OwningController):
    """Runs Deployments (apps/v1)."""

    name = "deployment-controller"
    kind = DEPLOYMENTS

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.replica_sets = self.follow_claimed(REPLICA_SETS)
        self.pods = self.views.of(PODS)
        self.pods.index(OWNER_OR_ORPHAN, owner_or_orphan)
        self.pods.subscribe(self._pod_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Take steps of one Deployment until it has to wait for its pods."""
        for _ in range(_MOST_PASSES):
            deployment = self.owners.get(namespace, name)
            if deployment is None:
                return None
            replica_sets = await self.claimed(deployment, self.replica_sets)
            old_pods_run = self._old_pods_run(deployment, replica_sets)
            decision = decide(deployment, replica_sets, self.clock.now(), old_pods_run=old_pods_run)
            if not await self._act(deployment, replica_sets, decision):
                return decision.again_after_s
        self.queue.add((namespace, name))
        return None

    async def _act(
        self, deployment: Object, replica_sets: Sequence[Object], decision: DeploymentDecision
    ) -> bool:
        """Do what was decided; say whether to decide again."""
        for replica_set, patch in decision.renew:
            await self.patch(REPLICA_SETS, replica_set, patch)
        for replica_set in replica_sets:
            size = decision.resize.get(replica_set["metadata"]["name"])
            if size is not None:
                await self._resize(deployment, replica_set, size)
        for replica_set in decision.delete:
            await self.delete(REPLICA_SETS, replica_set)
        if decision.renew or decision.resize or decision.delete:
            return True
        if decision.create is not None and not await self._create(deployment, decision.create):
            return True
        return await self._record(deployment, decision)

    async def _resize(self, deployment: Object, replica_set: Object, size: int) -> None:
        before, name = replicas_of(replica_set), replica_set["metadata"]["name"]
        change: Object = {
            "metadata": {
                "annotations": size_annotations(deployment),
                "resourceVersion": replica_set["metadata"]["resourceVersion"],
            }
        }
        if size != before:
            change["spec"] = {"replicas": size}
        await self.patch(REPLICA_SETS, replica_set, change)
        if size != before:
            self._note_scaling(deployment, name, before, size)

    async def _create(self, deployment: Object, replica_set: Object) -> bool:
        """Create the new ReplicaSet; say whether its creation is to be recorded."""
        try:
            created = await self.create(REPLICA_SETS, replica_set)
        except AlreadyExistsError:
            await self._rename(deployment, replica_set)
            return False
        except ApiError as error:
            if not namespace_ends(error):
                await self._note_failure(deployment, replica_set["metadata"]["name"], error)
            raise
        if replicas_of(created):
            self._note_scaling(deployment, created["metadata"]["name"], 0, replicas_of(created))
        return True

    async def _rename(self, deployment: Object, replica_set: Object) -> None:
        """Count up what goes into the hash: somebody else's ReplicaSet has the name."""
        meta = replica_set["metadata"]
        existing = await self.client.get(REPLICA_SETS, meta["name"], meta["namespace"])
        self.replica_sets.wrote(existing)
        if is_controlled_by(existing, deployment) and split(deployment, [existing])[0]:
            return
        status = deployment.get("status") or {}
        collided = {**status, "collisionCount": int(status.get("collisionCount") or 0) + 1}
        await self.update_status(DEPLOYMENTS, deployment, collided)

    async def _note_failure(self, deployment: Object, name: str, error: ApiError) -> None:
        message = f'Failed to create new replica set "{name}": {error.message}'
        self.note(deployment, Note("Warning", "ReplicaSetCreateError", message))
        if has_deadline(deployment):
            status = deployment.get("status") or {}
            condition = ("Progressing", "False", "ReplicaSetCreateError", message)
            held = status.get("conditions") or []
            conditions = with_deployment_condition(held, condition, self.clock.now())
            if conditions != held:
                await self.update_status(DEPLOYMENTS, deployment, {**status, "conditions": conditions})

    async def _record(self, deployment: Object, decision: DeploymentDecision) -> bool:
        annotations: dict[str, Any] = annotations_of(deployment)
        revision = decision.revision or annotations.get(REVISION, "")
        if revision == annotations.get(REVISION, "") and decision.status == (deployment.get("status") or {}):
            return False
        if revision:
            annotations = {**annotations, REVISION: revision}
        meta = {**deployment["metadata"], "annotations": annotations}
        await self.update_status(DEPLOYMENTS, {**deployment, "metadata": meta}, decision.status)
        return True

    def _note_scaling(self, deployment: Object, name: str, before: int, size: int) -> None:
        way = "up" if size > before else "down"
        message = f"Scaled {way} replica set {name} from {before} to {size}"
        self.note(deployment, Note("Normal", "ScalingReplicaSet", message))

    def _old_pods_run(self, deployment: Object, replica_sets: Sequence[Object]) -> bool:
        if deployment["spec"]["strategy"]["type"] != "Recreate":
            return False
        _, old = split(deployment, replica_sets)
        pods = [pod for each in old for pod in self.pods.by_index(OWNER_OR_ORPHAN, each["metadata"]["uid"])]
        return any(phase_of(pod) not in ("Succeeded", "Failed") for pod in pods)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        """Look again at a Deployment that recreates its pods when one of them has ended."""
        if new is not None and phase_of(new) not in ("Succeeded", "Failed"):
            return
        pod = either(old, new)
        reference = controller_of(pod)
        if reference is None or reference["kind"] != REPLICA_SETS.kind:
            return
        namespace = pod["metadata"]["namespace"]
        replica_set = self.replica_sets.get(namespace, reference["name"])
        owner = controller_of(replica_set) if replica_set else None
        if owner is not None:
            self.queue.add((namespace, owner["name"]))
