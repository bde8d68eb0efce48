"""`ContainerGroup`: the like containers that one recommendation is for, and what their pods used."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.owners import Owner
from kubelab.quantities import Quantity, parse_quantity
from kubelab.rightsizing.history import History
from kubelab.rightsizing.scopes import scope_value
from kubelab.usage.series import ContainerKey, Resource, UsageSeries

Amounts = Mapping[Resource, float]
"""Cores of cpu, bytes of memory; what is not asked for is not there."""


@dataclass(frozen=True, slots=True)
class ContainerGroup:
    """Containers of one name in running pods of one workload, on nodes of one scope value if there is one.

    Attributes
    ----------
    key : ContainerKey
        Without pod and node, unless the pod belongs to no workload.
    scope_value : str or None
        The nodes' value of the scope's label; None where all nodes are one.
    pods, nodes : tuple of str
        Each pod and where it runs.
    requests, limits : Amounts
        What most of the pods ask for.
    ooms : tuple of float
        Memory in bytes that pods had when they were last killed for want of it.
    """

    key: ContainerKey
    scope_value: str | None
    pods: tuple[str, ...]
    nodes: tuple[str, ...]
    requests: Amounts
    limits: Amounts
    ooms: tuple[float, ...] = ()

    def history(self, resource: Resource, usage: Iterable[UsageSeries], *, recheck_s: float) -> History:
        """Return what these containers used, pods that are gone included where their workload is known."""
        return History(
            self.key,
            resource,
            tuple(each for each in usage if each.resource == resource and self._has(each.container)),
            self.requests.get(resource),
            self.limits.get(resource),
            self.ooms if resource == "memory" else (),
            recheck_s,
        )

    def _has(self, other: ContainerKey) -> bool:
        own = self.key
        if (other.namespace, other.container) != (own.namespace, own.container):
            return False
        if other.pod in self.pods:
            return True
        same = bool(own.controller_name) and (own.controller_kind, own.controller_name) == (
            other.controller_kind,
            other.controller_name,
        )
        return same and (self.scope_value is None or other.node in self.nodes)


def container_groups(
    pods: Iterable[Object], *, nodes: Iterable[Object] = (), scope: str | None = None
) -> list[ContainerGroup]:
    """Return the groups of the containers that run, in order of namespace, workload and container.

    Parameters
    ----------
    scope : str, optional
        A label of nodes; pods on nodes of different values are then different groups.
    """
    labels = {node["metadata"]["name"]: node["metadata"].get("labels") or {} for node in nodes}
    found: dict[tuple[ContainerKey, str | None], list[tuple[Object, Object]]] = defaultdict(list)
    for pod in pods:
        if not _runs(pod):
            continue
        node = pod["spec"]["nodeName"]
        value = scope_value(scope, node, labels.get(node, {})) if scope else None
        for container in pod["spec"]["containers"]:
            found[_key(pod, container), value].append((pod, container))
    return [_group(key, value, members) for (key, value), members in sorted(found.items(), key=_order)]


def _order(item: tuple[tuple[ContainerKey, str | None], object]) -> tuple[str, ...]:
    key, value = item[0]
    return (key.namespace, key.controller_kind, key.controller_name, key.pod, key.container, value or "")


def _runs(pod: Object) -> bool:
    return (pod.get("status") or {}).get("phase") == "Running" and bool(pod["spec"].get("nodeName"))


def _key(pod: Object, container: Object) -> ContainerKey:
    owner, meta = Owner.of(pod), pod["metadata"]
    bare = "" if owner.controller else meta["name"]
    return ContainerKey(meta["namespace"], bare, container["name"], owner.kind, owner.controller)


def _group(key: ContainerKey, value: str | None, members: Sequence[tuple[Object, Object]]) -> ContainerGroup:
    return ContainerGroup(
        key,
        value,
        tuple(pod["metadata"]["name"] for pod, _ in members),
        tuple(pod["spec"]["nodeName"] for pod, _ in members),
        _commonest("requests", members),
        _commonest("limits", members),
        tuple(killed for pod, container in members if (killed := _killed_at(pod, container)) is not None),
    )


def _commonest(part: str, members: Sequence[tuple[Object, Object]]) -> Amounts:
    counted = Counter(
        tuple(sorted(amounts_of((container.get("resources") or {}).get(part)).items()))
        for _, container in members
    )
    return dict(counted.most_common(1)[0][0])


def amounts_of(given: Mapping[str, Quantity] | None) -> dict[Resource, float]:
    """Return the cores and bytes of a ``ResourceList``."""
    names: tuple[Resource, ...] = ("cpu", "memory")
    return {name: float(parse_quantity(given[name])) for name in names if given and name in given}


def _killed_at(pod: Object, container: Object) -> float | None:
    """Return the memory that a container had when it was last killed for want of it."""
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        if status["name"] != container["name"]:
            continue
        for state in (status.get("state") or {}, status.get("lastState") or {}):
            if (state.get("terminated") or {}).get("reason") == "OOMKilled":
                resources = container.get("resources") or {}
                had = (resources.get("limits") or {}).get("memory") or (resources.get("requests") or {}).get(
                    "memory"
                )
                return None if had is None else float(parse_quantity(had))
    return None
