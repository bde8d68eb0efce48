"""`Score`: what is known of an instance type beyond its price, and how it makes a price effective.

This is our own design. The idea of scores that an expander reads is Datadog's (KubeCon talk on node group
sets); no formula of theirs is public.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE
from kubelab.client import Object
from kubelab.errors import KubelabError

WEIGHTS = {"cost": 0.6, "performance": 0.2, "reliability": 0.2}
"""What each part counts in the total."""


class ScoreError(KubelabError, ValueError):
    """An InstanceScore that cannot be used."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"the InstanceScore {name or 'without a name'} cannot be used: {problem}")


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

    @staticmethod
    def of(obj: Object) -> Score:
        """Read an InstanceScore.

        Raises
        ------
        ScoreError
            If a part is missing, or is no number from 0 to 100.
        """
        name, spec = (obj.get("metadata") or {}).get("name") or "", obj.get("spec") or {}
        return Score(**{part: _part(name, part, spec.get(part)) for part in WEIGHTS})

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


class ScoreTable:
    """Scores by instance type and capacity type.

    Parameters
    ----------
    objects : iterable of dict
        InstanceScores.

    Raises
    ------
    ScoreError
        If one of them cannot be used.
    """

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._by_kind: dict[tuple[str, str], Score] = {}
        for each in objects:
            spec = each.get("spec") or {}
            if not spec.get("instanceType"):
                raise ScoreError((each.get("metadata") or {}).get("name") or "", "it names no instanceType")
            self._by_kind[spec["instanceType"], spec.get("capacityType") or "on-demand"] = Score.of(each)

    def of(self, labels: Mapping[str, str]) -> Score | None:
        """Return the score of a node with these labels; None if unknown."""
        return self._by_kind.get((labels.get(INSTANCE_TYPE, ""), labels.get(CAPACITY_TYPE, "on-demand")))

    def __len__(self) -> int:
        return len(self._by_kind)


def _part(name: str, part: str, read: object) -> Part:
    known = read if isinstance(read, dict) else {}
    score = known.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 100:
        raise ScoreError(name, f"spec.{part}.score is {score!r}. Write a number from 0 to 100.")
    return Part(float(score), str(known.get("evidence") or ""))
