"""Simulated nodes as they are first created: Node objects with KWOK's annotation and no machine behind them.

``kwok.x-k8s.io/node: fake`` is what KWOK's controller adopts too (its default
``--manage-nodes-with-annotation-selector``, v0.7), so the same objects work on a cluster that runs KWOK.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from kubelab.client import Object
from kubelab.errors import KubelabError
from kubelab.quantities import Quantity, parse_quantity

FAKE_NODE = "kwok.x-k8s.io/node"
"""The annotation of a simulated node; its value is ``fake``."""
PROCESS_RUNTIME = "kubelab://"
"""How the containerRuntimeVersion begins where pods are processes."""
FAKE_TAINT: Mapping[str, str] = {"key": FAKE_NODE, "value": "fake", "effect": "NoSchedule"}


class NodeTemplateError(KubelabError, ValueError):
    """A template has a field that does not exist."""

    def __init__(self, unknown: str) -> None:
        self.unknown = unknown
        known = ", ".join(each.name for each in fields(NodeTemplate))
        super().__init__(f"a node template has no {unknown!r}. It has: {known}.")


class NodeCountError(KubelabError, ValueError):
    """Nodes were to be added, and their number is negative."""

    def __init__(self, count: int) -> None:
        self.count = count
        super().__init__(
            f"{count} nodes cannot be added. Add none or more; `kubectl delete node` removes one."
        )


@dataclass(frozen=True, slots=True)
class NodeTemplate:
    """What simulated nodes are like.

    Attributes
    ----------
    cpu, memory : Quantity
        What pods may use, such as ``8`` and ``"32Gi"``.
    pods : int
        How many pods fit.
    labels : mapping
        Beside the usual ones and ``type: kwok``.
    taints : tuple of mapping
        As in ``spec.taints``. By default the taint of KWOK's own example node keeps pods off that are meant
        to run: they tolerate ``kwok.x-k8s.io/node``, or nothing where this is empty.
    resources : mapping
        Extended resources, such as ``{"nvidia.com/gpu": 8}``.
    zone : str
        The value of ``topology.kubernetes.io/zone``; none unless given.
    prefix : str
        Names are this, a hyphen and a number.
    """

    cpu: Quantity = 32
    memory: Quantity = "256Gi"
    pods: int = 110
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Mapping[str, str], ...] = (FAKE_TAINT,)
    resources: Mapping[str, Quantity] = field(default_factory=dict)
    zone: str = ""
    prefix: str = "kwok-node"

    @classmethod
    def of(cls, template: NodeTemplate | Mapping[str, Any] | None) -> NodeTemplate:
        """Return a template from its fields.

        Raises
        ------
        NodeTemplateError
            If there is no such field.
        """
        if isinstance(template, NodeTemplate):
            return template
        given = dict(template or {})
        unknown = sorted(given.keys() - {each.name for each in fields(cls)})
        if unknown:
            raise NodeTemplateError(unknown[0])
        return cls(**{**given, "taints": tuple(given.get("taints", (FAKE_TAINT,)))})


def simulated_nodes(count: int, template: NodeTemplate, taken: Collection[str]) -> list[Object]:
    """Return ``count`` Nodes, named with the lowest numbers that nothing in ``taken`` has.

    Raises
    ------
    NodeCountError
        If the count is negative.
    QuantityError
        If an amount is not a quantity.
    """
    if count < 0:
        raise NodeCountError(count)
    names = (f"{template.prefix}-{number}" for number in itertools.count())
    free = (name for name in names if name not in taken)
    return [simulated_node(name, template) for name in itertools.islice(free, count)]


def simulated_node(name: str, template: NodeTemplate) -> Object:
    """Return a Node that a simulation adopts.

    Raises
    ------
    QuantityError
        If an amount is not a quantity.
    """
    amounts = {"cpu": template.cpu, "memory": template.memory, "pods": template.pods, **template.resources}
    for amount in amounts.values():
        parse_quantity(amount)
    capacity = {resource: str(amount) for resource, amount in amounts.items()}
    spec: Object = {"taints": [dict(taint) for taint in template.taints]} if template.taints else {}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": _labels(name, template), "annotations": {FAKE_NODE: "fake"}},
        "spec": spec,
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def _labels(name: str, template: NodeTemplate) -> dict[str, str]:
    zone = {"topology.kubernetes.io/zone": template.zone} if template.zone else {}
    return {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": "kwok",
        "type": "kwok",  # as KWOK's own examples select them
        **zone,
        **template.labels,
    }


def is_simulated(node: Object) -> bool:
    """Say whether a Node is simulated: it is annotated so, and its pods are not processes."""
    return is_annotated(node) and not runs_processes(node)


def is_annotated(node: Object) -> bool:
    """Say whether a Node says that it is simulated."""
    return (node["metadata"].get("annotations") or {}).get(FAKE_NODE) == "fake"


def runs_processes(node: Object) -> bool:
    """Say whether a Node's pods are processes of a machine of ours."""
    runtime = ((node.get("status") or {}).get("nodeInfo") or {}).get("containerRuntimeVersion") or ""
    return bool(runtime.startswith(PROCESS_RUNTIME))
