"""How urgently a pod is to be given what is recommended for it, and whether at all. Pure decisions.

After upstream's ``pkg/updater/priority`` of VPA 1.7.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339
from kubelab.rightsizing.application import Amounts, Recommended, amounts_of
from kubelab.rightsizing.policies import ContainerPolicy

OBSERVED_CONTAINERS = "vpaObservedContainers"
"""The annotation by which admission says which containers it knew."""

_OOM = "OOMKilled"


@dataclass(frozen=True, slots=True)
class Due:
    """When an update is due: upstream's flags.

    Attributes
    ----------
    min_change : float
        By how much requests must differ, as the sum of both resources' fractions, once a pod is old.
    lifetime_s, oom_s : float
        When a pod is old; how soon after its start being killed for memory counts.
    """

    min_change: float = 0.1
    lifetime_s: float = 12 * 3600.0
    oom_s: float = 600.0


@dataclass(frozen=True, slots=True)
class Priority:
    """How urgent a pod's update is.

    Attributes
    ----------
    outside : bool
        Whether a request is outside its recommended range.
    grows : bool
        Whether a container is to have more; such pods come first.
    difference : float
        The sum over resources of the change as a fraction of what the pod asks for.
    """

    outside: bool
    grows: bool
    difference: float

    @property
    def rank(self) -> tuple[bool, float]:
        """Sorts the most urgent first."""
        return not self.grows, -self.difference


def priority(pod: Object, recommended: Mapping[str, Recommended]) -> Priority:
    """Return how far a pod's requests are from what is recommended."""
    outside = grows = False
    asked, wanted = Counter[str](), Counter[str]()
    for name, each in _known(pod, recommended):
        requests = requests_of(pod, name)
        for resource, target in each.target.items():
            wanted[resource] += target
            request = requests.get(resource)
            if request is None:
                outside = grows = True
                continue
            asked[resource] += request
            grows = grows or target > request
            outside = outside or not (
                each.lower.get(resource, request) <= request <= each.upper.get(resource, request)
            )
    # Requests of nothing count as a thousandth of a unit, as upstream.
    difference = sum(
        abs(_thousandths(name, asked[name]) - _thousandths(name, total, least=0))
        / _thousandths(name, asked[name])
        for name, total in wanted.items()
    )
    return Priority(outside, grows, difference)


def reason_to_update(
    pod: Object, found: Priority, autoscaler: Object, now: datetime, due: Due = Due()
) -> str:
    """Return why a pod is to be updated, "" if it is not."""
    if _was_killed_early(pod, autoscaler, due):
        return "killed for memory soon after its start" if found.difference else ""
    if found.outside:
        return "requests are outside the recommended range"
    started = (pod.get("status") or {}).get("startTime")
    if not started or now < parse_rfc3339(started) + timedelta(seconds=due.lifetime_s):
        return ""
    return f"requests differ by {found.difference:.0%}" if found.difference >= due.min_change else ""


def is_required(pod: Object, recommended: Mapping[str, Recommended], autoscaler: Object) -> bool:
    """Say whether the autoscaler's requirements of evictions are met by one of the pod's containers."""
    policy = autoscaler["spec"].get("updatePolicy") or {}
    requirements = policy.get("evictionRequirements")
    if not requirements:
        return True
    return any(
        _meets(requests_of(pod, name), each.target, requirements) for name, each in recommended.items()
    )


def requests_of(pod: Object, container: str) -> Amounts:
    """Return what a container has, or asks for where its node does not tell."""
    status = pod.get("status") or {}
    told = (*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ()))
    for entry in told:
        if entry["name"] == container and entry.get("resources") is not None:
            return amounts_of(entry["resources"].get("requests"))
    spec = pod["spec"]
    for each in (*spec["containers"], *(spec.get("initContainers") or ())):
        if each["name"] == container:
            return amounts_of((each.get("resources") or {}).get("requests"))
    return {}


def _known(pod: Object, recommended: Mapping[str, Recommended]) -> Iterator[tuple[str, Recommended]]:
    """Yield what is recommended for the containers that were there when the pod was admitted."""
    observed = (pod["metadata"].get("annotations") or {}).get(OBSERVED_CONTAINERS)
    names = None if observed is None else {each.strip() for each in observed.split(",")}
    yield from ((name, each) for name, each in recommended.items() if names is None or name in names)


def _thousandths(name: str, amount: int, least: int = 1) -> float:
    """Return an amount as upstream's ``MilliValue``."""
    return float(max(amount if name == "cpu" else amount * 1000, least))


def _was_killed_early(pod: Object, autoscaler: Object, due: Due) -> bool:
    policy = autoscaler["spec"].get("updatePolicy") or {}
    within_s = policy.get("evictAfterOOMSeconds") or due.oom_s
    for entry in (pod.get("status") or {}).get("containerStatuses") or ():
        ended = (entry.get("lastState") or {}).get("terminated") or {}
        is_off = ContainerPolicy.of(autoscaler, entry["name"]).off
        if ended.get("reason") == _OOM and not is_off and ended.get("startedAt"):
            ran = parse_rfc3339(ended["finishedAt"]) - parse_rfc3339(ended["startedAt"])
            if ran.total_seconds() < within_s:
                return True
    return False


def _meets(requests: Amounts, target: Amounts, requirements: list[Object]) -> bool:
    if not {"cpu", "memory"} <= set(requests):
        return True
    return all(
        any(_changes(requests, target, name, each["changeRequirement"]) for name in each["resources"])
        for each in requirements
    )


def _changes(requests: Amounts, target: Amounts, name: str, requirement: str) -> bool:
    had, wanted = requests.get(name, 0), target.get(name, 0)
    return wanted > had if requirement == "TargetHigherThanRequests" else wanted < had
