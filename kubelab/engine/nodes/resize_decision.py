"""Which resizes a node can carry out now. Pure decisions.

As the kubelet's ``pkg/kubelet/allocation`` (v1.37): a resize is admitted like a new pod, beside what the
other pods were given; what the node can never do is infeasible, what does not fit now is deferred.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubelab.scheduling.resizing import DEFERRED, INFEASIBLE

Amounts = Mapping[str, int]
"""CPU in millicores, memory in bytes."""

_POD_LEVEL = "In-place pod-level resources resize is not supported on this node"
_QOS_ORDER = {"Guaranteed": 0}


@dataclass(frozen=True, slots=True)
class Resident:
    """A pod on the node.

    Attributes
    ----------
    held : mapping of str to int
        Its requests as the node counts them.
    wanted : mapping of str to int or None
        The requests it asks for; None if that is what it was given.
    pod_level : bool
        Whether what it asks for differs in the resources of the pod as a whole.
    since : str
        RFC 3339 time at which its resize was first put off; empty if it was not.
    """

    uid: str
    held: Amounts
    wanted: Amounts | None = None
    pod_level: bool = False
    priority: int = 0
    qos_class: str = "Burstable"
    since: str = ""

    @property
    def grows(self) -> bool:
        """Whether it asks for more than it holds."""
        return any(amount > self.held.get(name, 0) for name, amount in (self.wanted or {}).items())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a resize: accepted, or why not.

    Attributes
    ----------
    cause : str
        ``OutOfcpu``, ``OutOfmemory`` or ``Infeasible``; empty if it is accepted.
    """

    cause: str = ""
    message: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the node gives the pod what it asks for."""
        return not self.cause

    @property
    def reason(self) -> str:
        """The reason of the pod's condition."""
        return INFEASIBLE if self.cause == INFEASIBLE else DEFERRED


def decide(residents: Iterable[Resident], allocatable: Amounts) -> dict[str, Verdict]:
    """Return a verdict for every pod that wants a resize, by uid; each counts those before it as done.

    First come those that do not grow, then by priority, Guaranteed pods, and those put off the longest.
    """
    pods = list(residents)
    held = {pod.uid: pod.held for pod in pods}
    verdicts = {}
    for pod in sorted((each for each in pods if each.wanted is not None), key=_rank):
        wanted = pod.wanted or {}
        used = Counter[str]()
        for uid, amounts in held.items():
            if uid != pod.uid:
                used.update(amounts)
        verdicts[pod.uid] = verdict = _judge(pod, wanted, used, allocatable)
        if verdict.accepted:
            held[pod.uid] = wanted
    return verdicts


def _rank(pod: Resident) -> tuple[bool, int, int, bool, str]:
    return pod.grows, -pod.priority, _QOS_ORDER.get(pod.qos_class, 1), not pod.since, pod.since


def _judge(pod: Resident, wanted: Amounts, used: Amounts, allocatable: Amounts) -> Verdict:
    if pod.pod_level:
        return Verdict(INFEASIBLE, _POD_LEVEL)
    for name in ("cpu", "memory"):
        asked, taken, there = wanted.get(name, 0), used.get(name, 0), allocatable.get(name, 0)
        if asked and asked > there - taken:
            figures = f"requested: {asked}, used: {taken}, capacity: {there}"
            return Verdict(f"OutOf{name}", f"Node didn't have enough resource: {name}, {figures}")
    return Verdict()
