"""How pods are shown: one word for what a pod is doing, from its phase and its containers' states."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kubelab.client import Object
from kubelab.engine.apiserver.printers.columns import (
    AGE,
    NONE,
    Cell,
    Column,
    Printer,
    age,
    columns,
    condition,
    containers_text,
    labels_text,
    name_of,
    section,
    since,
    wide,
)

_TERMINAL = ("Succeeded", "Failed")


@dataclass(slots=True)
class _Summary:
    """What the columns need, gathered over the containers."""

    reason: str
    ready: int = 0
    total: int = 0
    restarts: int = 0
    last_restart: str = ""

    def count_restarts(self, status: Object) -> None:
        self.restarts += int(status.get("restartCount") or 0)
        ended = (status.get("lastState") or {}).get("terminated") or {}
        self.last_restart = max(self.last_restart, ended.get("finishedAt") or "")


def summarize(pod: Object) -> _Summary:
    """Return a pod's STATUS, READY and RESTARTS, as printPod in upstream's printers.go finds them."""
    status = section(pod, "status")
    summary = _Summary(status.get("reason") or status.get("phase") or "")
    if condition(pod, "PodScheduled").get("reason") == "SchedulingGated":
        summary.reason = "SchedulingGated"
    sidecars = _sidecars(pod)
    summary.total = len(section(pod, "spec").get("containers") or []) + len(sidecars)
    initializing = _initialize(pod, sidecars, summary)
    if not initializing or condition(pod, "Initialized").get("status") == "True":
        _run(pod, sidecars, summary)
    if pod["metadata"].get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            summary.reason = "Unknown"
        elif status.get("phase") not in _TERMINAL:
            summary.reason = "Terminating"
    return summary


def _sidecars(pod: Object) -> set[str]:
    containers = section(pod, "spec").get("initContainers") or []
    return {container["name"] for container in containers if container.get("restartPolicy") == "Always"}


def _initialize(pod: Object, sidecars: set[str], summary: _Summary) -> bool:
    """Look at the init containers; return whether one is still to finish."""
    total = len(section(pod, "spec").get("initContainers") or [])
    for place, status in enumerate(section(pod, "status").get("initContainerStatuses") or []):
        summary.count_restarts(status)
        state = status.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended and ended.get("exitCode", 0) == 0:
            continue
        if status["name"] in sidecars and status.get("started"):
            summary.ready += bool(status.get("ready"))
            continue
        if ended:
            summary.reason = f"Init:{_end(ended)}"
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            summary.reason = f"Init:{waiting['reason']}"
        else:
            summary.reason = f"Init:{place}/{total}"
        return True
    return False


def _run(pod: Object, sidecars: set[str], summary: _Summary) -> None:
    """Look at the containers proper; the restarts are theirs and the sidecars'."""
    summary.restarts, summary.last_restart = 0, ""
    for status in section(pod, "status").get("initContainerStatuses") or []:
        if status["name"] in sidecars:
            summary.count_restarts(status)
    running = False
    for status in reversed(section(pod, "status").get("containerStatuses") or []):
        summary.count_restarts(status)
        state = status.get("state") or {}
        waiting = state.get("waiting") or {}
        if waiting.get("reason"):
            summary.reason = waiting["reason"]
        elif state.get("terminated"):
            summary.reason = _end(state["terminated"])
        elif status.get("ready") and "running" in state:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if condition(pod, "Ready").get("status") == "True" else "NotReady"


def _end(terminated: Object) -> str:
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode', 0)}"


def _gates(pod: Object) -> str:
    gates = section(pod, "spec").get("readinessGates") or []
    true = sum(condition(pod, gate["conditionType"]).get("status") == "True" for gate in gates)
    return f"{true}/{len(gates)}" if gates else NONE


def _pod(pod: Object, now: datetime) -> list[Cell]:
    summary = summarize(pod)
    restarts = str(summary.restarts)
    if summary.restarts and summary.last_restart:
        restarts += f" ({since(summary.last_restart, now)} ago)"
    spec, status = section(pod, "spec"), section(pod, "status")
    addresses = status.get("podIPs") or [{"ip": status.get("podIP")}]
    return [
        name_of(pod),
        f"{summary.ready}/{summary.total}",
        summary.reason,
        restarts,
        age(pod, now),
        addresses[0].get("ip") or NONE,
        spec.get("nodeName") or NONE,
        status.get("nominatedNodeName") or NONE,
        _gates(pod),
    ]


def _template(obj: Object, _now: datetime) -> list[Cell]:
    template = obj.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [name_of(obj), *containers_text(template.get("spec")), labels_text(labels)]


PODS: dict[tuple[str, str], Printer] = {
    ("", "Pod"): Printer(
        columns(
            Column("Ready", description="The aggregate readiness state of this pod for accepting traffic."),
            Column("Status", description="The aggregate status of the containers in this pod."),
            Column(
                "Restarts", description="The number of times the containers in this pod have been restarted."
            ),
            AGE,
            wide("IP"),
            wide("Node"),
            wide("Nominated Node"),
            wide("Readiness Gates"),
        ),
        _pod,
    ),
    ("", "PodTemplate"): Printer(columns("Containers", "Images", "Pod Labels"), _template),
}
