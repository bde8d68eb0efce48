"""The loop around `decide`: makes, tells and deletes nodes as the provider would."""

from __future__ import annotations

from functools import cache

from kubelab.autoscaling.catalogue import Catalogue
from kubelab.autoscaling.node_group import NODE_GROUP, NodeGroup, node_of
from kubelab.client import NODE_GROUPS, NODES, PODS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.batches import together
from kubelab.engine.controllers.conditions import accepted, with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.nodegroup.decision import Decision, decide
from kubelab.engine.controllers.nodegroup.interruptions import INTERRUPTED, NOTICE
from kubelab.engine.controllers.pods import BY_NODE, by_node
from kubelab.errors import AlreadyExistsError, KubelabError

BY_GROUP = "node group"
"""The name of the index that `group_names` gives the values of."""


@cache
def catalogue() -> Catalogue:
    """Return the instance types, read once."""
    return Catalogue.load()


class NodeGroupController(Controller):
    """Stands in for the cloud behind node groups."""

    name = "node-group-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.groups = self.follow(NODE_GROUPS)
        self.nodes = self.views.of(NODES)
        self.nodes.index(BY_GROUP, group_names)
        self.nodes.subscribe(self._node_changed)
        self.pods = self.views.of(PODS)
        self.pods.index(BY_NODE, by_node)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one group on."""
        found = self.groups.get(namespace, name)
        nodes = self.nodes.by_index(BY_GROUP, name)
        if found is None:
            await together(self.delete(NODES, node) for node in nodes)
            return None
        now, old = self.clock.now(), found.get("status") or {}
        try:
            group = NodeGroup.of(found, catalogue())
        except KubelabError as error:
            await self._write(found, self._accepted(old, str(error)))
            return None
        decision = decide(group, old, nodes, lambda node: bool(self.pods.by_index(BY_NODE, node)), now)
        await self._carry_out(found, group, decision)
        await self._write(found, {**decision.status, **self._accepted(decision.status, "")})
        return decision.again_s

    async def _carry_out(self, found: Object, group: NodeGroup, decision: Decision) -> None:
        until = int((self.clock.now() + NOTICE).timestamp())
        await together(self._make(node_of(group, name)) for name in decision.create)
        await together(self._tell(node, until) for node in decision.notify)
        for node in decision.take:
            said = f"spot node {node['metadata']['name']} was taken back by the provider"
            self.note(found, Note("Warning", "SpotInterruption", said))
        await together(self.delete(NODES, node) for node in (*decision.delete, *decision.take))
        if decision.refused:
            self.note(found, Note("Warning", "OutOfCapacity", decision.refused))

    async def _make(self, node: Object) -> None:
        try:
            await self.create(NODES, node)
        except AlreadyExistsError:
            return

    async def _tell(self, node: Object, until: int) -> None:
        """Taint a node that will be taken back; no new pod goes there."""
        taint = {"key": INTERRUPTED, "value": str(until), "effect": "NoSchedule"}
        taints = [*(node["spec"].get("taints") or ()), taint]
        await self.patch(NODES, node, {"spec": {"taints": taints}})
        said = f"the provider takes this spot node back in {NOTICE.total_seconds():.0f} s"
        self.note(node, Note("Warning", "SpotInterruptionNotice", said))

    async def _write(self, found: Object, status: Object) -> None:
        if status != (found.get("status") or {}):
            await self.update_status(NODE_GROUPS, found, status)

    def _accepted(self, status: Object, problem: str) -> Object:
        now = rfc3339(self.clock.now())
        return {**status, "conditions": with_condition(status.get("conditions"), accepted(problem), now)}

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        for name in {*group_names(old), *group_names(new)}:
            self.queue.add(("", name))


def group_names(node: Object | None) -> tuple[str, ...]:
    """Return the name of a node's group, as the values of an index."""
    name = ((node or {}).get("metadata", {}).get("labels") or {}).get(NODE_GROUP)
    return (name,) if name else ()
