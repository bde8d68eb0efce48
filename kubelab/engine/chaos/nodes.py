"""Nodes that say they are not ready, and nodes that are drained."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from kubelab.chaos.experiment import Experiment, Target
from kubelab.client import NODES, PODS, Client, Object
from kubelab.engine.chaos.injector import RefusedError, Undone
from kubelab.engine.nodes import ProcessNode
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError

logger = logging.getLogger(__name__)

CORDONED_BY = "chaos.kubelab.dev/cordoned-by"
"""An annotation of a node: the uid of the experiment that cordoned it, and has to take that back."""
_RETRY_S = 1.0


class NodeNotReady:
    """Has a node report that it is not ready, as a kubelet does whose container runtime is down."""

    def __init__(self, node: ProcessNode) -> None:
        self._node = node

    async def inject(self, experiment: Experiment) -> str:
        """Report it."""
        name = node_of(experiment).name
        if name != self._node.name:
            raise RefusedError(
                f"node {name} is simulated: only {self._node.name}, whose pods are processes, can report "
                "that it is not ready. Annotate it simulated.kubelab.dev/silent=true: it falls silent."
            )
        await self._node.report(f"chaos experiment {experiment.name}")
        return f"node {name} reports that it is not ready"

    async def undo(self, experiment: Experiment) -> Undone:
        """Report that it is ready again."""
        if node_of(experiment).name != self._node.name:
            return Undone("nothing to undo")
        await self._node.report("")
        return Undone(f"node {self._node.name} reports that it is ready")


class Drain:
    """Cordons a node and evicts pods from it, as ``kubectl drain`` does: disruption budgets are asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._evictions: dict[str, asyncio.Task[None]] = {}

    async def inject(self, experiment: Experiment) -> str:
        """Cordon the node, and begin to evict."""
        node = node_of(experiment)
        await self._cordon(node, experiment)
        evicting = asyncio.create_task(self._evict_all(experiment.pods), name=f"drain {node.name}")
        self._evictions[experiment.uid] = evicting
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(evicting), _RETRY_S)
        return f"cordoned node {node.name}, evicting {', '.join(pod.name for pod in experiment.pods)}"

    async def undo(self, experiment: Experiment) -> Undone:
        """Let the node take pods again, unless somebody else had cordoned it."""
        evicting = self._evictions.pop(experiment.uid, None)
        if evicting is not None:
            evicting.cancel()
        node = node_of(experiment)
        try:
            found = await self._client.get(NODES, node.name)
        except NotFoundError:
            return Undone(f"node {node.name} is gone")
        if (found["metadata"].get("annotations") or {}).get(CORDONED_BY) != experiment.uid:
            return Undone(f"node {node.name} is left as it was")
        freed: Object = {
            "metadata": {"annotations": {CORDONED_BY: None}},
            "spec": {"unschedulable": None},
        }
        await self._client.patch(NODES, node.name, freed)
        return Undone(f"uncordoned node {node.name}")

    async def _cordon(self, node: Target, experiment: Experiment) -> None:
        found = await self._client.get(NODES, node.name)
        if found["spec"].get("unschedulable"):
            return
        cordoned: Object = {
            "metadata": {"annotations": {CORDONED_BY: experiment.uid}},
            "spec": {"unschedulable": True},
        }
        await self._client.patch(NODES, node.name, cordoned)

    async def _evict_all(self, pods: tuple[Target, ...]) -> None:
        await asyncio.gather(*(self._evict(pod) for pod in pods))

    async def _evict(self, pod: Target) -> None:
        """Evict a pod, again and again while a disruption budget forbids it."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod.name, "namespace": pod.namespace},
            "deleteOptions": {"preconditions": {"uid": pod.uid}},
        }
        while True:
            try:
                await self._client.create(
                    PODS, body, pod.namespace, subresource_of=pod.name, subresource="eviction"
                )
            except NotFoundError:
                return
            except (ApiError, ConnectionFailedError) as error:
                if isinstance(error, ApiError) and error.code == 409:  # another pod of that name
                    return
                logger.debug("eviction of %s: %s", pod.name, error)
                await asyncio.sleep(_RETRY_S)
            else:
                return


def node_of(experiment: Experiment) -> Target:
    """Return the node among the targets.

    Raises
    ------
    RefusedError
        If there is none.
    """
    for target in experiment.targets:
        if target.kind == "Node":
            return target
    raise RefusedError(f"experiment {experiment.name} names no node: add a target of kind Node.")
