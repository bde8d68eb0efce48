"""Workloads for the controllers' tests, and a world in which a Deployment's decisions are carried out."""

from __future__ import annotations

import copy
from typing import Any

from kubelab.client import REPLICA_SETS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers import deployment as deployments
from kubelab.engine.controllers import replicaset as replica_sets
from kubelab.engine.controllers.deployment.decision import DeploymentDecision
from kubelab.engine.controllers.deployment.replica_sets import REVISION, size_annotations
from kubelab.engine.controllers.pods import is_active, is_ready, pod_from_template
from kubelab.engine.controllers.replicaset.decision import status_of
from tests.unit.engine.controllers.objects import START, at, uid


def workload(kind: str, name: str = "web", **spec: Any) -> Object:
    """Return a workload of the group apps, as the API server stores it."""
    pod = {"restartPolicy": "Always", "containers": [{"name": "main", "image": "busybox"}]}
    full = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        **spec,
    }
    if kind == "DaemonSet":
        del full["replicas"]
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": uid(),
            "generation": 1,
            "creationTimestamp": rfc3339(START),
        },
        "spec": full,
        "status": {},
    }


def deployment(
    replicas: int = 3, *, surge: int | str = "25%", unavailable: int | str = "25%", **spec: Any
) -> Object:
    """Return a Deployment with a rolling update."""
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    full = {
        "replicas": replicas,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
        "progressDeadlineSeconds": 600,
        "revisionHistoryLimit": 10,
        **spec,
    }
    return workload("Deployment", **full)


def pod_of(
    owner: Object, name: str = "", *, seconds: float = 0, ready_s: float | None = None, **spec: Any
) -> Object:
    """Return a pod that a ReplicaSet controls; with ``ready_s`` it runs and is ready since then."""
    pod = pod_from_template(owner, REPLICA_SETS, owner["spec"]["template"])
    del pod["metadata"]["generateName"]
    own_uid = uid()
    pod["metadata"] |= {"name": name or own_uid, "uid": own_uid, "creationTimestamp": rfc3339(at(seconds))}
    pod["spec"] |= spec
    pod["status"] = {"phase": "Pending"}
    if ready_s is not None:
        make_ready(pod, ready_s)
    return pod


def make_ready(pod: Object, seconds: float = 0) -> None:
    """Run a pod."""
    pod["spec"].setdefault("nodeName", "node")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": rfc3339(at(seconds))}
    pod["status"] = {"phase": "Running", "conditions": [ready]}


def use_image(obj: Object, image: str) -> None:
    """Change a workload's template."""
    obj["spec"]["template"]["spec"]["containers"][0]["image"] = image
    obj["metadata"]["generation"] += 1


class DeploymentWorld:
    """A Deployment, its ReplicaSets and their pods; each step is one reconciliation of one of them."""

    def __init__(self, of: Object) -> None:
        self.deployment = of
        self.sets: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.now_s = 0.0

    @property
    def status(self) -> Object:
        status: Object = self.deployment["status"]
        return status

    def condition(self, type_: str) -> Object:
        found: Object = next(each for each in self.status["conditions"] if each["type"] == type_)
        return found

    @property
    def revision(self) -> str:
        return str(self.deployment["metadata"]["annotations"][REVISION])

    def sizes(self) -> dict[str, int]:
        """Return the wanted sizes by image."""
        return {
            each["spec"]["template"]["spec"]["containers"][0]["image"]: each["spec"]["replicas"]
            for each in self.sets.values()
        }

    def alive(self) -> list[Object]:
        return [pod for pod in self.pods.values() if is_active(pod)]

    def available(self) -> int:
        return sum(is_ready(pod) for pod in self.alive())

    def decide(self) -> DeploymentDecision:
        new = {each["metadata"]["uid"] for each in self.sets.values() if self._is_new(each)}
        runs = any(pod["metadata"]["ownerReferences"][0]["uid"] not in new for pod in self.pods.values())
        return deployments.decide(
            copy.deepcopy(self.deployment), list(self.sets.values()), at(self.now_s), old_pods_run=runs
        )

    def step(self) -> bool:
        """Reconcile the Deployment once; say whether anything changed."""
        before = copy.deepcopy((self.deployment, self.sets))
        decision = self.decide()
        for each, patch in decision.renew:
            meta = self.sets[each["metadata"]["name"]]["metadata"]
            meta["annotations"] |= patch.get("metadata", {}).get("annotations", {})
            self.sets[each["metadata"]["name"]]["spec"] |= patch.get("spec", {})
        for name, size in decision.resize.items():
            self._resize(self.sets[name], size)
        for each in decision.delete:
            del self.sets[each["metadata"]["name"]]
        if not (decision.renew or decision.resize or decision.delete):
            self._record(decision)
        return before != (self.deployment, self.sets)

    def step_set(self, name: str) -> bool:
        """Reconcile one ReplicaSet once; its nodes end deleted pods at once."""
        each = self.sets[name]
        own = [pod for pod in self.pods.values() if self._owner(pod) == each["metadata"]["uid"]]
        decision = replica_sets.decide(each, own, own, at(self.now_s))
        for _ in range(decision.create):
            pod = pod_of(each, seconds=self.now_s)
            self.pods[pod["metadata"]["name"]] = pod
        for pod in decision.delete:
            del self.pods[pod["metadata"]["name"]]
        own = [pod for pod in self.pods.values() if self._owner(pod) == each["metadata"]["uid"]]
        status = status_of(each, own, "", at(self.now_s))
        changed = status != each["status"] or bool(decision.create or decision.delete)
        each["status"] = status
        return changed

    def settle(self, *, ready: bool = True) -> None:
        """Reconcile all until nothing changes; pods become ready unless told otherwise."""
        for _ in range(1000):
            changed = self.step()
            for name in list(self.sets):
                changed |= self.step_set(name)
            for pod in self.alive() if ready else ():
                if not is_ready(pod):
                    make_ready(pod, self.now_s)
                    changed = True
            if not changed:
                return
        raise AssertionError("the Deployment does not settle")

    def _record(self, decision: DeploymentDecision) -> None:
        if decision.create is not None:
            created = copy.deepcopy(decision.create)
            seconds = self.now_s + len(self.sets)
            created["metadata"] |= {"uid": uid(), "generation": 1, "creationTimestamp": rfc3339(at(seconds))}
            created["status"] = {"replicas": 0}
            self.sets[created["metadata"]["name"]] = created
        if decision.revision:
            self.deployment["metadata"].setdefault("annotations", {})[REVISION] = decision.revision
        self.deployment["status"] = copy.deepcopy(decision.status)

    def _resize(self, each: Object, size: int) -> None:
        each["metadata"]["annotations"] |= size_annotations(self.deployment)
        if each["spec"]["replicas"] != size:
            each["spec"]["replicas"] = size
            each["metadata"]["generation"] += 1

    def _is_new(self, each: Object) -> bool:
        containers = each["spec"]["template"]["spec"]["containers"]
        return bool(containers == self.deployment["spec"]["template"]["spec"]["containers"])

    @staticmethod
    def _owner(pod: Object) -> str:
        return str(pod["metadata"]["ownerReferences"][0]["uid"])
