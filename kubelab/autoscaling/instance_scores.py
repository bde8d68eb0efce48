"""InstanceScore objects, as the score expander reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubelab.autoscaling.node_group_set import NODE_GROUP_SET
from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE
from kubelab.autoscaling.scores import Part, Score
from kubelab.client import Object
from kubelab.errors import KubelabError

UNKNOWN = {"cost": Part(0), "performance": Part(100), "reliability": Part(100)}
"""What a part that is left out counts as: no room is held to fill, and nothing is held against the type."""


class ScoreError(KubelabError, ValueError):
    """An InstanceScore that cannot be used."""

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"the InstanceScore {name or 'without a name'} cannot be used: {problem}")


class InstanceScores:
    """Scores by node group set, instance type and how it is bought.

    Parameters
    ----------
    objects : iterable of dict
        InstanceScore objects.

    Raises
    ------
    ScoreError
        If one of them names no type, or a score of it is no number from 0 to 100.
    """

    def __init__(self, objects: Iterable[Object] = ()) -> None:
        self._scores = dict(_read(each) for each in objects)

    def of(self, labels: Mapping[str, str]) -> Score | None:
        """Return the score of a node with these labels, for the pods of its set; None if there is none."""
        kind = labels.get(INSTANCE_TYPE, ""), labels.get(CAPACITY_TYPE, "on-demand")
        own = self._scores.get((labels.get(NODE_GROUP_SET, ""), *kind))
        return own or self._scores.get(("", *kind))

    def __len__(self) -> int:
        return len(self._scores)


def _read(obj: Object) -> tuple[tuple[str, str, str], Score]:
    name, spec = (obj.get("metadata") or {}).get("name") or "", obj.get("spec") or {}
    if not spec.get("instanceType"):
        raise ScoreError(name, "it names no instanceType.")
    score = Score(**{part: _part(name, part, spec.get(part)) for part in UNKNOWN})
    kind = spec["instanceType"], spec.get("capacityType") or "on-demand"
    return (spec.get("nodeGroupSet") or "", *kind), score


def _part(name: str, part: str, read: Object | None) -> Part:
    if not read:
        return UNKNOWN[part]
    score = read.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 100:
        raise ScoreError(name, f"spec.{part}.score is {score!r}. Write a number from 0 to 100.")
    return Part(float(score), str(read.get("evidence") or ""))
