"""Which samples count together: those of a container, and with a scope those on each kind of node apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.rightsizing.policies import ContainerPolicy
from kubelab.rightsizing.recommender import Workload
from kubelab.rightsizing.scopes import Kind, scope_of

Kinds = dict[Kind, dict[str, list["Group"]]]
"""Groups by kind of node and container."""


@dataclass(frozen=True, slots=True)
class Group:
    """Containers whose samples count together.

    Attributes
    ----------
    autoscaler : str
        Its uid.
    from_checkpoint : bool
        Whether this is what a checkpoint kept, rather than what was seen since.
    kind : Kind or None
        The kind of node that the pods are on; None without a scope, or where no node is known.
    """

    autoscaler: str
    container: str
    from_checkpoint: bool = False
    kind: Kind | None = None


class Groups:
    """The groups of each autoscaler.

    All samples seen count for the recommendation of all pods together, with the checkpoint of all; what the
    checkpoint of a kind kept counts for that kind alone, or it would count twice.
    """

    def __init__(self) -> None:
        self._of: dict[str, dict[Group, None]] = {}

    def __contains__(self, autoscaler: object) -> bool:
        return autoscaler in self._of

    def meet(self, autoscaler: str, groups: Iterable[Group]) -> None:
        """Take note of an autoscaler, with what was kept of it."""
        self._of[autoscaler] = dict.fromkeys(groups)

    def add(self, groups: Iterable[Group]) -> None:
        """Take note of groups of autoscalers that are known."""
        for each in groups:
            self._of[each.autoscaler][each] = None

    def drop(self, groups: Iterable[Group]) -> None:
        """Forget groups."""
        for each in groups:
            del self._of[each.autoscaler][each]

    def keep(self, autoscalers: Collection[str]) -> bool:
        """Forget all other autoscalers; say whether there were any."""
        others = self._of.keys() - autoscalers
        for each in others:
            del self._of[each]
        return bool(others)

    def all(self) -> list[Group]:
        """Return all groups."""
        return [group for groups in self._of.values() for group in groups]

    def together(self, autoscaler: Object) -> dict[str, list[Group]]:
        """Return, by container, the groups that count for all pods together."""
        found: defaultdict[str, list[Group]] = defaultdict(list)
        for each in self._of[autoscaler["metadata"]["uid"]]:
            if each.kind is None or not each.from_checkpoint:
                found[each.container].append(each)
        return found

    def by_kind(self, autoscaler: Object) -> Kinds:
        """Return, by kind of node and container, the groups that count for the pods there."""
        scope = scope_of(autoscaler)
        found: defaultdict[Kind, dict[str, list[Group]]] = defaultdict(dict)
        for each in self._of[autoscaler["metadata"]["uid"]]:
            if each.kind is not None and each.kind.scope == scope:
                found[each.kind].setdefault(each.container, []).append(each)
        return found


def workload(autoscaler: Object, containers: dict[str, list[Group]]) -> Workload:
    """Return what is recommended for together."""
    return Workload(containers, {name: ContainerPolicy.of(autoscaler, name) for name in containers})
