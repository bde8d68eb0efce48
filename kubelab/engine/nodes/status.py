"""A pod's status, computed from what its supervisor wrote. Pure.

Phase and conditions follow kubernetes/pkg/kubelet/kubelet_pods.go (getPhase) and
pkg/kubelet/status/generate.go (v1.33).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubelab.client import Object
from kubelab.engine.nodes.pod_resize import ResizeState
from kubelab.scheduling.resizing import IN_PROGRESS, PENDING

_OWNED = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


@dataclass(frozen=True, slots=True)
class Observation:
    """What the node knows about a pod.

    Attributes
    ----------
    report : mapping or None
        The supervisor's ``status.json``; None before it wrote one.
    waiting : (str, str)
        Reason and message of every container while there is no report.
    resize : ResizeState or None
        What its containers were given, and what became of a resize; None before that.
    """

    address: str
    host_address: str
    start_time: str
    now: str
    report: Mapping[str, Any] | None = None
    waiting: tuple[str, str] = ("ContainerCreating", "")
    resize: ResizeState | None = None


def pod_status(pod: Object, seen: Observation) -> Object:
    """Return the whole ``status`` that the pod shall have."""
    old = pod.get("status") or {}
    entries = _reported(seen) if seen.report else _unstarted(pod, seen.waiting)
    mains = [entry["status"] for entry in entries if entry["role"] == "main"]
    inits = [entry for entry in entries if entry["role"] != "main"]
    phase = _phase(seen.report, mains, inits)
    status: Object = {
        **{key: old[key] for key in ("qosClass", "nominatedNodeName", "resourceClaimStatuses") if key in old},
        "phase": phase,
        "conditions": _conditions(pod, seen, phase, mains, inits),
        "hostIP": seen.host_address,
        "hostIPs": [{"ip": seen.host_address}],
        "startTime": old.get("startTime") or seen.start_time,
        "containerStatuses": mains,
    }
    if inits:
        status["initContainerStatuses"] = [_init_status(entry) for entry in inits]
    if seen.report:
        status |= {"podIP": seen.address, "podIPs": [{"ip": seen.address}]}
        status |= {key: seen.report[key] for key in ("reason", "message") if seen.report[key]}
    if generation := pod["metadata"].get("generation"):
        status["observedGeneration"] = generation
    return status


def _reported(seen: Observation) -> list[Object]:
    """Return what the supervisor tells of the containers, with the resources they have and were given."""
    entries = []
    for entry in (seen.report or {})["containers"]:
        status = entry["status"]
        if seen.resize and status.get("containerID") != "":
            given = seen.resize.allotted[status["name"]]
            has = entry.get("resources", given) if status["state"].get("running") else given
            status = {**status, "resources": has}
            if given.get("requests"):
                status["allocatedResources"] = given["requests"]
        entries.append({**entry, "status": status})
    return entries


def _unstarted(pod: Object, waiting: tuple[str, str]) -> list[Object]:
    spec, (reason, message) = pod["spec"], waiting
    state = {"waiting": {"reason": reason, "message": message} if message else {"reason": reason}}
    inits = spec.get("initContainers") or []
    blank = {"ready": False, "started": False, "restartCount": 0, "imageID": "", "lastState": {}}

    def entry(container: Object, role: str, own_state: Object) -> Object:
        status = {"name": container["name"], "image": container.get("image", ""), "state": own_state, **blank}
        return {"role": role, "status": status}

    later = {"waiting": {"reason": "PodInitializing"}} if inits and reason == "ContainerCreating" else state
    return [
        *(
            entry(each, "sidecar" if each.get("restartPolicy") == "Always" else "init", later)
            for each in inits
        ),
        *(entry(each, "main", later) for each in spec["containers"]),
    ]


def _init_status(entry: Object) -> Object:
    """Return the status of an init container, which is ready once it has completed."""
    status: Object = entry["status"]
    ended = status["state"].get("terminated")
    return {**status, "ready": bool(ended and ended["exitCode"] == 0)} if entry["role"] == "init" else status


def _phase(report: Mapping[str, Any] | None, mains: list[Object], inits: list[Object]) -> str:
    if report is None:
        return "Pending"
    if report["ended"]:
        ends = [main["state"].get("terminated") for main in mains]
        succeeded = not report["reason"] and all(end and end["exitCode"] == 0 for end in ends)
        return "Succeeded" if succeeded else "Failed"
    if not _initialized(inits) or any("waiting" in main["state"] and not main["lastState"] for main in mains):
        return "Pending"
    return "Running"


def _initialized(inits: list[Object]) -> bool:
    return all(_is_initialized(entry) for entry in inits)


def _is_initialized(entry: Object) -> bool:
    status = entry["status"]
    if entry["role"] == "sidecar":
        return bool(status["started"] or status["restartCount"])
    ended = status["state"].get("terminated")
    return bool(ended and ended["exitCode"] == 0)


def _conditions(
    pod: Object, seen: Observation, phase: str, mains: list[Object], inits: list[Object]
) -> list[Object]:
    old = {entry["type"]: entry for entry in (pod.get("status") or {}).get("conditions") or []}
    ended = phase in {"Succeeded", "Failed"}
    unready = [main["name"] for main in mains if not main["ready"]]
    unready += [
        entry["status"]["name"]
        for entry in inits
        if entry["role"] == "sidecar" and not entry["status"]["ready"]
    ]
    containers_ready = _readiness(phase, unready)
    incomplete = [entry["status"]["name"] for entry in inits if not _is_initialized(entry)]
    initialized: tuple[bool, str, str] = (True, "", "")
    if phase == "Succeeded":
        initialized = (True, "PodCompleted", "")
    elif incomplete:
        message = f"containers with incomplete status: [{' '.join(incomplete)}]"
        initialized = (False, "ContainersNotInitialized", message)
    wanted = {
        "PodReadyToStartContainers": (seen.report is not None and not ended, "", ""),
        "Initialized": initialized,
        "Ready": _with_gates(pod, containers_ready, old),
        "ContainersReady": containers_ready,
    }
    generation = pod["metadata"].get("generation")
    mine = [_condition(kind, wanted[kind], old.get(kind), seen.now, generation) for kind in _OWNED]
    others = (entry for kind, entry in old.items() if kind not in (*_OWNED, PENDING, IN_PROGRESS))
    return [
        *mine,
        *others,
        *([] if ended or not seen.resize else _resize_conditions(pod, seen.resize, old, seen.now)),
    ]


def _resize_conditions(pod: Object, resize: ResizeState, old: Mapping[str, Object], now: str) -> list[Object]:
    found = []
    if resize.pending:
        generation, verdict = pod["metadata"].get("generation"), resize.pending
        found.append(_resize_condition(PENDING, (verdict.reason, verdict.message), old, now, generation))
    if resize.under_way:
        why = ("Error", resize.error) if resize.error else ("", "")
        found.append(_resize_condition(IN_PROGRESS, why, old, now, resize.under_way))
    return found


def _resize_condition(
    type: str, why: tuple[str, str], old: Mapping[str, Object], now: str, generation: int | None
) -> Object:
    """Return a condition whose time is that of its reason (upstream: ``updatedPodResizeCondition``)."""
    before, (reason, message) = old.get(type) or {}, why
    same = bool(before) and before.get("reason", "") == reason
    condition = _condition(type, (True, reason, message), before if same else None, now, generation)
    return {**condition, "lastProbeTime": now if not same else before.get("lastProbeTime")}


def _readiness(phase: str, unready: list[str]) -> tuple[bool, str, str]:
    if phase == "Succeeded":
        return False, "PodCompleted", ""
    if phase == "Failed":
        return False, "PodFailed", ""
    if unready:
        return False, "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    return True, "", ""


def _with_gates(
    pod: Object, containers_ready: tuple[bool, str, str], old: Mapping[str, Object]
) -> tuple[bool, str, str]:
    if not containers_ready[0]:
        return containers_ready
    gates = [gate["conditionType"] for gate in pod["spec"].get("readinessGates") or []]
    for gate in gates:
        if gate not in old:
            return (
                False,
                "ReadinessGatesNotReady",
                f'corresponding condition of pod readiness gate "{gate}" does not exist.',
            )
        if old[gate]["status"] != "True":
            status = old[gate]["status"]
            text = f'the status of pod readiness gate "{gate}" is not "True", but {status}'
            return False, "ReadinessGatesNotReady", text
    return True, "", ""


def _condition(
    type: str, wanted: tuple[bool, str, str], old: Object | None, now: str, generation: int | None
) -> Object:
    status, reason, message = "True" if wanted[0] else "False", wanted[1], wanted[2]
    same = old is not None and old["status"] == status
    condition: Object = {
        "type": type,
        "status": status,
        "lastProbeTime": None,
        "lastTransitionTime": old["lastTransitionTime"] if old and same else now,
    }
    if generation:
        condition["observedGeneration"] = generation
    condition |= {key: text for key, text in (("reason", reason), ("message", message)) if text}
    return condition
