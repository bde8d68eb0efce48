"""The least that nodes must cost over time, for pods that come and go.

At every moment the nodes that are there hold the pods that are there, so the integral of the moments' bounds
is never above the integral of what the nodes cost. Nodes are billed by the moment; where a provider bills
begun hours, the truth is higher still.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kubelab.autoscaling.lower_bound.offers import Offer, check
from kubelab.autoscaling.lower_bound.program import Bound, Shape, lower_bound, shape_of
from kubelab.scheduling.requests import Amounts

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Presence:
    """A pod, or several that are alike, from when until when they need a node."""

    name: str
    requests: Amounts
    start_s: float
    end_s: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which the same pods are there."""

    start_s: float
    end_s: float
    bound: Bound


@dataclass(frozen=True, slots=True)
class BoundOverTime:
    """What nodes cost at least over some time.

    Attributes
    ----------
    stretches : tuple of Stretch
        Gapless, in order.
    """

    stretches: tuple[Stretch, ...]

    @property
    def usd(self) -> float:
        """The whole of it."""
        return sum(each.bound.usd_per_hour * (each.end_s - each.start_s) / HOUR_S for each in self.stretches)

    def __repr__(self) -> str:
        hours = (self.stretches[-1].end_s - self.stretches[0].start_s) / HOUR_S if self.stretches else 0
        return f"<BoundOverTime {self.usd:.2f} USD in {hours:g} h>"


def lower_bound_over_time(
    presences: Iterable[Presence], offers: Sequence[Offer], *, end_s: float, resolution_s: float = 0.0
) -> BoundOverTime:
    """Bound what nodes cost from time 0 on.

    Parameters
    ----------
    presences : iterable of Presence
        Which pods need a node, and when.
    offers : sequence of Offer
        The kinds of nodes that can be had at any time.
    end_s : float
        Until when to count.
    resolution_s : float
        Moments closer than this count as one, with those pods that are there all the time: fewer programs to
        solve, and still a bound. 0 for every moment at which something changes.

    Raises
    ------
    NoRoomError
        If a pod fits on no kind of node; it says which, and what is lacking.
    """
    present = [each for each in presences if each.start_s < min(each.end_s, end_s)]
    seen: set[Shape] = set()
    for each in present:
        if (shape := shape_of(each.requests)) not in seen:
            seen.add(shape)
            check(each.name, each.requests, offers)
    known: dict[frozenset[tuple[Shape, int]], Bound] = {}
    stretches = []
    for start, end, pods in _merged(_moments(present, end_s), resolution_s):
        key = frozenset(pods.items())
        if key not in known:
            known[key] = lower_bound(pods, offers)
        stretches.append(Stretch(start, end, known[key]))
    return BoundOverTime(tuple(stretches))


Moment = tuple[float, float, Counter[Shape]]


def _moments(presences: Sequence[Presence], end_s: float) -> Iterator[Moment]:
    """Yield from when until when which pods are there."""
    changes: dict[float, Counter[Shape]] = {0.0: Counter(), end_s: Counter()}
    for each in presences:
        shape = shape_of(each.requests)
        for at, count in ((each.start_s, each.count), (each.end_s, -each.count)):
            changes.setdefault(min(max(at, 0.0), end_s), Counter())[shape] += count
    there: Counter[Shape] = Counter()
    for start, end in pairwise(sorted(changes)):
        there.update(changes[start])
        yield start, end, +there


def _merged(moments: Iterable[Moment], resolution_s: float) -> Iterator[Moment]:
    """Join moments until they last long enough, keeping the pods that are in all of them."""
    held: Moment | None = None
    for start, end, pods in moments:
        held = (held[0], end, held[2] & pods) if held else (start, end, pods)
        if held[1] - held[0] >= resolution_s:
            yield held
            held = None
    if held:
        yield held
