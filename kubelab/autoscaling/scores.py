"""`Score`: what is known of an instance type beyond its price, and how it makes a price effective.

This is our own design. The idea of scores that an expander reads is Datadog's (KubeCon talk on node group
sets); no formula of theirs is public.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

WEIGHTS = {"cost": 0.6, "performance": 0.2, "reliability": 0.2}
"""What each part counts in the total."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score.

    Attributes
    ----------
    score : float
        From 0 (worst) to 100 (best).
    evidence : str
        What it was found from.
    """

    score: float
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """How good an instance type is for the pods of its set.

    Attributes
    ----------
    cost : Part
        100 x the cost of the whole set on the type where it is cheapest / its cost on this type; 0 if the set
        does not fit this type.
    performance : Part
        100 x speed for the set's work / that of the fastest type.
    reliability : Part
        100 x the share of its nodes that came when asked for and were not taken back.
    """

    cost: Part
    performance: Part
    reliability: Part

    @property
    def total(self) -> float:
        """The weighted mean of the parts, from 0 to 100."""
        return sum(weight * self.parts[name].score for name, weight in WEIGHTS.items())

    @property
    def parts(self) -> Mapping[str, Part]:
        """The parts by name."""
        return {"cost": self.cost, "performance": self.performance, "reliability": self.reliability}

    @property
    def evidence(self) -> str:
        """Where the parts come from, in one line."""
        return "; ".join(f"{name}: {part.evidence}" for name, part in self.parts.items() if part.evidence)


class Scores(Protocol):
    """Knows how good nodes are."""

    def of(self, labels: Mapping[str, str]) -> Score | None:
        """Return the score of a node with these labels (instance type, capacity type); None if unknown."""
        ...
