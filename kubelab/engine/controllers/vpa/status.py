"""What the status of a VerticalPodAutoscaler says. Pure.

Upstream: ``pkg/recommender/model/vpa.go`` and ``input/cluster_feeder.go`` of VPA 1.7. ``LowConfidence``,
which upstream describes but never sets, is true while a container was seen for less than a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kubelab.client import Object
from kubelab.rightsizing.recommender import ContainerRecommendation
from kubelab.rightsizing.scopes import recommendation_groups

PROVIDED = "RecommendationProvided"
NO_PODS = "NoPodsMatched"
LOW_CONFIDENCE = "LowConfidence"
UNSUPPORTED = "ConfigUnsupported"

_NO_PODS_SAID = "No pods match this VPA object"
_ENOUGH_DAYS = 1.0


def new_status(
    autoscaler: Object,
    recommendations: Sequence[ContainerRecommendation],
    *,
    groups: Mapping[str, Sequence[ContainerRecommendation]],
    matched: bool,
    problem: str,
    now: str,
) -> Object:
    """Return an autoscaler's status after a round.

    Parameters
    ----------
    groups : mapping
        What is recommended on each kind of node, by scope value; empty without a scope.
    matched : bool
        Whether there are pods.
    problem : str
        Why its target cannot be used; empty if it can.
    """
    reason, said = ("", "") if matched else (NO_PODS, _NO_PODS_SAID)
    wanted = [_condition(PROVIDED) if recommendations else _condition(PROVIDED, said, reason, is_true=False)]
    if not matched:
        wanted.append(_condition(NO_PODS, said, reason))
    if problem:
        wanted.append(_condition(UNSUPPORTED, problem))
    if unsure := [each for each in recommendations if each.confidence < _ENOUGH_DAYS]:
        wanted.append(_condition(LOW_CONFIDENCE, _unsure(unsure)))
    status: Object = {"conditions": _since(wanted, (autoscaler.get("status") or {}).get("conditions"), now)}
    if recommendations:
        listed = [each.as_object() for each in recommendations]
        status["recommendation"] = {"containerRecommendations": listed}
    if known := {value: [each.as_object() for each in found] for value, found in groups.items() if found}:
        status["recommendationGroups"] = recommendation_groups(known)
    return status


def _condition(kind: str, message: str = "", reason: str = "", *, is_true: bool = True) -> Object:
    told = {key: text for key, text in (("reason", reason), ("message", message)) if text}
    return {"type": kind, "status": "True" if is_true else "False", **told}


def _since(wanted: list[Object], old: Iterable[Object] | None, now: str) -> list[Object]:
    """Return conditions in the order of their types, each with the time of its last change."""
    before = {each["type"]: each for each in old or ()}
    found = []
    for condition in sorted(wanted, key=lambda each: str(each["type"])):
        known = before.get(condition["type"], {})
        same = known.get("status") == condition["status"]
        found.append({**condition, "lastTransitionTime": known["lastTransitionTime"] if same else now})
    return found


def _unsure(recommendations: Sequence[ContainerRecommendation]) -> str:
    names = ", ".join(each.container for each in recommendations)
    return f"Containers seen for less than a day: {names}"
