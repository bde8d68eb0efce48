"""What one node alone says about a shape: whether it fits, and its own part of the score."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache

from kubelab.scheduling.filters import Rejections, reject
from kubelab.scheduling.scores import (
    WEIGHTS,
    Score,
    balanced_allocation,
    image_locality,
    least_allocated,
    most_allocated,
)
from kubelab.scheduling.shapes import Shape
from kubelab.scheduling.snapshot import NodeInfo, Snapshot


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a node does not fit, or its terms if it does."""

    rejections: Rejections
    terms: tuple[Score, ...] = ()


Judge = Callable[[Shape, NodeInfo, Snapshot], Verdict]


@cache
def term(plugin: str, value: int) -> Score:
    """Return a term with upstream's weight; one object for each value."""
    return Score(plugin, value, WEIGHTS[plugin])


def total(terms: Iterable[Score]) -> int:
    """Return the weighted sum."""
    return sum(each.value * each.weight for each in terms)


def judge(shape: Shape, info: NodeInfo, snapshot: Snapshot) -> Verdict:
    """Filter and score one node."""
    rejections = reject(shape, info)
    return Verdict(rejections, () if rejections else _terms(shape, info, snapshot))


def _terms(shape: Shape, info: NodeInfo, snapshot: Snapshot) -> tuple[Score, ...]:
    fit = most_allocated if snapshot.scoring_strategy == "MostAllocated" else least_allocated
    resources = (
        term("NodeResourcesFit", fit(shape, info)),
        term("NodeResourcesBalancedAllocation", balanced_allocation(shape, info)),
    )
    if not snapshot.image_nodes:
        return resources
    images = image_locality(shape, info.node, snapshot.image_nodes, len(snapshot.nodes))
    return (*resources, term("ImageLocality", images))
