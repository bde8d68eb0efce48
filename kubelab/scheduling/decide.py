"""The decision itself: filter every node, score those that fit, take the best.

`decide` is pure and says everything there is to say. `kubelab.scheduling.ranking` reaches the same
decision faster for pods that can be judged node by node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.scheduling.affinity import HardAffinity, affinity_scores
from kubelab.scheduling.decision import Decision, Rejected
from kubelab.scheduling.filters import Rejections
from kubelab.scheduling.judge import Judge, judge, term, total
from kubelab.scheduling.scores import MAX_SCORE, Score, intolerable, node_preference, normalize
from kubelab.scheduling.shapes import Shape
from kubelab.scheduling.snapshot import NodeInfo, PodInfo, Snapshot
from kubelab.scheduling.spread import HardSpread, spread_scores
from kubelab.scheduling.volumes import BlockedError, Mounts


def decide(pod: PodInfo, snapshot: Snapshot, alone: Judge = judge) -> Decision:
    """Choose a node for a pod.

    Parameters
    ----------
    pod : PodInfo
        The pod to place.
    snapshot : Snapshot
        The cluster.
    alone : callable
        What judges one node alone; a memory of earlier answers may stand in for `judge.judge`.
    """
    try:
        checks = Checks.of(pod, snapshot, alone)
    except BlockedError as blocked:
        return Decision(pod.key, len(snapshot.nodes), blocked=str(blocked))
    feasible, rejected = _filter(checks)
    if not feasible:
        return Decision(pod.key, len(snapshot.nodes), rejected=rejected)
    terms = score(pod, feasible, snapshot, alone)
    best = max(range(len(feasible)), key=lambda at: (total(terms[at]), -feasible[at].node.tie))
    volumes = checks.mounts.choices(feasible[best].node) if checks.mounts else ()
    return Decision(
        pod.key, len(snapshot.nodes), feasible[best].name, terms[best], rejected, volumes=volumes or ()
    )


def _filter(checks: Checks) -> tuple[list[NodeInfo], Rejected]:
    nodes = checks.snapshot.nodes
    nominated = nodes.get(checks.pod.nominated_node)
    if nominated is not None and not checks.reject(nominated):
        return [nominated], Rejected()
    feasible: list[NodeInfo] = []
    rejected = Rejected()
    for info in nodes.values():
        why = checks.reject(info)
        if why:
            rejected[info.name] = why
        else:
            feasible.append(info)
    return feasible, rejected


@dataclass(frozen=True, slots=True)
class Checks:
    """The filters for one pod, with what they had to learn of the whole cluster first."""

    pod: PodInfo
    snapshot: Snapshot
    alone: Judge
    mounts: Mounts | None
    spread: HardSpread | None
    affinity: HardAffinity | None

    @staticmethod
    def of(pod: PodInfo, snapshot: Snapshot, alone: Judge = judge) -> Checks:
        """Prepare the filters.

        Raises
        ------
        BlockedError
            If no node can do, whichever it is.
        """
        mounts = Mounts.of(pod, snapshot)
        spread = HardSpread.of(pod, snapshot.nodes.values())
        return Checks(pod, snapshot, alone, mounts, spread, HardAffinity.of(pod, snapshot))

    def reject(self, info: NodeInfo) -> Rejections:
        """Return why the pod does not fit a node, on which room may be reserved for others."""
        return (
            self.alone(self.pod.shape, self._with_nominated(info), self.snapshot).rejections
            or (self.mounts.reject(info.node) if self.mounts else ())
            or (self.spread.reject(info.node) if self.spread else ())
            or (self.affinity.reject(info.node) if self.affinity else ())
        )

    def _with_nominated(self, info: NodeInfo) -> NodeInfo:
        for other in self.snapshot.nominated.get(info.name, ()):
            if other.priority >= self.pod.priority and other.uid != self.pod.uid:
                info = info.plus(other)
        return info


def score(
    pod: PodInfo, feasible: Sequence[NodeInfo], snapshot: Snapshot, alone: Judge = judge
) -> list[tuple[Score, ...]]:
    """Return each feasible node's terms."""
    columns = {
        "TaintToleration": _tolerance(pod.shape, feasible, snapshot),
        "NodeAffinity": _preference(pod.shape, feasible),
        "PodTopologySpread": spread_scores(pod, feasible, snapshot),
        "InterPodAffinity": affinity_scores(pod, [info.node for info in feasible], snapshot),
    }
    compared = [(name, column) for name, column in columns.items() if column is not None]
    return [
        (*(term(name, column[at]) for name, column in compared), *alone(pod.shape, info, snapshot).terms)
        for at, info in enumerate(feasible)
    ]


def _tolerance(shape: Shape, feasible: Sequence[NodeInfo], snapshot: Snapshot) -> list[int]:
    if not snapshot.nodes_preferring_none:
        return [MAX_SCORE] * len(feasible)
    return normalize([intolerable(shape, info.node) for info in feasible], reverse=True)


def _preference(shape: Shape, feasible: Sequence[NodeInfo]) -> list[int] | None:
    if not shape.preferred_nodes:
        return None
    return normalize([node_preference(shape, info.node) for info in feasible])
