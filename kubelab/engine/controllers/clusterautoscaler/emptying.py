"""Takes a node away: taint, evictions that disruption budgets may delay, and a smaller target.

What is under way is on the Node itself, its taint and annotation, so a restarted controller goes on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kubelab.autoscaling.drain import must_move
from kubelab.autoscaling.node_group import LEAVES_FIRST
from kubelab.autoscaling.scale_down import CANDIDATE, TO_BE_DELETED
from kubelab.client import NODE_GROUPS, NODES, PODS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.clusterautoscaler.world import World, group_of
from kubelab.engine.controllers.controller import Controller
from kubelab.errors import ApiError, NotFoundError

AFTER_TAINT = timedelta(seconds=5)
"""``--node-delete-delay-after-taint``."""

EVICTION_RETRY = timedelta(minutes=2)
"""``--max-pod-eviction-time``."""

TERMINATION = timedelta(seconds=600)
"""``--max-graceful-termination-sec``."""


class Emptying:
    """Brings nodes that are to go on, one step at a time."""

    def __init__(self, controller: Controller, world: World) -> None:
        self.controller = controller
        self.world = world
        self.evicted = 0

    async def begin(self, node: Object, now: datetime) -> None:
        """Keep new pods off a node, from now on."""
        taints = [each for each in node["spec"].get("taints") or () if each["key"] != CANDIDATE]
        taint = {"key": TO_BE_DELETED, "value": str(int(now.timestamp())), "effect": "NoSchedule"}
        await self.controller.patch(NODES, node, {"spec": {"taints": [*taints, taint]}})

    async def go_on(self, node: Object, now: datetime) -> str:
        """Evict what is left, or let the group shrink.

        Returns
        -------
        str
            Why the node could not be emptied in time; "" while it goes well.
        """
        passed = now - began(node)
        if passed < AFTER_TAINT or LEAVES_FIRST in (node["metadata"].get("annotations") or {}):
            return ""
        name = node["metadata"]["name"]
        left = must_move(self.world.pods_on(name), now)
        going = [pod for pod in left if "deletionTimestamp" in pod["metadata"]]
        waiting = [pod for pod in left if "deletionTimestamp" not in pod["metadata"]]
        refused = ""
        for pod in waiting:
            refused = await self._evict(pod) or refused
        if refused and passed > EVICTION_RETRY:
            return refused
        if going and passed > TERMINATION:
            return f"{len(going)} pods did not end within {TERMINATION.total_seconds():.0f} s"
        if not left:
            await self._leave(node, now)
        return ""

    async def give_up(self, node: Object) -> None:
        """Let pods onto a node again."""
        taints = [each for each in node["spec"].get("taints") or () if each["key"] != TO_BE_DELETED]
        await self.controller.patch(NODES, node, {"spec": {"taints": taints or None}})

    async def _evict(self, pod: Object) -> str:
        meta = pod["metadata"]
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        }
        try:
            await self.controller.client.create(
                PODS, body, meta["namespace"], subresource_of=meta["name"], subresource="eviction"
            )
        except NotFoundError:
            return ""
        except ApiError as error:
            return f"pod {meta['namespace']}/{meta['name']} could not be evicted: {error.message}"
        self.evicted += 1
        return ""

    async def _leave(self, node: Object, now: datetime) -> None:
        group = self.world.group_object(group_of(node))
        if group is None:
            return
        await self.controller.patch(NODES, node, {"metadata": {"annotations": {LEAVES_FIRST: rfc3339(now)}}})
        replicas = max(int(group["spec"].get("replicas") or 0) - 1, 0)
        await self.controller.patch(NODE_GROUPS, group, {"spec": {"replicas": replicas}})


def began(node: Object) -> datetime:
    """Return when a node was tainted to go."""
    value = next(each.get("value") for each in node["spec"]["taints"] if each["key"] == TO_BE_DELETED)
    return datetime.fromtimestamp(int(value or 0), UTC)
