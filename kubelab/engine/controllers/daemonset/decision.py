"""What a DaemonSet needs next: on which nodes to create a pod, which pods to delete, and its status.

Upstream: ``pkg/controller/daemon`` of Kubernetes 1.37.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.engine.controllers.counts import scaled, shown
from kubelab.engine.controllers.daemonset.pods import by_age, eligibility, is_updated
from kubelab.engine.controllers.daemonset.rolling import Budget, roll
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.pods import (
    is_available,
    is_deleting,
    is_ready,
    next_available_s,
    node_of,
    phase_of,
)
from kubelab.scheduling.selectors import target_node

# How long a node waits before its failed pod is replaced again, doubling; failedPodsBackoff of upstream.
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 900.0


@dataclass(frozen=True, slots=True)
class DaemonSetDecision:
    """Nodes that need a pod, pods to delete with what to say of those that ended, and the status."""

    create: tuple[str, ...]
    delete: tuple[Object, ...]
    notes: tuple[Note, ...]
    status: Object
    again_after_s: float | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a DaemonSet's pods are, and where they belong.

    Attributes
    ----------
    runs : mapping of str to (bool, bool)
        By node: whether it should get a pod, and whether one that it has may stay.
    on_node : mapping of str to pods
        The pods by the node that they are bound or pinned to, older ones first.
    digest : str
        The hash of the present revision.
    """

    daemon_set: Object
    runs: Mapping[str, tuple[bool, bool]]
    on_node: Mapping[str, list[Object]]
    digest: str
    now: datetime

    @property
    def wanted(self) -> frozenset[str]:
        """The nodes that should have a pod."""
        return frozenset(name for name, (should, _) in self.runs.items() if should)

    @property
    def min_ready_s(self) -> int:
        """How long a pod must be ready to be available."""
        return int(self.daemon_set["spec"].get("minReadySeconds") or 0)

    @property
    def rolls(self) -> bool:
        """Whether pods of an old template are replaced."""
        return bool(self.daemon_set["spec"]["updateStrategy"]["type"] == "RollingUpdate")

    def budget(self, nodes: int) -> Budget:
        """Return how many nodes may lack a pod, or have two."""
        rolling = self.daemon_set["spec"]["updateStrategy"].get("rollingUpdate") if self.rolls else None
        return Budget(
            surge=scaled((rolling or {}).get("maxSurge"), nodes, round_up=True),
            unavailable=scaled((rolling or {}).get("maxUnavailable"), nodes, round_up=True),
            min_ready_s=self.min_ready_s,
        )


def layout_of(
    daemon_set: Object, nodes: Sequence[Object], pods: Iterable[Object], digest: str, now: datetime
) -> Layout:
    """Return where the pods are and where they belong."""
    on_node: dict[str, list[Object]] = defaultdict(list)
    for pod in sorted(pods, key=by_age):
        on_node[target_node(pod)].append(pod)
    runs = {node["metadata"]["name"]: eligibility(daemon_set, node) for node in nodes}
    return Layout(daemon_set, runs, dict(on_node), digest, now)


def decide(layout: Layout, waiting: frozenset[str] = frozenset()) -> DaemonSetDecision:
    """Compare a DaemonSet's pods with its nodes.

    Parameters
    ----------
    waiting : frozenset of str
        Nodes whose pod failed and is not to be replaced yet.
    """
    create, delete, notes = _placed(layout, waiting)
    if not create and not delete and layout.rolls:
        wanted = layout.wanted
        on_node = {name: layout.on_node.get(name, []) for name in (*layout.on_node, *wanted) if name}
        create, delete = roll(layout.budget(len(wanted)), on_node, wanted, layout.digest, layout.now)
    every = [pod for listed in layout.on_node.values() for pod in listed]
    again_after_s = next_available_s(every, layout.min_ready_s, layout.now)
    return DaemonSetDecision(tuple(create), tuple(delete), tuple(notes), _status(layout), again_after_s)


def _placed(layout: Layout, waiting: frozenset[str]) -> tuple[list[str], list[Object], list[Note]]:
    create: list[str] = []
    delete: list[Object] = []
    notes: list[Note] = []
    surges = layout.budget(1).surge > 0
    for name, (should, may_stay) in layout.runs.items():
        pods = layout.on_node.get(name, [])
        living = [pod for pod in pods if not is_deleting(pod)]
        if should and not pods:
            create.append(name)
        elif not may_stay:
            delete += living
        else:
            ended = [pod for pod in living if _is_ended(pod) and (name not in waiting or _is_done(pod))]
            delete += ended
            notes += [_note_end(pod, name) for pod in ended]
            running = [pod for pod in living if not _is_ended(pod)]
            delete += _surplus(layout, running) if surges else running[1:]
            if surges and should and not running and not any(map(_is_ended, living)):
                create.append(name)
    return create, [*delete, *_lost(layout)], notes


def _lost(layout: Layout) -> list[Object]:
    """Return pods that wait for a node which is no more."""
    return [
        pod
        for name, pods in layout.on_node.items()
        for pod in pods
        if name not in layout.runs and not node_of(pod) and not is_deleting(pod)
    ]


def _surplus(layout: Layout, running: Sequence[Object]) -> list[Object]:
    """Return what is too much where a node may have a pod of either template for a while."""
    new = [pod for pod in running if is_updated(pod, layout.digest)]
    old = [pod for pod in running if not is_updated(pod, layout.digest)]
    surplus = [*new[1:], *old[1:]]
    if new and old and (not is_ready(old[0]) or is_available(new[0], layout.min_ready_s, layout.now)):
        surplus.append(old[0])
    return surplus


def _status(layout: Layout) -> Object:
    on_node, wanted = layout.on_node, layout.wanted
    first = [on_node[name][0] for name in wanted if on_node.get(name)]
    available = sum(is_available(pod, layout.min_ready_s, layout.now) for pod in first)
    before = layout.daemon_set.get("status") or {}
    return {
        "currentNumberScheduled": len(first),
        "numberMisscheduled": sum(bool(on_node.get(name)) for name in layout.runs.keys() - wanted),
        "desiredNumberScheduled": len(wanted),
        "numberReady": sum(map(is_ready, first)),
        **shown(
            observedGeneration=layout.daemon_set["metadata"].get("generation"),
            updatedNumberScheduled=sum(is_updated(pod, layout.digest) for pod in first),
            numberAvailable=available,
            numberUnavailable=len(wanted) - available,
        ),
        **{key: before[key] for key in ("collisionCount", "conditions") if key in before},
    }


def _is_done(pod: Object) -> bool:
    return phase_of(pod) == "Succeeded"


def _is_ended(pod: Object) -> bool:
    return phase_of(pod) in ("Succeeded", "Failed")


def _note_end(pod: Object, node: str) -> Note:
    which = f"daemon pod {pod['metadata']['namespace']}/{pod['metadata']['name']} on node {node}"
    if _is_done(pod):
        return Note("Normal", "SucceededDaemonPod", f"Found succeeded {which}, will try to delete it")
    return Note("Warning", "FailedDaemonPod", f"Found failed {which}, will try to kill it")
