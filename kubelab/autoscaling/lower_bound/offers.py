"""What nodes can be had, and which pods fit on one at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kubelab.autoscaling.node_group import NodeGroup
from kubelab.errors import KubelabError
from kubelab.scheduling.requests import Amounts
from kubelab.scheduling.snapshot import NodeInfo

PODS = "pods"


@dataclass(frozen=True, slots=True)
class Offer:
    """One kind of node.

    Attributes
    ----------
    free : mapping
        What a new node has left for pods beside its DaemonSets' pods; ``pods`` counts them.
    usd_per_hour : float
    least, most : int or None
        How many there are at least, and at most (None for enough).
    """

    name: str
    free: Mapping[str, int]
    usd_per_hour: float
    least: int = 0
    most: int | None = None

    @staticmethod
    def of(group: NodeGroup, overhead: Sequence[Amounts] = ()) -> Offer:
        """Return what a node group offers.

        Parameters
        ----------
        overhead : sequence of mapping
            What each DaemonSet's pod asks of every node.

        Raises
        ------
        UnpricedError
            If nobody knows what its nodes cost.
        """
        if group.price is None:
            raise UnpricedError(group.name)
        free = dict(group.template.allocatable)
        for pod in overhead:
            for resource, amount in {**pod, PODS: 1}.items():
                free[resource] = free.get(resource, 0) - amount
        return Offer(group.name, free, group.price.usd_per_hour, group.min_size, group.max_size)

    @staticmethod
    def on(fresh: NodeInfo, usd_per_hour: float) -> Offer:
        """Return what a new node offers beside the pods that are on it."""
        taken = {**fresh.requested, PODS: len(fresh.pods)}
        free = {name: value - taken.get(name, 0) for name, value in fresh.node.allocatable.items()}
        return Offer(fresh.name, free, usd_per_hour)

    def room(self, requests: Amounts) -> int:
        """Return how many pods with these requests an empty node holds."""
        wanted = {**requests, PODS: 1}
        return max(0, min(self.free.get(name, 0) // amount for name, amount in wanted.items() if amount))

    def shortage(self, requests: Amounts) -> dict[str, int]:
        """Return how much of each resource an empty node lacks for one such pod."""
        wanted = {**requests, PODS: 1}
        lacking = {name: amount - max(0, self.free.get(name, 0)) for name, amount in wanted.items()}
        return {name: amount for name, amount in lacking.items() if amount > 0}


class UnpricedError(KubelabError):
    """A node group has no price, so that no cost can be bounded.

    Attributes
    ----------
    group : str
        Its name.
    """

    def __init__(self, group: str) -> None:
        self.group = group
        super().__init__(
            f"node group {group} has no price, so no bound can be found. Set priceUsdPerHour and priceDate."
        )


class NoRoomError(KubelabError):
    """A pod fits on no node that can be had.

    Attributes
    ----------
    pod : str
        Its name, or what it asks for.
    offer : str
        The kind of node that lacks least; "" if there is none at all.
    shortage : dict
        How much it lacks, by resource: ``cpu`` in millicores, others in whole units.
    """

    def __init__(self, pod: str, requests: Amounts, offers: Iterable[Offer]) -> None:
        self.pod = pod
        nearest = min(offers, key=lambda offer: _worst(requests, offer), default=None)
        self.offer = nearest.name if nearest else ""
        self.shortage = nearest.shortage(requests) if nearest else {}
        if nearest is None:
            super().__init__(f"pod {pod} fits nowhere: there are no node groups. Add one.")
            return
        lacking = ", ".join(
            f"{amount(name, lack)} {name} ({amount(name, requests.get(name, 1))} asked, "
            f"{amount(name, max(0, nearest.free.get(name, 0)))} free on an empty node)"
            for name, lack in self.shortage.items()
        )
        super().__init__(
            f"pod {pod} fits on no node: the nearest, {nearest.name}, lacks {lacking}. "
            "Ask for less, or add a larger type."
        )


class TooFewNodesError(KubelabError):
    """The largest sizes of the node groups do not hold all pods."""

    def __init__(self, offers: Sequence[Offer]) -> None:
        self.offers = tuple(offers)
        most = ", ".join(f"{offer.name} {offer.most}" for offer in offers if offer.most is not None)
        super().__init__(f"the node groups at their largest ({most}) do not hold all pods. Raise maxSize.")


def check(name: str, requests: Amounts, offers: Sequence[Offer]) -> None:
    """Raise `NoRoomError` if a pod fits on no kind of node."""
    if not any(offer.room(requests) for offer in offers):
        raise NoRoomError(name, requests, offers)


def _worst(requests: Amounts, offer: Offer) -> tuple[int, float]:
    """Order offers by how many resources they lack, then by the largest share of what is asked."""
    shortage = offer.shortage(requests)
    return len(shortage), max((lack / requests.get(name, 1) for name, lack in shortage.items()), default=0.0)


def described(requests: Amounts) -> str:
    """Return such as ``2 cpu, 4 GiB of memory``."""
    return ", ".join(f"{amount(name, value)} {name}" for name, value in requests.items())


def amount(resource: str, value: int) -> str:
    """Return such as ``1.5`` for 1500 millicores, ``2.5 GiB of`` for bytes of memory."""
    if resource == "cpu":
        return f"{value / 1000:g}"
    if resource in ("memory", "ephemeral-storage"):
        return f"{value / 2**30:.4g} GiB of"
    return str(value)
