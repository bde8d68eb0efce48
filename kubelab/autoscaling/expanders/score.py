"""``score``: what an option's pods cost in the long run, with what is known of its instance type.

Our own design; it weighs the whole option, nodes and pods, not the type alone. With n nodes at price p, and
sizes in CPU cores (memory and GPUs are converted at OpenCost's default rates):

    effective cost = n · p · (1 - fill · idle) / (pods' size · performance · reliability)

``idle`` is the share of the nodes that these pods leave free, and ``fill`` how much of it pods to come will
use: the cost score / 100, which says how well the whole set packs on this type. So a node that the set fills
is charged by use, one that the set cannot use is charged whole, and an unscored type is charged whole too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.autoscaling.choice import Choice, Situation, Term
from kubelab.autoscaling.expanders.price import gpus, kind, price_term
from kubelab.autoscaling.expanders.ranking import Weighed, above, below, lowest
from kubelab.autoscaling.option import Option
from kubelab.autoscaling.scores import Part, Score, Scores
from kubelab.costs.prices import Price, Prices
from kubelab.scheduling.requests import Amounts

CPU_USD_PER_HOUR = 0.031611
MEMORY_USD_PER_GIB_HOUR = 0.004237
GPU_USD_PER_HOUR = 0.95
"""OpenCost's default rates (``configs/default.json``): only their proportions matter here."""

GIB = 1024**3
LEAST_SIZE = 0.05
"""In cores: what pods that ask for next to nothing count as together."""

LEAST_FACTOR = 0.01
"""What a performance or reliability of 0 counts as."""


@dataclass(frozen=True, slots=True)
class _Effective:
    """The parts of an option's effective cost."""

    usd_per_hour: float
    fill: float
    idle: float
    served: float

    @property
    def cost(self) -> float:
        return self.usd_per_hour * (1 - self.fill * self.idle) / self.served


class BestScore:
    """Keeps the options of the lowest effective cost.

    Options without a price lose to those with one. Without any price, the highest total score wins; without
    any score either, all are kept.

    Parameters
    ----------
    scores : Scores
        What is known of instance types.
    prices : Prices
        What nodes cost.
    """

    name = "score"

    def __init__(self, scores: Scores, prices: Prices) -> None:
        self.scores = scores
        self.prices = prices

    def choose(self, options: Sequence[Option], situation: Situation) -> Choice:
        """Rank by effective cost."""
        del situation
        if any(self.prices.of(option.template.labels) for option in options):
            return lowest(self.name, [self._weigh(option) for option in options], self._cheaper)
        return lowest(self.name, [self._by_score(option) for option in options], _higher)

    def _weigh(self, option: Option) -> Weighed:
        price, score = self._known(option)
        if price is None:
            return Weighed(option, None, (), f"no price is known of {kind(option)}")
        parts = _effective(option, price, score)
        terms = (
            price_term(price),
            Term("nodes", option.node_count),
            Term("idle share", parts.idle, "", "of allocatable, after these pods"),
            Term("share of idle that fills", parts.fill, "", score.cost.evidence if score else "no score"),
            *(Term(f"{name} score", each.score, "", each.evidence) for name, each in _parts(score)),
            Term("effective cost", parts.cost, "USD/h per core served"),
        )
        charged = 1 - parts.fill * parts.idle
        why = (
            f"its pods cost {parts.cost:.4g} USD/h per core served: {option.node_count} x {price} a node, "
            f"{charged:.0%} charged to them ({parts.idle:.0%} is idle, of which {parts.fill:.0%} will fill)"
        )
        return Weighed(option, parts.cost, terms, why)

    def _by_score(self, option: Option) -> Weighed:
        _, score = self._known(option)
        if score is None:
            return Weighed(option, None, (), f"neither price nor score is known of {kind(option)}")
        terms = (Term("score", score.total, "of 100", score.evidence),)
        return Weighed(option, -score.total, terms, f"its score is {score.total:.4g}; no prices are known")

    def _known(self, option: Option) -> tuple[Price | None, Score | None]:
        return self.prices.of(option.template.labels), self.scores.of(option.template.labels)

    def _cheaper(self, weighed: Weighed, best: float) -> str:
        price, score = self._known(weighed.option)
        if price is None or weighed.rank is None:
            return "needs a price"
        limit = price.usd_per_hour * best / weighed.rank
        ways = [f"must cost less than {below(limit)} USD/h a node (it costs {price})"]
        parts = _effective(weighed.option, price, score)
        if parts.idle:
            fill = (1 - best * parts.served / parts.usd_per_hour) / parts.idle
            if fill < 1:
                known = f"it has {100 * parts.fill:.4g}" if score else "it has none"
                ways.append(f"have a cost score above {above(100 * fill)} ({known})")
        return " or ".join(ways)


def _effective(option: Option, price: Price, score: Score | None) -> _Effective:
    bought = size(option.template.allocatable) * option.node_count
    served = size(option.requests)
    factor = 1.0
    for _, part in _parts(score):
        factor *= max(part.score / 100, LEAST_FACTOR)
    return _Effective(
        usd_per_hour=price.usd_per_hour * option.node_count,
        fill=score.cost.score / 100 if score else 0.0,
        idle=max(0.0, 1 - served / bought) if bought else 0.0,
        served=max(served, LEAST_SIZE) * factor,
    )


def _parts(score: Score | None) -> list[tuple[str, Part]]:
    return [("performance", score.performance), ("reliability", score.reliability)] if score else []


def size(amounts: Amounts) -> float:
    """Return resources as CPU cores of the same price."""
    memory = amounts.get("memory", 0) / GIB * MEMORY_USD_PER_GIB_HOUR / CPU_USD_PER_HOUR
    return amounts.get("cpu", 0) / 1000 + memory + gpus(amounts) * GPU_USD_PER_HOUR / CPU_USD_PER_HOUR


def _higher(weighed: Weighed, best: float) -> str:
    own = f"it has {-weighed.rank:.4g}" if weighed.rank is not None else "it has none"
    return f"must have a score above {above(-best)} ({own})"
