"""What the scheduler decided for one pod, with its reason, in upstream's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kubelab.scheduling.filters import Rejections
from kubelab.scheduling.scores import Score
from kubelab.scheduling.snapshot import Key
from kubelab.scheduling.volumes import VolumeChoice

NO_NODES = "no nodes available to schedule pods"
NOT_HELPFUL = "Preemption is not helpful for scheduling"
NO_VICTIMS = "No preemption victims found for incoming pod"


class Rejected(dict[str, Rejections]):
    """Why each node that does not fit does not, by node; what is said of all of them is found once."""

    @cached_property
    def plugins(self) -> frozenset[str]:
        """The filters that rejected nodes."""
        return frozenset(each.plugin for rejections in self.values() for each in rejections)

    @cached_property
    def reasons(self) -> Counter[str]:
        """How many nodes gave each reason."""
        return Counter(each.reason for rejections in self.values() for each in rejections)

    @cached_property
    def resolvable(self) -> tuple[str, ...]:
        """The nodes that removing pods could help."""
        return tuple(name for name, why in self.items() if all(each.resolvable for each in why))


@dataclass(frozen=True, slots=True)
class Preemption:
    """Whether removing other pods makes room.

    Attributes
    ----------
    node : str
        Where room is made; empty if nowhere.
    victims : tuple of (str, str)
        Namespace and name of the pods to remove, most important first.
    budgets_violated : int
        How many victims a PodDisruptionBudget protects.
    message : str
        Why nothing is removed; empty if something is.
    """

    node: str = ""
    victims: tuple[Key, ...] = ()
    budgets_violated: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """Which node a pod goes to and why, or why it goes nowhere.

    Attributes
    ----------
    pod : (str, str)
        Namespace and name.
    nodes : int
        How many nodes there were to choose from.
    node : str
        The node; empty if none fits.
    scores : tuple of Score
        The terms of the node's total.
    rejected : Rejected
        Why each node that does not fit does not.
    blocked : str
        What keeps the pod from every node, whichever it is; empty if nothing does.
    volumes : tuple of VolumeChoice
        What the pod's unbound claims get on the node.
    preemption : Preemption or None
        What came of making room; None while it was not tried.
    """

    pod: Key
    nodes: int
    node: str = ""
    scores: tuple[Score, ...] = ()
    rejected: Rejected = field(default_factory=Rejected)
    blocked: str = ""
    volumes: tuple[VolumeChoice, ...] = ()
    preemption: Preemption | None = None

    @property
    def total(self) -> int:
        """The node's weighted score."""
        return sum(score.value * score.weight for score in self.scores)

    @property
    def plugins(self) -> frozenset[str]:
        """The filters that rejected nodes: what has to change for another try to be worth it."""
        return frozenset({"VolumeBinding"}) if self.blocked else self.rejected.plugins

    @property
    def message(self) -> str:
        """Upstream's sentence for a pod that does not fit (``framework.FitError``)."""
        if not self.nodes:
            return NO_NODES
        sentence = (
            f"0/{self.nodes} nodes are available: {self.blocked}."
            if self.blocked
            else unavailable(self.nodes, self.rejected.reasons)
        )
        if self.preemption and self.preemption.message:
            sentence += f" preemption: {self.preemption.message}"
        return sentence

    @property
    def explanation(self) -> str:
        """One sentence for a reader: why this node, or why none."""
        if not self.node:
            return self.message
        terms = " + ".join(f"{each.weight} x {each.plugin} {each.value}" for each in self.scores)
        fitting = self.nodes - len(self.rejected)
        return f"{self.node}: best of {fitting} that fit ({self.nodes} nodes), {self.total} = {terms}"


def unavailable(nodes: int, reasons: Mapping[str, int]) -> str:
    """Return ``0/3 nodes are available: 1 Insufficient cpu, ….`` for how many nodes gave which reason."""
    counted = sorted(f"{count} {reason}" for reason, count in reasons.items() if count)
    return f"0/{nodes} nodes are available:" + (f" {', '.join(counted)}." if counted else "")
