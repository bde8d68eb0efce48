"""What comes next for a pod on a simulated node: a pure decision from the pod as it is and the time.

All that is known of a pod is in its status, so that a simulation goes on where it was after a restart.
The containers of a pod start and end together; init containers complete at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.controllers.events import Note
from kubelab.engine.nodes.pod_resize import ResizeState
from kubelab.engine.nodes.resize_decision import Verdict
from kubelab.engine.nodes.restarts import MAX_BACK_OFF_S
from kubelab.engine.nodes.simulated.memory import memory_of, seconds_to_kill
from kubelab.engine.nodes.simulated.resizing import Resize, asked, concerns, resize
from kubelab.engine.nodes.status import Observation, pod_status
from kubelab.simulated_pod import Declaration, DeclarationError

_BACK_OFF_S = 10.0
_RETRY_S = 60.0
"""Until a resize that could not be carried out is tried again (the kubelet's ``syncFrequency``)."""

_SIGTERM = 143  # 128 + 15: ended as it was told to
_SIGKILL = 137  # 128 + 9: killed when its grace was over


@dataclass(frozen=True, slots=True)
class Step:
    """What to do with a pod now.

    Attributes
    ----------
    status : Object or None
        The status it shall have; None to leave it.
    again_s : float or None
        When to ask again unless the pod changes before.
    delete : bool
        Whether it has ended and is to be removed, after its status was written.
    notes : tuple of Note
        Events about it.
    """

    status: Object | None = None
    again_s: float | None = None
    delete: bool = False
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs.

    Attributes
    ----------
    address, host_address : str
        The pod's own address and its node's.
    verdict : Verdict or None
        What the node says to the resize that the pod asks for.
    node : Object or None
        The Node, which may declare what its pods use.
    """

    address: str
    host_address: str
    verdict: Verdict | None = None
    node: Object | None = None


@dataclass(frozen=True, slots=True)
class _End:
    exit_code: int
    reason: str

    @staticmethod
    def of(declared: Declaration) -> _End:
        return _End(declared.exit_code, declared.reason)


_KILLED = _End(_SIGKILL, "OOMKilled")


def next_step(pod: Object, place: Place, now: datetime) -> Step:
    """Decide what a pod bound to a simulated node does now."""
    try:
        declared = Declaration.of(pod, place.node)
    except DeclarationError as error:
        return _refused(pod, place, now, error)
    if pod["metadata"].get("deletionTimestamp"):
        return _ending(pod, place, now, declared)
    if has_ended(pod):
        return Step()
    return _living(pod, place, now, declared)


def _living(pod: Object, place: Place, now: datetime, declared: Declaration) -> Step:
    old = pod.get("status") or {}
    current = _first_container(old)
    state = current.get("state") or {}
    if running := state.get("running"):
        started = parse_rfc3339(running["startedAt"])
        run_s = math.inf if declared.run_s is None else declared.run_s - (now - started).total_seconds()
        kill_s = seconds_to_kill(pod, declared.usage, started, now)
        if kill_s <= 0 < run_s:
            return _finished(pod, place, now, _KILLED, running["startedAt"])
        if run_s > 0:
            return _going_on(pod, place, now, declared, min(run_s, kill_s))
        return _finished(pod, place, now, _End.of(declared), running["startedAt"])
    if last := (current.get("lastState") or {}).get("terminated"):
        back = parse_rfc3339(last["finishedAt"]) + timedelta(seconds=_back_off_s(current["restartCount"]))
        if back > now:
            return Step(again_s=(back - now).total_seconds())
        return _running(pod, place, now, current["restartCount"] + 1, last)
    return _starting(pod, place, now, declared)


def _going_on(pod: Object, place: Place, now: datetime, declared: Declaration, next_s: float) -> Step:
    """Return what a running pod does: mostly nothing, unless it is resized or was not heard."""
    left_s = None if math.isinf(next_s) else next_s
    current = _first_container(pod["status"])
    if not concerns(pod):
        if not _is_to_be_restored(pod):
            return Step(again_s=left_s)
        status = _status(pod, place, now, current["state"], restarts=current["restartCount"], last=_last(pod))
        return Step(status if is_true(status["conditions"], "Ready") else None, again_s=left_s)
    started = parse_rfc3339(current["state"]["running"]["startedAt"])
    used = {} if declared.usage is None else memory_of(pod, declared.usage.at(now, started))
    done = resize(pod, place.verdict, used)
    if done.restarts:
        ended = _terminated(_SIGTERM, "Error", current["state"]["running"]["startedAt"], now)
        return replace(_running(pod, place, now, current["restartCount"] + 1, ended), notes=done.notes)
    restarts, last = current["restartCount"], _last(pod)
    status = _status(pod, place, now, current["state"], restarts=restarts, last=last, resized=done)
    again_s = min(_RETRY_S, left_s or _RETRY_S) if done.state.error else left_s
    return Step(None if status == pod["status"] else status, again_s, notes=done.notes)


def _is_to_be_restored(pod: Object) -> bool:
    """Say whether a running pod was said not to be ready while its node was not heard."""
    conditions = pod["status"].get("conditions")
    return not is_true(conditions, "Ready") and is_true(conditions, "ContainersReady")


def _starting(pod: Object, place: Place, now: datetime, declared: Declaration) -> Step:
    since = (pod.get("status") or {}).get("startTime")
    left_s = declared.start_delay_s
    if since:
        left_s -= (now - parse_rfc3339(since)).total_seconds()
    if left_s <= 0:
        return _running(pod, place, now, 0, None)
    waiting = pod_status(pod, Observation(place.address, place.host_address, rfc3339(now), rfc3339(now)))
    return Step(None if since else waiting, again_s=left_s)


def _running(pod: Object, place: Place, now: datetime, restarts: int, last: Object | None) -> Step:
    state = {"running": {"startedAt": rfc3339(now)}}
    return Step(_status(pod, place, now, state, restarts=restarts, last=last))


def _finished(pod: Object, place: Place, now: datetime, end: _End, started: str) -> Step:
    """Return what follows a run that is over: the pod's end, or another run at once or after a while."""
    ended = _terminated(end.exit_code, end.reason, started, now)
    restarts = _first_container(pod["status"])["restartCount"]
    policy = pod["spec"].get("restartPolicy", "Always")
    if policy == "Never" or (policy == "OnFailure" and end.exit_code == 0):
        last = _last(pod)
        return Step(_status(pod, place, now, {"terminated": ended}, restarts=restarts, last=last, ended=True))
    delay_s = _back_off_s(restarts)
    if not delay_s:
        return _running(pod, place, now, restarts + 1, ended)
    message = f"back-off {delay_s:g}s restarting failed container"
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
    return Step(_status(pod, place, now, state, restarts=restarts, last=ended), again_s=delay_s)


def _ending(pod: Object, place: Place, now: datetime, declared: Declaration) -> Step:
    """Return how a deleted pod ends: its containers first, then itself unless finalizers hold it."""
    meta = pod["metadata"]
    grace_s = float(meta.get("deletionGracePeriodSeconds") or 0)
    delete = grace_s > 0  # a deletion without grace waits for nobody but finalizers
    old = pod.get("status") or {}
    running = (_first_container(old).get("state") or {}).get("running")
    if has_ended(pod) or running is None:
        return Step(delete=delete)
    asked = parse_rfc3339(meta["deletionTimestamp"]) - timedelta(seconds=grace_s)
    left_s = (asked - now).total_seconds() + min(declared.termination_delay_s, grace_s)
    if left_s > 0:
        return Step(again_s=left_s)
    code = _SIGTERM if declared.termination_delay_s <= grace_s else _SIGKILL
    state = {"terminated": _terminated(code, "Error", running["startedAt"], now)}
    restarts = _first_container(old)["restartCount"]
    status = _status(pod, place, now, state, restarts=restarts, last=_last(pod), ended=True)
    return Step(status, delete=delete)


def _refused(pod: Object, place: Place, now: datetime, error: DeclarationError) -> Step:
    """Fail a pod whose declaration means nothing, so that it says so itself."""
    delete = bool(pod["metadata"].get("deletionGracePeriodSeconds"))
    if has_ended(pod):
        return Step(delete=delete)
    state = {"terminated": _terminated(128, "InvalidSimulation", rfc3339(now), now)}
    status = _status(pod, place, now, state, restarts=0, last=None, ended=True)
    return Step({**status, "reason": "InvalidSimulation", "message": str(error)}, delete=delete)


def _status(
    pod: Object,
    place: Place,
    now: datetime,
    state: Object,
    *,
    restarts: int,
    last: Object | None,
    ended: bool = False,
    resized: Resize | None = None,
) -> Object:
    """Return the pod's status with all containers in one state, and with what they ask for or were given."""
    spec, at = pod["spec"], rfc3339(now)
    own_last = {"terminated": last} if last else {}
    entries = [_entry(each, "main", state, restarts, own_last) for each in spec["containers"]]
    for each in spec.get("initContainers") or []:
        sidecar = each.get("restartPolicy") == "Always"
        done = {"terminated": _terminated(0, "Completed", at, now)}
        own = _entry(each, "sidecar", state, 0, {}) if sidecar else _entry(each, "init", done, 0, {})
        entries.append(own)
    given = resized or Resize(asked(pod), ResizeState(asked(pod)))
    report = {
        "ended": ended,
        "reason": "",
        "message": "",
        "containers": [{**each, "resources": given.has[each["status"]["name"]]} for each in entries],
    }
    address = place.host_address if spec.get("hostNetwork") else place.address
    return pod_status(pod, Observation(address, place.host_address, at, at, report, resize=given.state))


def _entry(container: Object, role: str, state: Object, restarts: int, last: Object) -> Object:
    running = "running" in state
    status = {
        "name": container["name"],
        "state": state,
        "lastState": last,
        "ready": running,
        "started": running,
        "restartCount": restarts,
        "image": container.get("image", ""),
        "imageID": "",
    }
    return {"role": role, "status": status}


def _terminated(exit_code: int, reason: str, started: str, now: datetime) -> Object:
    return {"exitCode": exit_code, "reason": reason, "startedAt": started, "finishedAt": rfc3339(now)}


def has_ended(pod: Object) -> bool:
    """Say whether a pod has come to its end."""
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def _first_container(status: Object) -> Object:
    statuses = status.get("containerStatuses") or [{}]
    first: Object = statuses[0]
    return first


def _last(pod: Object) -> Object | None:
    last: Object | None = (_first_container(pod["status"]).get("lastState") or {}).get("terminated")
    return last


def _back_off_s(restarts: int) -> float:
    """Return the delay before the next start: none the first time, then doubling from 10 s."""
    return min(_BACK_OFF_S * 2.0 ** min(restarts - 1, 10), MAX_BACK_OFF_S) if restarts else 0.0
