"""InstanceScore objects, as the score expander reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubelab.autoscaling.option import CAPACITY_TYPE, INSTANCE_TYPE
from kubelab.autoscaling.scores import Part, Score
from kubelab.client import Object


class InstanceScores:
    """Scores by instance type and how it is bought.

    Parameters
    ----------
    objects : iterable of dict
        InstanceScore objects.
    """

    def __init__(self, objects: Iterable[Object]) -> None:
        self._scores = {_key(each["spec"]): _score(each["spec"]) for each in objects}

    def of(self, labels: Mapping[str, str]) -> Score | None:
        """Return the score of a node with these labels; None if there is none."""
        key = labels.get(INSTANCE_TYPE, ""), labels.get(CAPACITY_TYPE, "on-demand")
        return self._scores.get(key)


def _key(spec: Object) -> tuple[str, str]:
    return spec["instanceType"], spec.get("capacityType", "on-demand")


def _score(spec: Object) -> Score:
    return Score(_part(spec.get("cost")), _part(spec.get("performance")), _part(spec.get("reliability")))


def _part(spec: Object | None) -> Part:
    found = spec or {}
    return Part(float(found.get("score") or 0), str(found.get("evidence") or ""))
