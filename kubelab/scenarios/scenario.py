"""`Scenario`: a finite, seeded list of what happens to a cluster, and the node groups it is meant for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kubelab.client import Object, Resource

Verb = Literal["create", "patch", "delete", "patch-all"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that happens.

    Attributes
    ----------
    at_s : float
        Seconds after the beginning.
    verb : str
        ``patch-all`` patches whatever ``selector`` finds at that time.
    body : dict
        The object, or the merge patch.
    selector : str
        Labels, as kubectl writes them.
    """

    at_s: float
    verb: Verb
    resource: Resource
    name: str = ""
    namespace: str = ""
    body: Object | None = None
    selector: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What happens, and where.

    Attributes
    ----------
    about : str
        One sentence for a reader.
    hours : float
        How long it takes.
    node_groups : tuple of dict
        NodeGroup objects.
    actions : tuple of Action
        In the order of their times.
    """

    name: str
    about: str
    seed: int
    hours: float
    node_groups: tuple[Object, ...]
    actions: tuple[Action, ...]

    def __repr__(self) -> str:
        return f"<Scenario {self.name}: {self.hours:g} h, {len(self.actions)} actions, seed {self.seed}>"


def scenario(
    name: str, about: str, *, seed: int, hours: float, node_groups: list[Object], actions: list[Action]
) -> Scenario:
    """Return a scenario, its actions in order; what is due at once stays as it was written."""
    ordered = tuple(sorted(actions, key=lambda action: action.at_s))
    return Scenario(name, about, seed, hours, tuple(node_groups), ordered)
