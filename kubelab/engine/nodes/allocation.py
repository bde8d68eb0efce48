"""Gives what the node has to the pods that are resized, in order, as far as it goes."""

from __future__ import annotations

from collections.abc import Mapping

from kubelab.engine.nodes.pod_worker import PodWorker
from kubelab.engine.nodes.resize_decision import Amounts, decide


def review(workers: Mapping[str, PodWorker], allocatable: Amounts) -> None:
    """Decide anew on every resize that a pod of the node asks for.

    To be called whenever a pod of the node comes, changes or goes: only then can a decision be another.
    """
    active = {uid: worker for uid, worker in workers.items() if worker.active}
    verdicts = {}
    if any(worker.resize.is_wanted(worker.pod) for worker in active.values()):
        verdicts = decide([each.resize.resident(each.pod) for each in active.values()], allocatable)
    for uid, worker in active.items():
        if worker.resize.settle(worker.pod, verdicts.get(uid)):
            worker.nudge()
