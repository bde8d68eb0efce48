"""Pods whose node is gone: nobody runs them, and nobody else would say so."""

from __future__ import annotations

from datetime import datetime, timedelta

from kubelab.client import NODES, PODS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.conditions import with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.pods import BY_NODE, by_node
from kubelab.errors import NotFoundError

# pkg/controller/podgc: a node that is missing may only be being registered again.
QUARANTINE = timedelta(seconds=40)


def lost_status(pod: Object, now: datetime) -> Object:
    """Return the status of a pod whose node is gone: failed, unless it had ended before."""
    status = pod.get("status") or {}
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists",
    }
    if status.get("phase") in {"Succeeded", "Failed"}:
        return {}
    return {
        "phase": "Failed",
        "conditions": with_condition(status.get("conditions"), condition, rfc3339(now)),
    }


class LostPodsController(Controller):
    """Fails and deletes pods that are bound to a node which does not exist. Its keys are nodes."""

    name = "pod-garbage-collector"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._missing_since: dict[str, datetime] = {}
        self.nodes = self.follow(NODES)
        self.pods = self.views.of(PODS)
        self.pods.index(BY_NODE, by_node)
        self.pods.subscribe(self._pod_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:  # noqa: ARG002 - nodes have none
        """Look after the pods of one node."""
        pods = self.pods.by_index(BY_NODE, name)
        if not pods or self.nodes.get("", name) is not None:
            self._missing_since.pop(name, None)
            return None
        now = self.clock.now()
        left = self._missing_since.setdefault(name, now) + QUARANTINE - now
        if left > timedelta():
            return left.total_seconds()
        for pod in pods:
            await self._end(pod, now)
        return None

    async def _end(self, pod: Object, now: datetime) -> None:
        meta = pod["metadata"]
        status = lost_status(pod, now)
        try:
            if status:
                await self.patch(PODS, pod, {"status": status}, subresource="status")
            await self.client.delete(
                PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=meta["uid"]
            )
        except NotFoundError:
            return

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        for node in by_node(either(old, new)):
            if self.nodes.get("", node) is None:
                self.queue.add(("", node))
