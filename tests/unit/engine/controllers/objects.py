"""Small objects for the controllers' tests."""

from __future__ import annotations

import copy
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.job.decision import JobDecision, decide
from kubelab.engine.controllers.job.pods import TRACKING_FINALIZER, PodPlan, build_pod, read_pod

START = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def uid() -> str:
    return f"uid-{next(_numbers)}"


def job(name: str = "work", *, pod: Object | None = None, **spec: Any) -> Object:
    pod_spec = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}], **(pod or {})}
    full = {"parallelism": 1, "completions": 1, "backoffLimit": 6, "template": {"spec": pod_spec}, **spec}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": uid(),
            "creationTimestamp": rfc3339(START),
        },
        "spec": full,
        "status": {},
    }


def indexed(name: str = "work", *, completions: int = 3, **spec: Any) -> Object:
    spec = {"parallelism": completions, "completionMode": "Indexed", **spec}
    return job(name, completions=completions, **spec)


class JobWorld:
    """A Job and its pods, with a decision applied step by step, so that a test can stop after any."""

    def __init__(self, of: Object) -> None:
        self.job = of
        self.pods: dict[str, Object] = {}
        self.now_s = 0.0
        self.notes: list[str] = []
        self.deleted = False

    @property
    def status(self) -> Object:
        status: Object = self.job["status"]
        return status

    def condition(self, type_: str) -> Object | None:
        return next((each for each in self.status.get("conditions", ()) if each["type"] == type_), None)

    def decide(self) -> JobDecision:
        now = at(self.now_s)
        pods = [read_pod(pod, now) for pod in self.pods.values()]
        return decide(copy.deepcopy(self.job), pods, now)

    def steps(self, decision: JobDecision) -> list[Any]:
        """Return what the controller would do, in its order, as functions."""
        changes = [
            *(lambda pod=pod: self._discard(pod.name) for pod in decision.discard),
            *(lambda pod=pod: self._stop(pod.name) for pod in decision.stop if not pod.deleting),
            *(lambda plan=plan: self._create(plan) for plan in decision.create),
        ]
        if changes:
            return changes
        record = []
        if decision.status != self.status:
            record.append(lambda: self._write(decision))
        record += [lambda pod=pod: self._release(pod.name) for pod in decision.release]
        if decision.expired and not self.deleted:
            record.append(self._expire)
        return record

    def settle(self) -> JobDecision:
        """Decide and act until nothing is left to do."""
        for _ in range(1000):
            decision = self.decide()
            steps = self.steps(decision)
            if not steps:
                return decision
            for step in steps:
                step()
        raise AssertionError("the Job does not settle")

    # What a node does

    def set_phase(
        self,
        pod: str,
        phase: str,
        *,
        exit_code: int | None = None,
        conditions: list[Object] | None = None,
        restarts: int = 0,
    ) -> None:
        status: Object = {"phase": phase, "conditions": conditions or []}
        if phase == "Running":
            status["conditions"].append({"type": "Ready", "status": "True"})
        ended = phase in ("Succeeded", "Failed")
        state: Object = {}
        if ended:
            code = exit_code if exit_code is not None else int(phase == "Failed")
            state = {"terminated": {"exitCode": code, "finishedAt": rfc3339(at(self.now_s))}}
        status["containerStatuses"] = [{"name": "main", "state": state, "restartCount": restarts}]
        self.pods[pod]["spec"]["nodeName"] = "node"
        self.pods[pod]["status"] = status
        self._drop_if_gone(pod)

    def active(self) -> list[str]:
        return [
            name
            for name, pod in self.pods.items()
            if pod["status"]["phase"] in ("Pending", "Running") and "deletionTimestamp" not in pod["metadata"]
        ]

    def index_of(self, pod: str) -> int:
        return int(self.pods[pod]["metadata"]["annotations"]["batch.kubernetes.io/job-completion-index"])

    def of_index(self, index: int) -> str:
        return next(name for name in self.active() if self.index_of(name) == index)

    def delete(self, pod: str) -> None:
        """Delete a pod as a user would."""
        self._stop(pod)

    # What the controller does

    def _create(self, plan: PodPlan) -> None:
        pod = build_pod(self.job, plan)
        name = f"{pod['metadata'].pop('generateName')}{next(_numbers):05}"
        pod["metadata"] |= {"name": name, "uid": uid(), "creationTimestamp": rfc3339(at(self.now_s))}
        pod["status"] = {"phase": "Pending"}
        self.pods[name] = pod

    def _stop(self, name: str) -> None:
        pod = self.pods[name]
        pod["metadata"]["deletionTimestamp"] = rfc3339(at(self.now_s))
        self._drop_if_gone(name)

    def _discard(self, name: str) -> None:
        self._release(name)
        if name in self.pods:
            self._stop(name)

    def _release(self, name: str) -> None:
        meta = self.pods[name]["metadata"]
        meta["finalizers"] = [each for each in meta["finalizers"] if each != TRACKING_FINALIZER]
        self._drop_if_gone(name)

    def _write(self, decision: JobDecision) -> None:
        self.job["status"] = copy.deepcopy(decision.status)
        self.notes += [note.reason for note in decision.notes]

    def _expire(self) -> None:
        self.deleted = True

    def _drop_if_gone(self, name: str) -> None:
        pod = self.pods[name]
        runs = pod["status"]["phase"] in ("Pending", "Running") and bool(pod["spec"].get("nodeName"))
        if "deletionTimestamp" in pod["metadata"] and not pod["metadata"].get("finalizers") and not runs:
            del self.pods[name]
