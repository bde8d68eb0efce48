"""The StatefulSet controller: pods with stable names and claims, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.client import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS, Object
from kubelab.engine.controllers.batches import BURST, namespace_ends, together
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.pods import is_deleting, labels_of, phase_of
from kubelab.engine.controllers.revising import RevisingController
from kubelab.engine.controllers.statefulset.decision import StatefulSetDecision, decide, situation_of
from kubelab.engine.controllers.statefulset.identity import (
    claims_of,
    identity_labels,
    is_stale,
    ordinal_of,
    ordinals,
    owners_wanted,
    revision_of,
)
from kubelab.errors import AlreadyExistsError, ApiError

_MOST_PASSES = 20
_CLAIM_WAIT_S = 1.0


class StatefulSetController(RevisingController):
    """Runs StatefulSets (apps/v1)."""

    name = "statefulset-controller"
    kind = STATEFUL_SETS
    hash_label = "controller.kubernetes.io/hash"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.pods = self.follow_claimed(PODS)
        self.claims = self.views.of(PERSISTENT_VOLUME_CLAIMS)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Take steps of one StatefulSet until it has to wait for its pods."""
        for _ in range(_MOST_PASSES):
            stateful_set = self.owners.get(namespace, name)
            if stateful_set is None:
                return None
            recorded = await self.recorded(stateful_set)
            if recorded is None:
                continue
            update, history = recorded
            claimed = await self.claimed(stateful_set, self.pods)
            pods = [pod for pod in claimed if ordinal_of(stateful_set, pod) is not None]
            await self._keep_identity(stateful_set, pods)
            held = self._held(stateful_set)
            revisions = [*history.old, update]
            now = self.clock.now()
            situation = situation_of(stateful_set, pods, revisions, update, now, held=held)
            decision = decide(situation)
            if await self._act(stateful_set, decision):
                continue
            live = [situation.current["metadata"]["name"], *map(revision_of, pods)]
            await self.forget(stateful_set, history, live)
            waits = [_CLAIM_WAIT_S] if held else []
            return min((*waits, *_given(decision.again_after_s)), default=None)
        self.queue.add((namespace, name))
        return None

    async def _act(self, stateful_set: Object, decision: StatefulSetDecision) -> bool:
        """Do what was decided; say whether to decide again."""
        failure = None
        try:
            await together(self._create_with_claims(stateful_set, pod) for pod in decision.create[:BURST])
            await together(self._delete(stateful_set, pod) for pod in decision.delete[:BURST])
        except ApiError as error:
            failure = None if namespace_ends(error) else error
        else:
            if decision.create or decision.delete:
                return True
        changed = decision.status != (stateful_set.get("status") or {})
        if changed:
            await self.update_status(STATEFUL_SETS, stateful_set, decision.status)
        if failure is not None:
            raise failure
        return changed

    async def _keep_identity(self, stateful_set: Object, pods: Sequence[Object]) -> None:
        """Mend labels, missing claims of waiting pods, and who owns the claims."""
        if is_deleting(stateful_set):
            return
        for pod in pods:
            ordinal = ordinal_of(stateful_set, pod) or 0
            wanted = identity_labels(stateful_set, ordinal)
            if not wanted.items() <= labels_of(pod).items():
                await self.patch(PODS, pod, {"metadata": {"labels": wanted}})
            if phase_of(pod) == "Pending" and ordinal in ordinals(stateful_set) and not is_deleting(pod):
                await self._create_claims(stateful_set, pod, ordinal)
            for claim in claims_of(stateful_set, ordinal).values():
                existing = self.claims.get(claim["metadata"]["namespace"], claim["metadata"]["name"])
                references = owners_wanted(stateful_set, pod, existing) if existing else None
                if existing is not None and references is not None:
                    change = {"ownerReferences": references or None}
                    await self.patch(PERSISTENT_VOLUME_CLAIMS, existing, {"metadata": change})

    def _held(self, stateful_set: Object) -> frozenset[int]:
        """Return the ordinals whose claims are about to go."""
        held = set()
        for ordinal in ordinals(stateful_set) if stateful_set["spec"].get("volumeClaimTemplates") else ():
            name = f"{stateful_set['metadata']['name']}-{ordinal}"
            if self.pods.get(stateful_set["metadata"]["namespace"], name) is not None:
                continue
            for claim in claims_of(stateful_set, ordinal).values():
                existing = self.claims.get(claim["metadata"]["namespace"], claim["metadata"]["name"])
                if existing is not None and (is_deleting(existing) or is_stale(name, existing)):
                    held.add(ordinal)
        return frozenset(held)

    async def _create_with_claims(self, stateful_set: Object, pod: Object) -> None:
        what = f"Pod {pod['metadata']['name']} in StatefulSet {stateful_set['metadata']['name']}"
        try:
            await self._create_claims(stateful_set, pod, ordinal_of(stateful_set, pod) or 0)
            await self.create(PODS, pod)
        except ApiError as error:
            if not namespace_ends(error):
                message = f"Create {what} failed error: {error.message}"
                self.note(stateful_set, Note("Warning", "FailedCreate", message))
            raise
        self.note(stateful_set, Note("Normal", "SuccessfulCreate", f"Create {what} successful"))

    async def _create_claims(self, stateful_set: Object, pod: Object, ordinal: int) -> None:
        for claim in claims_of(stateful_set, ordinal).values():
            name = claim["metadata"]["name"]
            if self.claims.get(claim["metadata"]["namespace"], name) is not None:
                continue
            try:
                await self.create(PERSISTENT_VOLUME_CLAIMS, claim)
            except AlreadyExistsError:
                continue
            set_name = stateful_set["metadata"]["name"]
            message = f"Create Claim {name} Pod {pod['metadata']['name']} in StatefulSet {set_name} success"
            self.note(stateful_set, Note("Normal", "SuccessfulCreate", message))

    async def _delete(self, stateful_set: Object, pod: Object) -> None:
        await self.delete(PODS, pod)
        what = f"Pod {pod['metadata']['name']} in StatefulSet {stateful_set['metadata']['name']}"
        self.note(stateful_set, Note("Normal", "SuccessfulDelete", f"Delete {what} successful"))


def _given(*waits: float | None) -> list[float]:
    return [wait for wait in waits if wait is not None]
