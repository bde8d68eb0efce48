"""InstanceScores from evidence: what a set's pods cost on a type, how fast it is, how far to rely on it.

Our own design; `kubelab.autoscaling.scores` says what each part means and how an expander uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.autoscaling.advisor import Advice
from kubelab.autoscaling.scores import Part, Score
from kubelab.client import INSTANCE_SCORES, Object
from kubelab.clock import rfc3339

PRIOR_NODES = 20
PRIOR_FAILURES = 1
"""What is assumed of a type before anything is seen: one node of twenty did not come or was taken back.

Adding these to what is seen is Laplace's smoothing, with a prior less gloomy than his one in two.
"""

NOT_MEASURED = "not measured: neutral"

Kind = tuple[str, str]
"""An instance type's name and its capacity type."""


@dataclass(frozen=True, slots=True)
class Experience:
    """What was seen of a type's nodes.

    Attributes
    ----------
    came : int
        How many nodes came.
    interruptions : int
        How many of them the provider took back.
    out_of_capacity : int
        How often the provider had none.
    """

    came: int = 0
    interruptions: int = 0
    out_of_capacity: int = 0

    @staticmethod
    def of(groups: Iterable[Object]) -> Experience:
        """Sum up what NodeGroup objects say."""
        statuses = [group.get("status") or {} for group in groups]
        return Experience(
            came=sum(each.get("lastNumber", 0) for each in statuses),
            interruptions=sum(each.get("interruptions", 0) for each in statuses),
            out_of_capacity=sum(each.get("outOfCapacityCount", 0) for each in statuses),
        )

    @property
    def reliability(self) -> Part:
        """100 x the smoothed share of nodes that came when asked for and were not taken back."""
        failures, asked = self.interruptions + self.out_of_capacity, self.came + self.out_of_capacity
        kept = max(asked - failures, 0) + PRIOR_NODES - PRIOR_FAILURES
        evidence = (
            f"{self.came} nodes came, {self.interruptions} taken back, {self.out_of_capacity} times "
            f"none to be had; smoothed by {PRIOR_FAILURES} failure in {PRIOR_NODES}"
        )
        return Part(round(100 * kept / max(asked + PRIOR_NODES, kept), 2), evidence)


def cost_parts(advice: Sequence[Advice]) -> dict[Kind, Part]:
    """Return 100 x the cheapest type's cost for the whole set / each type's; 0 where the set does not fit."""
    best = min((each.usd_per_hour for each in advice if each.fits), default=0.0)
    return {_kind(each): Part(_share(best, each), each.why) for each in advice}


def _share(best: float, advice: Advice) -> float:
    if not advice.fits:
        return 0.0
    return round(100 * best / advice.usd_per_hour, 2) if advice.usd_per_hour else 100.0


def _kind(advice: Advice) -> Kind:
    return advice.name, advice.candidate.capacity_type


def score_objects(
    advice: Sequence[Advice],
    experiences: Mapping[Kind, Experience],
    measured: Mapping[Kind, Part],
    *,
    node_group_set: str,
    at: datetime,
) -> list[Object]:
    """Return the InstanceScores of the types that were advised on.

    Parameters
    ----------
    advice : sequence of Advice
        For the set's pods, on each type.
    experiences : mapping
        What was seen of each type.
    measured : mapping
        Performance of the types that somebody measured; the others are neutral.
    node_group_set : str
        Whose pods these are; "" for the pods of no set.
    """
    costs = cost_parts(advice)
    found = []
    for each in advice:
        kind = _kind(each)
        experience = experiences.get(kind, Experience())
        performance = measured.get(kind, Part(100.0, NOT_MEASURED))
        score = Score(costs[kind], performance, experience.reliability)
        found.append(_object(each, score, experience, node_group_set, at))
    return found


def _object(advice: Advice, score: Score, experience: Experience, owner: str, at: datetime) -> Object:
    capacity_type, price = advice.candidate.capacity_type, advice.candidate.price
    return {
        "apiVersion": INSTANCE_SCORES.api_version,
        "kind": INSTANCE_SCORES.kind,
        "metadata": {"name": score_name(advice.candidate.type.provider, _kind(advice), owner)},
        "spec": {
            "instanceType": advice.name,
            "capacityType": capacity_type,
            **({"nodeGroupSet": owner} if owner else {}),
            "score": round(score.total, 2),
            "cost": {
                **_written(score.cost),
                "usdPerHour": round(advice.usd_per_hour, 6),
                "priceDate": price.date.isoformat(),
            },
            "performance": _written(score.performance),
            "reliability": {
                **_written(score.reliability),
                "interruptions": experience.interruptions,
                "outOfCapacity": experience.out_of_capacity,
            },
            "evaluatedAt": rfc3339(at),
        },
    }


def score_name(provider: str, kind: Kind, owner: str) -> str:
    """Return such as ``aws-m6i.2xlarge``, ``aws-m6i.2xlarge-spot``, ``web.aws-m6i.2xlarge`` for set web."""
    name, capacity_type = kind
    spot = "-spot" if capacity_type == "spot" else ""
    return f"{owner}{'.' if owner else ''}{provider}-{name}{spot}".lower().replace("_", "-")


def _written(part: Part) -> Object:
    return {"score": part.score, "evidence": part.evidence}
