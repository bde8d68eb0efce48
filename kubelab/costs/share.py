"""`Share`: what one group cost in one window; and how idle and shared costs are borne.

OpenCost specification v0.1: idle is shared out by resource, ``idle * cost / all costs``; shared costs
evenly or by what each costs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from kubelab.costs.allocation import NO_MONEY, Allocation, Money, PodCost, Window
from kubelab.costs.grouping import IDLE, SHARED, Grouping
from kubelab.costs.rates import NOTHING, Resources

Split = Literal["weighted", "even"]


@dataclass(frozen=True, slots=True)
class Share:
    """What one group cost.

    Attributes
    ----------
    key : tuple of str
        Whose it is; OpenCost's ``name`` is its parts with slashes between.
    minutes : float
        From when its first pod began until its last ended, within the window.
    pods : int
        How many.
    held, asked, used : Resources
        Core hours, GiB hours and device hours: the larger of request and use, request, use.
    asked_by_known : Resources
        What of ``asked`` is of pods whose use is known.
    money, adjustment, idle : Money
        What it cost, what of that is an adjustment (see `PodCost`), and idle that was shared out to it.
    shared_usd : float
        Shared costs that it bears.
    """

    key: tuple[str, ...]
    window: Window
    minutes: float = 0.0
    pods: int = 0
    held: Resources = NOTHING
    asked: Resources = NOTHING
    used: Resources = NOTHING
    asked_by_known: Resources = NOTHING
    money: Money = NO_MONEY
    adjustment: Money = NO_MONEY
    idle: Money = NO_MONEY
    shared_usd: float = 0.0
    properties: Mapping[str, object] | None = None

    @property
    def name(self) -> str:
        """OpenCost's name of it."""
        return self.key[-1] if self.is_special else "/".join(self.key)

    @property
    def total_usd(self) -> float:
        """All that it bears."""
        return self.money.total + self.idle.total + self.shared_usd

    @property
    def is_special(self) -> bool:
        """Whether it is idle or shared, and nobody's."""
        return self.key[-1].endswith((IDLE, SHARED))


def shares(
    allocation: Allocation,
    grouping: Grouping,
    *,
    share_idle: bool = False,
    idle_by_node: bool = False,
    shared_namespaces: Sequence[str] = (),
    shared_usd: float = 0.0,
    split: Split = "weighted",
) -> list[Share]:
    """Return what each group cost, the dearest first, then what is shared and what is idle.

    They add up to what the nodes cost, and ``shared_usd``.

    Parameters
    ----------
    share_idle : bool
        Whether groups bear what is idle, by what of each resource they cost; it has its own row otherwise.
    idle_by_node : bool
        Whether each node's idle has its own row, or is borne by the groups on that node alone.
    shared_namespaces : sequence of str
        What these cost is borne by the other groups.
    shared_usd : float
        What all bear beside the nodes in this window, such as a control plane.
    split : {"weighted", "even"}
        Whether groups bear shared costs by what they cost, or all the same.
    """
    groups: dict[tuple[str, ...], list[PodCost]] = defaultdict(list)
    common: list[PodCost] = []
    for cost in allocation.pods:
        if cost.pod.namespace in shared_namespaces:
            common.append(cost)
        else:
            groups[grouping.key(cost)].append(cost)
    found = [_share(key, costs, allocation.window, grouping) for key, costs in groups.items()]
    blank = ("",) * (len(grouping.names) - 1)
    rest: list[Share] = []
    if share_idle:
        found, left = _with_idle(found, groups, allocation, by_node=idle_by_node)
        rest += _idle_rows(left, allocation.window, blank)
    else:
        rest += _idle_rows(_idle(allocation, by_node=idle_by_node), allocation.window, blank)
    common_usd = sum(each.money.total for each in common) + shared_usd
    if found:
        found = _with_shared(found, common_usd, split)
    elif common_usd:
        money = sum((each.money for each in common), NO_MONEY)
        rest.append(Share((*blank, SHARED), allocation.window, money=money, shared_usd=shared_usd))
    return sorted(found, key=lambda each: (-each.total_usd, each.key)) + rest


def _share(key: tuple[str, ...], costs: Sequence[PodCost], window: Window, grouping: Grouping) -> Share:
    held = asked = used = known = NOTHING
    money = adjustment = NO_MONEY
    for each in costs:
        held += each.resource_hours
        asked += each.pod.asked.times(each.hours)
        money += each.money
        adjustment += each.adjustment
        if each.pod.used is not None:
            used += each.pod.used.times(each.hours)
            known += each.pod.asked.times(each.hours)
    first = max(window.start, min(each.pod.start for each in costs))
    last = min(window.end, max(each.pod.end for each in costs))
    return Share(
        key,
        window,
        minutes=(last - first).total_seconds() / 60,
        pods=len({each.pod.uid for each in costs}),
        held=held,
        asked=asked,
        used=used,
        asked_by_known=known,
        money=money,
        adjustment=adjustment,
        properties=grouping.properties(costs[0]),
    )


def _idle(allocation: Allocation, *, by_node: bool) -> dict[str, Money]:
    """Return what is idle: by node, or of the whole cluster under ""."""
    found: dict[str, Money] = defaultdict(Money)
    for each in allocation.nodes:
        found[each.node.name if by_node else ""] += each.idle
    return dict(found)


def _idle_rows(idle: Mapping[str, Money], window: Window, blank: tuple[str, ...]) -> list[Share]:
    rows = [
        Share((*blank, f"{node}/{IDLE}" if node else IDLE), window, money=money, minutes=window.hours * 60)
        for node, money in sorted(idle.items())
    ]
    return [each for each in rows if each.money.total > 0]


def _with_idle(
    found: Iterable[Share],
    groups: Mapping[tuple[str, ...], Sequence[PodCost]],
    allocation: Allocation,
    *,
    by_node: bool,
) -> tuple[list[Share], dict[str, Money]]:
    """Return groups with what is idle, by resource, and what nobody is there to bear."""
    idle = _idle(allocation, by_node=by_node)
    parts: dict[tuple[str, ...], dict[str, Money]] = {}
    sums: dict[str, Money] = defaultdict(Money)
    for key, costs in groups.items():
        mine: dict[str, Money] = defaultdict(Money)
        for each in costs:
            mine[each.node.name if by_node else ""] += each.money
        parts[key] = mine
        for place, money in mine.items():
            sums[place] += money
    borne = {place: _bearable(money, sums[place]) for place, money in idle.items()}
    shared = [
        replace(
            each,
            idle=sum(
                (
                    _part(borne.get(place, NO_MONEY), mine, sums[place])
                    for place, mine in parts[each.key].items()
                ),
                NO_MONEY,
            ),
        )
        for each in found
    ]
    return shared, {place: money.less(borne[place]) for place, money in idle.items()}


def _bearable(idle: Money, costs: Money) -> Money:
    """Return what of idle somebody is there to bear: of resources that any group has."""
    return Money(*(left if cost else 0.0 for left, cost in _pairs(idle, costs)))


def _part(idle: Money, mine: Money, costs: Money) -> Money:
    weights = (own / cost if cost else 0.0 for own, cost in _pairs(mine, costs))
    return idle.times(Money(*weights))


def _pairs(one: Money, other: Money) -> tuple[tuple[float, float], ...]:
    return ((one.cpu, other.cpu), (one.ram, other.ram), (one.gpu, other.gpu))


def _with_shared(found: Sequence[Share], usd: float, split: Split) -> list[Share]:
    total = sum(each.total_usd for each in found)
    even = split == "even" or not total
    return [
        replace(each, shared_usd=usd / len(found) if even else usd * each.total_usd / total) for each in found
    ]
