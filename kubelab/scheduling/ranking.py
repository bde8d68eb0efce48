"""Decisions for many pods of one shape: nodes stay ranked, and only those that changed are judged again.

A pod without preferences between nodes or pods gets a score from each node alone. So a heap of nodes by
score stays right as long as every changed node is judged anew, and placing a pod costs one node's
filters and scores instead of a thousand's (compare KEP-5598). `decide` gives the same answer from
scratch; a property test holds the two together.

Measured for 5,000 pods onto 1,000 nodes (one core of a Xeon, Python 3.11), for each pod: from scratch
8.3 ms; with every node's verdict remembered but all of them compared 1.3 ms; the nodes as numpy arrays
0.035 ms and 17 MB more memory; ranked, as here, 0.023 ms.
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heapify, heappop, heappush

from kubelab.scheduling.decide import decide
from kubelab.scheduling.decision import Decision, Rejected
from kubelab.scheduling.filters import Rejections
from kubelab.scheduling.judge import Verdict, judge, term, total
from kubelab.scheduling.scores import MAX_SCORE, Score
from kubelab.scheduling.shapes import Shape
from kubelab.scheduling.snapshot import NodeInfo, PodInfo, Snapshot
from kubelab.scheduling.spread import soft_constraints

RANKED_SHAPES = 8
"""How many rankings are kept: each holds an entry for every node."""

TOLERATED = term("TaintToleration", MAX_SCORE)
"""What every node gets while none has a PreferNoSchedule taint."""

Entry = tuple[int, int, int, NodeInfo, tuple[Score, ...]]
"""Total (negated), tie break, a serial number, and the node as it was then with its terms."""


def rankable(pod: PodInfo, snapshot: Snapshot) -> bool:
    """Say whether the nodes can be judged one by one for this pod."""
    return (
        pod.shape.local
        and not pod.nominated_node
        and not snapshot.nominated
        and not snapshot.pods_with_terms
        and not snapshot.nodes_preferring_none
        and not soft_constraints(pod, snapshot)
    )


class Ranking:
    """The nodes in order for one shape."""

    def __init__(self, shape: Shape, snapshot: Snapshot) -> None:
        self.shape = shape
        self.changed: set[str] = set(snapshot.nodes)
        self._verdicts: dict[str, tuple[NodeInfo, Verdict]] = {}
        self._rejected: dict[str, Rejections] = {}
        self._shown: Rejected | None = None
        self._heap: list[Entry] = []
        self._serial = 0

    def choose(self, pod: PodInfo, snapshot: Snapshot) -> Decision:
        """Return what `decide` would."""
        self._catch_up(snapshot)
        while self._heap:
            _, _, _, info, terms = self._heap[0]
            if snapshot.nodes.get(info.name) is info:
                return Decision(pod.key, len(snapshot.nodes), info.name, terms, self._rejections())
            heappop(self._heap)
        return Decision(pod.key, len(snapshot.nodes), rejected=self._rejections())

    def judge(self, shape: Shape, info: NodeInfo, snapshot: Snapshot) -> Verdict:
        """Judge one node, from memory if it did not change."""
        known = self._verdicts.get(info.name)
        if known is not None and known[0] is info:
            return known[1]
        verdict = judge(shape, info, snapshot)
        if snapshot.nodes.get(info.name) is info:
            self._verdicts[info.name] = (info, verdict)
        return verdict

    def _catch_up(self, snapshot: Snapshot) -> None:
        for name in self.changed:
            self._place(name, snapshot)
        self.changed.clear()
        if len(self._heap) > 2 * len(snapshot.nodes) + 64:
            self._heap = [entry for entry in self._heap if snapshot.nodes.get(entry[3].name) is entry[3]]
            heapify(self._heap)

    def _place(self, name: str, snapshot: Snapshot) -> None:
        info = snapshot.nodes.get(name)
        rejections: Rejections = ()
        if info is None:
            self._verdicts.pop(name, None)
        else:
            verdict = self.judge(self.shape, info, snapshot)
            rejections = verdict.rejections
            if not rejections:
                terms = (TOLERATED, *verdict.terms)
                self._serial += 1
                heappush(self._heap, (-total(terms), info.node.tie, self._serial, info, terms))
        self._reject(name, rejections)

    def _reject(self, name: str, rejections: Rejections) -> None:
        if self._rejected.get(name, ()) == rejections:
            return
        self._shown = None
        if rejections:
            self._rejected[name] = rejections
        else:
            del self._rejected[name]

    def _rejections(self) -> Rejected:
        if self._shown is None:
            self._shown = Rejected(self._rejected)
        return self._shown


class Rankings:
    """The rankings of the shapes seen last. Whoever changes a node says so with `changed`."""

    def __init__(self) -> None:
        self._by_shape: OrderedDict[Shape, Ranking] = OrderedDict()

    def changed(self, node: str) -> None:
        """Note that a node is not what it was."""
        for ranking in self._by_shape.values():
            ranking.changed.add(node)

    def forget(self) -> None:
        """Start over: something changed that concerns every node's score."""
        self._by_shape.clear()

    def decide(self, pod: PodInfo, snapshot: Snapshot) -> Decision:
        """Return what `decide` would, reusing what is known."""
        ranking = self._ranking(pod.shape, snapshot)
        if rankable(pod, snapshot):
            return ranking.choose(pod, snapshot)
        return decide(pod, snapshot, ranking.judge)

    def _ranking(self, shape: Shape, snapshot: Snapshot) -> Ranking:
        ranking = self._by_shape.get(shape)
        if ranking is None:
            ranking = self._by_shape[shape] = Ranking(shape, snapshot)
            if len(self._by_shape) > RANKED_SHAPES:
                self._by_shape.popitem(last=False)
        else:
            self._by_shape.move_to_end(shape)
        return ranking
