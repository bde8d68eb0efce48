"""Which pods would have to go so that a more important one fits.

Source: ``framework/preemption`` and ``plugins/defaultpreemption`` (v1.37): on each node whose rejection
could be resolved, remove everything of lower priority, put back what can stay (pods that a disruption
budget protects first), and take the node where the least is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kubelab.scheduling.decide import Checks
from kubelab.scheduling.decision import NO_VICTIMS, NOT_HELPFUL, Decision, Preemption, unavailable
from kubelab.scheduling.filters import Rejections
from kubelab.scheduling.snapshot import Budget, NodeInfo, PodInfo, Snapshot

MIN_CANDIDATES = 100
"""``minCandidateNodesAbsolute``."""
MIN_CANDIDATES_PERCENT = 10
"""``minCandidateNodesPercentage``."""

NEVER = "not eligible due to preemptionPolicy=Never."
WAITING = "not eligible due to a terminating pod on the nominated node."


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node with the pods that would go, most important first."""

    info: NodeInfo
    victims: tuple[PodInfo, ...]
    budgets_violated: int

    @property
    def loss(self) -> tuple[int, int, int, int, tuple[int, ...], int]:
        """What is lost, to compare by: upstream's ordered score functions, then the tie break."""
        top = self.victims[0].priority
        earliest = min(_started(pod) for pod in self.victims if pod.priority == top)
        return (
            self.budgets_violated,
            top,
            sum(pod.priority + 2**31 for pod in self.victims),
            len(self.victims),
            tuple(-ord(letter) for letter in earliest),
            self.info.node.tie,
        )


def preempt(pod: PodInfo, snapshot: Snapshot, decision: Decision, budgets: Sequence[Budget]) -> Preemption:
    """Look for room that removing pods would make.

    Parameters
    ----------
    pod : PodInfo
        The pod that does not fit.
    snapshot : Snapshot
        The cluster it does not fit in.
    decision : Decision
        Why not.
    budgets : sequence of Budget
        The disruption budgets to respect where possible.
    """
    if not pod.shape.may_preempt:
        return Preemption(message=NEVER)
    if _is_waiting(pod, snapshot):
        return Preemption(message=WAITING)
    helped = decision.rejected.resolvable
    reasons = Counter({NOT_HELPFUL: decision.nodes - len(helped)})
    if snapshot.lowest_priority is None or snapshot.lowest_priority >= pod.priority:
        reasons[NO_VICTIMS] += len(helped)
        return Preemption(message=unavailable(decision.nodes, reasons))
    candidates = _candidates(pod, snapshot, helped, budgets, reasons)
    if not candidates:
        return Preemption(message=unavailable(decision.nodes, reasons))
    best = min(candidates, key=lambda each: each.loss)
    return Preemption(best.info.name, tuple(each.key for each in best.victims), best.budgets_violated)


def _is_waiting(pod: PodInfo, snapshot: Snapshot) -> bool:
    info = snapshot.nodes.get(pod.nominated_node)
    return info is not None and any(
        other.terminating and other.disrupted and other.priority < pod.priority
        for other in info.pods.values()
    )


def _candidates(
    pod: PodInfo, snapshot: Snapshot, names: Iterable[str], budgets: Sequence[Budget], reasons: Counter[str]
) -> list[Candidate]:
    infos = sorted((snapshot.nodes[name] for name in names), key=lambda info: info.node.tie)
    enough = max(MIN_CANDIDATES, len(infos) * MIN_CANDIDATES_PERCENT // 100)
    found: list[Candidate] = []
    for info in infos:
        candidate = victims_on(pod, info, snapshot, budgets)
        if isinstance(candidate, Candidate):
            found.append(candidate)
            if len(found) >= enough:
                break
        else:
            reasons.update(candidate)
    return found


def victims_on(
    pod: PodInfo, info: NodeInfo, snapshot: Snapshot, budgets: Sequence[Budget]
) -> Candidate | list[str]:
    """Return the fewest pods that would have to go from one node, or why no removal helps."""
    lower = [other for other in info.pods.values() if other.priority < pod.priority]
    if not lower:
        return [NO_VICTIMS]
    for other in lower:
        info = info.minus(other)
    why = _rejections(pod, info, snapshot)
    if why:
        return [each.reason for each in why]
    violating, harmless = _split(sorted(lower, key=_importance), budgets)
    victims: list[PodInfo] = []
    violated = 0
    for other in (*violating, *harmless):
        kept = info.plus(other)
        if _rejections(pod, kept, snapshot):
            victims.append(other)
            violated += other in violating
        else:
            info = kept
    return Candidate(info, tuple(sorted(victims, key=_importance)), violated)


def _rejections(pod: PodInfo, info: NodeInfo, snapshot: Snapshot) -> Rejections:
    changed = (
        replace(snapshot, nodes={**snapshot.nodes, info.name: info})
        if _looks_around(pod, snapshot)
        else snapshot
    )
    return Checks.of(pod, changed).reject(info)


def _looks_around(pod: PodInfo, snapshot: Snapshot) -> bool:
    return not pod.shape.local or snapshot.pods_with_terms > 0


def _importance(pod: PodInfo) -> tuple[int, str]:
    return -pod.priority, _started(pod)


def _started(pod: PodInfo) -> str:
    return pod.started or pod.created


def _split(pods: Iterable[PodInfo], budgets: Sequence[Budget]) -> tuple[list[PodInfo], list[PodInfo]]:
    allowed = [budget.disruptions_allowed for budget in budgets]
    violating: list[PodInfo] = []
    harmless: list[PodInfo] = []
    for pod in pods:
        exceeded = False
        for at, budget in enumerate(budgets):
            if _protects(budget, pod):
                allowed[at] -= 1
                exceeded = exceeded or allowed[at] < 0
        (violating if exceeded else harmless).append(pod)
    return violating, harmless


def _protects(budget: Budget, pod: PodInfo) -> bool:
    return (
        budget.namespace == pod.namespace
        and bool(budget.selector.requirements)
        and budget.selector.matches(pod.labels)
        and pod.name not in budget.disrupted_pods
    )
