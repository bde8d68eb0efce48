"""``least-waste``: the smallest share of CPU and memory that stays idle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.autoscaling.choice import Choice, Situation, Term
from kubelab.autoscaling.expanders.ranking import Weighed, above, below, lowest
from kubelab.autoscaling.option import Option

GIB = 1024**3


class LeastWaste:
    """Keeps the options that waste least (``expander/waste``).

    Notes
    -----
    Upstream's formula: (available - requested) / available of CPU, plus the same of memory, where available
    is the template's capacity, not its allocatable, times the nodes.
    """

    name = "least-waste"

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank by waste."""
        del situation
        return lowest(self.name, [_weigh(option) for option in options], _less_waste)


@dataclass(frozen=True, slots=True)
class _Use:
    """How much of a resource an option buys and uses, in ``unit``."""

    name: str
    unit: str
    scale: int
    available: int
    requested: int

    @property
    def waste(self) -> float:
        return (self.available - self.requested) / self.available if self.available else 0.0


def _uses(option: Option) -> tuple[_Use, ...]:
    capacity = option.template.capacity
    return tuple(
        _Use(name, unit, scale, capacity.get(name, 0) * option.node_count, option.requests.get(name, 0))
        for name, unit, scale in (("cpu", "cores", 1000), ("memory", "GiB", GIB))
    )


def _weigh(option: Option) -> Weighed:
    uses = _uses(option)
    waste = sum(use.waste for use in uses)
    terms = tuple(Term(f"wasted {use.name}", use.waste, "", _evidence(use)) for use in uses)
    shares = " and ".join(f"{use.waste:.1%} of {use.name}" for use in uses)
    return Weighed(option, waste, terms, f"it wastes {shares}, together {waste:.4g}")


def _evidence(use: _Use) -> str:
    available, requested = use.available / use.scale, use.requested / use.scale
    return f"{requested:.4g} of {available:.4g} {use.unit} of capacity requested"


def _less_waste(weighed: Weighed, best: float) -> str:
    """Say how much more its pods would have to ask for on the same nodes."""
    excess = sum(use.waste for use in _uses(weighed.option)) - best
    ways = [
        f"more than {above(excess * use.available / use.scale)} {use.unit} of {use.name}"
        for use in _uses(weighed.option)
        if use.available and excess < use.waste
    ]
    more = " or ".join(ways) if ways else f"CPU and memory, {excess:.4g} of its nodes in all,"
    return f"must waste less than {below(best)}: its pods would have to ask for {more} more on these nodes"
