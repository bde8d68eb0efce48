"""By what costs are put together, named as OpenCost's ``aggregate`` names it: ``namespace``, ``label:team``.

OpenCost ``core/pkg/opencost/allocationprops.go``: several names with commas are one key, its parts joined by
slashes; who has none of a part is ``__unallocated__`` there. ``job``,
``trial`` and ``user`` are kubelab's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from kubelab.costs.allocation import PodCost
from kubelab.errors import KubelabError

UNALLOCATED = "__unallocated__"
IDLE = "__idle__"
SHARED = "__shared__"

Property = Callable[[PodCost], str]
HUB_USER = "hub.jupyter.org/username"
"""The label that JupyterHub's KubeSpawner gives a user's pods; `user` puts costs together by it."""

LABELS = ("team", "owner", "product", "environment", "department")
"""OpenCost's names for labels that people give their pods."""


class AggregateError(KubelabError, ValueError):
    """Costs were to be put together by something that pods do not have."""

    def __init__(self, name: str) -> None:
        self.name = name
        known = ", ".join([*_PROPERTIES, *LABELS])
        super().__init__(f"costs cannot be put together by {name!r}. Write {known} or label:NAME.")


@dataclass(frozen=True)
class Grouping:
    """Says whose a cost is.

    Attributes
    ----------
    names : tuple of str
        As in ``aggregate``.
    """

    names: tuple[str, ...]

    @staticmethod
    def parse(aggregate: str | Sequence[str]) -> Grouping:
        """Read ``aggregate``.

        Raises
        ------
        AggregateError
            If pods have no such property.
        """
        parts = aggregate.split(",") if isinstance(aggregate, str) else aggregate
        grouping = Grouping(tuple(part.strip() for part in parts))
        for name in grouping.names or ("",):
            _property(name)
        return grouping

    def key(self, cost: PodCost) -> tuple[str, ...]:
        """Return whose a pod's cost is."""
        return tuple(_property(name)(cost) or UNALLOCATED for name in self.names)

    def properties(self, cost: PodCost) -> dict[str, object]:
        """Return OpenCost's ``properties`` of a group, by one of its pods."""
        found: dict[str, object] = {"cluster": "kubelab"}
        labels: dict[str, str] = {}
        for name, value in zip(self.names, self.key(cost), strict=True):
            if value == UNALLOCATED:
                continue
            if name in LABELS or name.startswith("label:"):
                labels[name.removeprefix("label:")] = value
            else:
                found[name] = value
        return {**found, "labels": labels} if labels else found


def _property(name: str) -> Property:
    if name in _PROPERTIES:
        return _PROPERTIES[name]
    label = name.removeprefix("label:")
    if not label or (label == name and name not in LABELS):
        raise AggregateError(name)
    return lambda cost: cost.pod.labels.get(label, "")


def _controller_of(kind: str) -> Property:
    return lambda cost: cost.pod.owner.controller if cost.pod.owner.kind == kind else ""


_PROPERTIES: Mapping[str, Property] = {
    "cluster": lambda _: "kubelab",
    "node": lambda cost: cost.node.name,
    "namespace": lambda cost: cost.pod.namespace,
    "controllerKind": lambda cost: cost.pod.owner.kind.lower(),
    "controller": lambda cost: cost.pod.owner.controller,
    "deployment": _controller_of("Deployment"),
    "statefulset": _controller_of("StatefulSet"),
    "daemonset": _controller_of("DaemonSet"),
    "job": lambda cost: cost.pod.owner.job,
    "trial": lambda cost: cost.pod.owner.trial,
    "pod": lambda cost: cost.pod.name,
    "user": lambda cost: cost.pod.labels.get(HUB_USER, ""),
}
