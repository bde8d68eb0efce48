"""A pod's phase and conditions from what its supervisor wrote."""

from __future__ import annotations

from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.nodes.status import Observation, pod_status

RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
WAITING = {"waiting": {"reason": "ContainerCreating"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}


def _ended(code: int) -> Object:
    return {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}}


def _entry(
    name: str, state: Object, *, role: str = "main", ready: bool = False, last: Object | None = None
) -> Object:
    status = {"name": name, "state": state, "lastState": last or {}, "ready": ready, "started": ready}
    return {
        "role": role,
        "status": {**status, "restartCount": 0, "image": "i", "imageID": "", "containerID": ""},
    }


def _pod(**status: Any) -> Object:
    containers = [{"name": "main", "image": "i"}]
    return {"metadata": {"name": "p", "generation": 2}, "spec": {"containers": containers}, "status": status}


def _status(pod: Object, *entries: Object, ended: bool = False, reason: str = "") -> Object:
    report = {"ended": ended, "reason": reason, "message": "", "containers": list(entries)}
    seen = Observation("127.9.0.2", "127.0.0.1", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z", report)
    return pod_status(pod, seen)


@pytest.mark.parametrize(
    ("entries", "ended", "phase"),
    [
        ([_entry("main", RUNNING)], False, "Running"),
        ([_entry("main", WAITING)], False, "Pending"),
        ([_entry("main", BACK_OFF, last=_ended(1))], False, "Running"),
        ([_entry("main", _ended(0))], True, "Succeeded"),
        ([_entry("main", _ended(1))], True, "Failed"),
        ([_entry("main", _ended(0)), _entry("other", RUNNING)], False, "Running"),
        ([_entry("one", RUNNING, role="init"), _entry("main", WAITING)], False, "Pending"),
        ([_entry("one", _ended(1), role="init"), _entry("main", WAITING)], True, "Failed"),
    ],
)
def test_phase_follows_the_containers(entries: list[Object], ended: bool, phase: str) -> None:
    assert _status(_pod(), *entries, ended=ended)["phase"] == phase


def test_deadline_fails_a_pod_whose_containers_ended_well() -> None:
    status = _status(_pod(), _entry("main", _ended(0)), ended=True, reason="DeadlineExceeded")
    assert (status["phase"], status["reason"]) == ("Failed", "DeadlineExceeded")


def test_unready_containers_are_named() -> None:
    conditions = {entry["type"]: entry for entry in _status(_pod(), _entry("main", RUNNING))["conditions"]}
    assert conditions["Ready"]["message"] == "containers with unready status: [main]"
    assert conditions["Ready"]["observedGeneration"] == 2


def test_conditions_of_others_and_times_of_transition_are_kept() -> None:
    old = [
        {"type": "PodScheduled", "status": "True"},
        {"type": "Initialized", "status": "True", "lastTransitionTime": "2026-01-01T00:00:30Z"},
    ]
    status = _status(_pod(conditions=old), _entry("main", RUNNING, ready=True))
    conditions = {entry["type"]: entry for entry in status["conditions"]}
    assert conditions["PodScheduled"] == old[0]
    assert conditions["Initialized"]["lastTransitionTime"] == "2026-01-01T00:00:30Z"
    assert conditions["Ready"]["lastTransitionTime"] == "2026-01-01T00:01:00Z"


def test_readiness_gates_hold_a_ready_pod_back() -> None:
    pod = _pod()
    pod["spec"]["readinessGates"] = [{"conditionType": "lab/open"}]
    conditions = {
        entry["type"]: entry for entry in _status(pod, _entry("main", RUNNING, ready=True))["conditions"]
    }
    assert conditions["ContainersReady"]["status"] == "True"
    assert conditions["Ready"]["reason"] == "ReadinessGatesNotReady"


def test_without_a_report_containers_wait_with_the_reason() -> None:
    seen = Observation("", "127.0.0.1", "t", "t", None, ("CreateContainerConfigError", "no map"))
    status = pod_status(_pod(), seen)
    assert status["phase"] == "Pending"
    waiting = {"reason": "CreateContainerConfigError", "message": "no map"}
    assert status["containerStatuses"][0]["state"] == {"waiting": waiting}
    assert "podIP" not in status
