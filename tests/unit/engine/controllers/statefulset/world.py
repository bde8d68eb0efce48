"""A StatefulSet and its pods, with each decision carried out."""

from __future__ import annotations

import copy
from typing import Any

from kubelab.client import STATEFUL_SETS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.pods import is_active, is_ready
from kubelab.engine.controllers.revisions import history_of
from kubelab.engine.controllers.statefulset import StatefulSetDecision, decide
from kubelab.engine.controllers.statefulset.decision import situation_of
from kubelab.engine.controllers.statefulset.identity import revision_of
from tests.unit.engine.controllers.objects import START, at, uid
from tests.unit.engine.controllers.workloads import make_ready, workload


def stateful_set(replicas: int = 3, *, strategy: str = "RollingUpdate", **spec: Any) -> Object:
    rolling = {key: spec.pop(key) for key in ("partition", "maxUnavailable") if key in spec}
    update: Object = {"type": strategy}
    if strategy == "RollingUpdate":
        update["rollingUpdate"] = {"partition": 0, **rolling}
    full = {"serviceName": "web", "podManagementPolicy": "OrderedReady", "updateStrategy": update, **spec}
    return workload("StatefulSet", replicas=replicas, **full)


class StatefulSetWorld:
    def __init__(self, of: Object) -> None:
        self.set = of
        self.revisions: list[Object] = []
        self.pods: dict[str, Object] = {}
        self.now_s = 0.0
        self.history: list[str] = []

    def decide(self) -> StatefulSetDecision:
        history = history_of(self.set, STATEFUL_SETS, self.revisions)
        if history.create is not None:
            made = copy.deepcopy(history.create)
            made["metadata"] |= {"uid": uid(), "creationTimestamp": rfc3339(START)}
            self.revisions.append(made)
        elif history.renumber is not None and history.current is not None:
            history.current["revision"] = history.renumber
        update = max(self.revisions, key=lambda each: int(each["revision"]))
        situation = situation_of(self.set, self.pods.values(), self.revisions, update, at(self.now_s))
        return decide(situation)

    def step(self) -> bool:
        """Reconcile once; deleted pods end at once. Say whether anything changed."""
        decision = self.decide()
        for pod in decision.create:
            made = copy.deepcopy(pod)
            made["metadata"] |= {"uid": uid(), "creationTimestamp": rfc3339(at(self.now_s))}
            made["status"] = {"phase": "Pending"}
            self.pods[made["metadata"]["name"]] = made
            self.history.append(f"+{made['metadata']['name']}")
        for pod in decision.delete:
            del self.pods[pod["metadata"]["name"]]
            self.history.append(f"-{pod['metadata']['name']}")
        if decision.create or decision.delete:
            return True
        changed = bool(decision.status != self.set["status"])
        self.set["status"] = copy.deepcopy(decision.status)
        return changed

    def settle(self, *, ready: bool = True) -> None:
        for _ in range(500):
            changed = self.step()
            for pod in self.pods.values() if ready else ():
                if is_active(pod) and not is_ready(pod):
                    make_ready(pod, self.now_s)
                    changed = True
            if not changed:
                return
        raise AssertionError("the StatefulSet does not settle")

    def images(self) -> dict[str, str]:
        return {name: pod["spec"]["containers"][0]["image"] for name, pod in sorted(self.pods.items())}

    def revision(self, name: str) -> str:
        return revision_of(self.pods[name])
