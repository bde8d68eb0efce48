"""The loop around `leaves_at`."""

from __future__ import annotations

from datetime import UTC, datetime

from kubelab.client import NODES, PODS, Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers.batches import together
from kubelab.engine.controllers.conditions import with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.pods import BY_NODE, by_node, is_deleting, node_of
from kubelab.engine.controllers.tainteviction.decision import executed, leaves_at, not_before
from kubelab.errors import NotFoundError
from kubelab.informer import Key, key_of
from kubelab.scheduling.selectors import Taint

_CONDITION = {
    "type": "DisruptionTarget",
    "status": "True",
    "reason": "DeletionByTaintManager",
    "message": "Taint manager: deleting due to NoExecute taint",
}


class TaintEvictionController(Controller):
    """Deletes pods whose time on a tainted node is over. Its keys are nodes."""

    name = "taint-eviction-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._since: dict[str, dict[Taint, datetime]] = {}
        self._going: dict[str, set[Key]] = {}
        self._not_before = datetime.min.replace(tzinfo=UTC)
        self.nodes = self.views.of(NODES)
        self.nodes.subscribe(self._node_changed)
        self.pods = self.views.of(PODS)
        self.pods.index(BY_NODE, by_node)
        self.pods.subscribe(self._pod_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:  # noqa: ARG002 - nodes have none
        """Delete the pods of one node whose time is over; return when the next one's is."""
        now = self.clock.now()
        taints = self._taints(name, now)
        due = [(pod, at) for pod in self._pods(name) if (at := leaves_at(pod, taints)) is not None]
        for _, at in due:
            self._not_before = not_before(at, self._not_before, now)
        leaving = [(pod, max(at, self._not_before) if at <= now else at) for pod, at in due]
        self._tell_who_stays(name, {key_of(pod) for pod, _ in due})
        self._going[name] = {key_of(pod) for pod, at in leaving if at > now}
        await together(self._evict(pod) for pod, at in leaving if at <= now)
        waits = [(at - now).total_seconds() for _, at in leaving if at > now]
        return min(waits, default=None)

    def _taints(self, name: str, now: datetime) -> dict[Taint, datetime]:
        """Return a node's taints, each since it was added or first seen."""
        node = self.nodes.get("", name)
        found = executed(node) if node is not None else {}
        known = self._since.pop(name, {})
        since = {
            taint: parse_rfc3339(added) if added else known.get(taint, now) for taint, added in found.items()
        }
        if since:
            self._since[name] = since
        return since

    def _pods(self, name: str) -> list[Object]:
        return [pod for pod in self.pods.by_index(BY_NODE, name) if not is_deleting(pod)]

    async def _evict(self, pod: Object) -> None:
        meta, now = pod["metadata"], rfc3339(self.clock.now())
        said = f"Marking for deletion Pod {meta['namespace']}/{meta['name']}"
        conditions = with_condition((pod.get("status") or {}).get("conditions"), _CONDITION, now)
        patch = {"metadata": {"uid": meta["uid"]}, "status": {"conditions": conditions}}
        self.note(pod, Note("Normal", "TaintManagerEviction", said))
        try:
            await self.patch(PODS, pod, patch, subresource="status")
        except NotFoundError:
            return
        await self.delete(PODS, pod)

    def _tell_who_stays(self, name: str, due: set[Key]) -> None:
        """Note of pods that were to go that they need not."""
        spared = self._going.pop(name, set()) - due
        for pod in self._pods(name) if spared else ():
            if key_of(pod) in spared:
                said = f"Cancelling deletion of Pod {pod['metadata']['namespace']}/{pod['metadata']['name']}"
                self.note(pod, Note("Normal", "TaintManagerEviction", said))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        name = either(old, new)["metadata"]["name"]
        if name in self._since or (new is not None and executed(new)):
            self.queue.add(("", name))

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        if new is None or node_of(new) not in self._since:
            return
        if old is None or node_of(old) != node_of(new) or _tolerations(old) != _tolerations(new):
            self.queue.add(("", node_of(new)))


def _tolerations(pod: Object) -> object:
    return pod["spec"].get("tolerations")
