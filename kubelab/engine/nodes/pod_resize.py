"""The resize of one pod: what its node gave it, what became of what it asks for, and what is told of that.

``plan.json`` is what the pod was given, ``node.json`` says which resize is under way; both outlive the node.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubelab.client import Object
from kubelab.engine.nodes import processes
from kubelab.engine.nodes.environment import containers_of
from kubelab.engine.nodes.events import Recorder
from kubelab.engine.nodes.plan import PodPlan
from kubelab.engine.nodes.planning import allotted, resized
from kubelab.engine.nodes.resize_decision import Resident, Verdict
from kubelab.scheduling.requests import held_requests, pod_requests
from kubelab.scheduling.resizing import INFEASIBLE, PENDING


@dataclass(frozen=True, slots=True)
class ResizeState:
    """What a pod's status says of its resize.

    Attributes
    ----------
    allotted : mapping of str to object
        What each container was given: requests and limits.
    pending : Verdict or None
        Why what the pod asks for is not what it was given.
    under_way : int
        The generation whose resize is being carried out; 0 if none is.
    error : str
        Why it cannot be carried out now.
    """

    allotted: Mapping[str, Object]
    pending: Verdict | None = None
    under_way: int = 0
    error: str = ""


class PodResize:
    """Follows the resizes of one pod.

    Parameters
    ----------
    directory : Path
        ``pods/<uid>``.
    """

    def __init__(self, directory: Path, events: Recorder, allocatable: Mapping[str, str]) -> None:
        self.plan = plan_in(directory)
        self.under_way = 0
        self._directory = directory
        self._events = events
        self._allocatable = allocatable
        self._pending: Verdict | None = None
        self._told: tuple[str, int] | None = None
        self._told_error = ""

    def is_wanted(self, pod: Object) -> bool:
        """Say whether the pod asks for other resources than it was given."""
        plan = self.plan
        if plan is None or pod["metadata"].get("generation") == plan.generation:
            return False
        given = {each.name: each.resources for each in plan.containers}
        return (pod["spec"].get("resources") or {}) != plan.resources or any(
            allotted(each) != given[each["name"]] for each in containers_of(pod)
        )

    def resident(self, pod: Object) -> Resident:
        """Return the pod as the node counts it."""
        spec, status = pod["spec"], pod.get("status") or {}
        return Resident(
            uid=pod["metadata"]["uid"],
            held=held_requests(self.as_given(pod)),
            wanted=pod_requests(spec) if self.is_wanted(pod) else None,
            pod_level=self.plan is not None and (spec.get("resources") or {}) != self.plan.resources,
            priority=spec.get("priority") or 0,
            qos_class=status.get("qosClass") or "",
            since=_pending(pod).get("lastTransitionTime", ""),
        )

    def settle(self, pod: Object, verdict: Verdict | None) -> bool:
        """Act on what was decided, None if there was nothing to decide; say whether anything is new."""
        before = self._pending
        if verdict is None or self.plan is None:
            self._pending = None
        elif verdict.accepted:
            self._pending = None
            self._accept(pod, self.plan)
            return True
        else:
            self._put_off(pod, verdict)
        return self._pending != before

    def state(self, pod: Object, report: Mapping[str, Any] | None) -> ResizeState | None:
        """Return what to say in the pod's status, and tell of a resize that is complete or cannot go on."""
        if self.plan is None:
            return None
        error = self._progress(pod, report) if self.under_way and report else ""
        given = {each.name: each.resources for each in self.plan.containers}
        return ResizeState(given, self._pending, self.under_way, error)

    def _accept(self, pod: Object, plan: PodPlan) -> None:
        self.plan = resized(plan, pod, self._allocatable)
        self.plan.save(self._directory)
        self.under_way, self._told, self._told_error = self.plan.generation, None, ""
        processes.nudge(self._directory)
        self._tell(pod, "Normal", "ResizeStarted", f"Pod resize started: {summary(pod, self.under_way)}")

    def _put_off(self, pod: Object, verdict: Verdict) -> None:
        self._pending, generation = verdict, pod["metadata"].get("generation", 0)
        known = _pending(pod)  # as an earlier node may have told
        if (verdict.reason, generation) not in {
            self._told,
            (known.get("reason"), known.get("observedGeneration")),
        }:
            self._told = verdict.reason, generation
            event = "ResizeInfeasible" if verdict.cause == INFEASIBLE else "ResizeDeferred"
            told = summary(pod, generation, verdict.message)
            self._tell(pod, "Warning", event, f"Pod resize {verdict.cause}: {told}")

    def _progress(self, pod: Object, report: Mapping[str, Any]) -> str:
        """Return why the resize under way does not go on; it is under way no more once it is complete."""
        error: str = report.get("resize_error", "")
        generation = self.under_way
        if error and error != self._told_error:
            told = summary(self.as_given(pod), generation, error)
            self._tell(pod, "Warning", "ResizeError", f"Pod resize error: {told}")
        elif not error and self._is_complete(report):
            told = summary(self.as_given(pod), generation)
            self._tell(pod, "Normal", "ResizeCompleted", f"Pod resize completed: {told}")
            self.under_way = 0
        self._told_error = error
        return error

    def _is_complete(self, report: Mapping[str, Any]) -> bool:
        given = {each.name: each.resources for each in self.plan.containers} if self.plan else {}
        return all(
            entry["resources"] == given[entry["status"]["name"]]
            for entry in report["containers"]
            if entry["status"]["state"].get("running")
        )

    def as_given(self, pod: Object) -> Object:
        """Return the pod with the resources it was given in place of those it asks for."""
        given = {each.name: each.resources for each in self.plan.containers} if self.plan else {}
        return _with_resources(pod, given)

    def _tell(self, pod: Object, type: str, reason: str, message: str) -> None:
        self._events.record(pod, type, reason, message)


def summary(pod: Object, generation: int, error: str = "") -> str:
    """Return a pod's resources as the kubelet's events give them (pkg/kubelet/events/resize.go, v1.37)."""
    told: Object = {}
    for field in ("initContainers", "containers"):
        if containers := pod["spec"].get(field):
            told[field] = [{"name": each["name"], "resources": _sorted(each)} for each in containers]
    told["generation"] = generation
    if error:
        told["error"] = error
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False)


def _sorted(container: Object) -> Object:
    resources = container.get("resources") or {}
    parts = {
        part: dict(sorted(resources[part].items())) for part in ("limits", "requests") if resources.get(part)
    }
    return {**parts, "claims": resources["claims"]} if resources.get("claims") else parts


def plan_in(directory: Path) -> PodPlan | None:
    """Return the plan of a pod's directory, or None if it was not finished."""
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return PodPlan.load(directory)
    return None


def _pending(pod: Object) -> Object:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == PENDING), {})


def _with_resources(pod: Object, given: Mapping[str, Object]) -> Object:
    spec = dict(pod["spec"])
    for field in ("containers", "initContainers"):
        if spec.get(field):
            spec[field] = [
                {**each, "resources": given.get(each["name"], allotted(each))} for each in spec[field]
            ]
    return {**pod, "spec": spec}
