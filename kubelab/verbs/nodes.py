"""`NodeVerbs`: what nodes there are, and simulated ones to add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kubelab import portal
from kubelab.client import NODES, Object
from kubelab.objects import is_ready
from kubelab.quantities import Quantity, cpu_millicores, format_memory, whole
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.node_template import NodeTemplate


class NodeVerbs(Handle):
    """The verbs about nodes."""

    def nodes(self) -> pd.DataFrame:
        """Return one row a node: name, ready, cpu_millicores and memory_bytes that pods may use."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "name": node["metadata"]["name"],
                    "ready": is_ready(node),
                    "cpu_millicores": cpu_millicores(_allocatable(node, "cpu")),
                    "memory_bytes": whole(_allocatable(node, "memory")),
                }
                for node in self._list(NODES)
            ],
            columns=["name", "ready", "cpu_millicores", "memory_bytes"],
        )

    def add_nodes(self, count: int, template: NodeTemplate | Mapping[str, Any] | None = None) -> list[str]:
        """Create simulated nodes and return their names; ``kubectl delete node`` removes one.

        Pods on them are no processes: those of a Job complete after a second, others go on, and annotations
        ``simulated.kubelab.dev/...`` of a pod say otherwise: `kubelab.simulated_pod`.
        Select the nodes by their label ``type: kwok``, and tolerate their taint ``kwok.x-k8s.io/node``, which
        keeps off what is meant to run. On a cluster that kubelab did not start, they need KWOK.

        Parameters
        ----------
        count : int
            How many.
        template : NodeTemplate or mapping, optional
            What they are like, such as ``{"cpu": 8, "memory": "32Gi", "zone": "a"}``.

        Raises
        ------
        KubelabError
            If the count or the template is wrong; nothing is created then.
        """
        from kubelab.node_template import NodeTemplate, simulated_nodes

        taken = {node["metadata"]["name"] for node in self._list(NODES)}
        nodes = simulated_nodes(count, NodeTemplate.of(template), taken)
        portal.run(self._create_all(NODES, nodes))
        return [node["metadata"]["name"] for node in nodes]


def capacity(nodes: list[Object]) -> str:
    """Return what nodes have together, such as ``2 nodes, 4 CPU, 8Gi, Ready``."""
    cpu = sum(cpu_millicores(_allocatable(node, "cpu")) for node in nodes) / 1000
    memory = format_memory(sum(whole(_allocatable(node, "memory")) for node in nodes))
    ready = sum(map(is_ready, nodes))
    state = "Ready" if nodes and ready == len(nodes) else f"{ready}/{len(nodes)} Ready"
    count = f"{len(nodes)} node" + ("" if len(nodes) == 1 else "s")
    return f"{count}, {cpu:g} CPU, {memory}, {state}"


def _allocatable(node: Object, resource: str) -> Quantity:
    quantity: Quantity = (node.get("status", {}).get("allocatable") or {}).get(resource, 0)
    return quantity
