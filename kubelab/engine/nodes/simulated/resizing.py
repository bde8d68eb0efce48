"""Resizes of pods on simulated nodes, carried out at once. Pure decisions.

What a pod was given is in its own status, so that a restart of the simulation loses nothing. As on a real
node, a memory limit is not lowered below what is used now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.engine.controllers.events import Note
from kubelab.engine.nodes.planning import allotted
from kubelab.engine.nodes.pod_resize import ResizeState, summary
from kubelab.engine.nodes.resize_decision import Resident, Verdict
from kubelab.quantities import whole
from kubelab.scheduling.requests import held_requests, pod_requests
from kubelab.scheduling.resizing import IN_PROGRESS, INFEASIBLE, PENDING

Resources = Mapping[str, Object]
"""Requests and limits by the name of a container."""


@dataclass(frozen=True, slots=True)
class Resize:
    """What became of what a pod asks for.

    Attributes
    ----------
    has : mapping of str to object
        What its containers have from now on.
    state : ResizeState
        What its status says of that.
    restarts : bool
        Whether its containers start again, as one of them asks for when it is resized.
    notes : tuple of Note
        Events.
    """

    has: Resources
    state: ResizeState
    restarts: bool = False
    notes: tuple[Note, ...] = ()


def asked(pod: Object) -> Resources:
    """Return what a pod's containers ask for."""
    return {each["name"]: allotted(each) for each in _containers(pod)}


def had(pod: Object) -> Resources:
    """Return what a running pod's containers have."""
    wanted = asked(pod)
    return {name: entry.get("resources", wanted[name]) for name, entry in _entries(pod) if name in wanted}


def concerns(pod: Object) -> bool:
    """Say whether a running pod is to be looked at: it asks for something else, or tells of a resize."""
    told = any(_condition(pod, kind) for kind in (PENDING, IN_PROGRESS))
    return told or is_wanted(pod) or any("resources" not in entry for _, entry in _entries(pod))


def is_wanted(pod: Object) -> bool:
    """Say whether a running pod asks for other resources than it has."""
    wanted = asked(pod)
    return any(wanted[name] != resources for name, resources in had(pod).items())


def resident(pod: Object) -> Resident:
    """Return a pod as its node counts it."""
    return Resident(
        uid=pod["metadata"]["uid"],
        held=held_requests(_as_given(pod)),
        wanted=pod_requests(pod["spec"]) if is_wanted(pod) else None,
        priority=pod["spec"].get("priority") or 0,
        qos_class=(pod.get("status") or {}).get("qosClass") or "",
        since=_condition(pod, PENDING).get("lastTransitionTime", ""),
    )


def resize(pod: Object, verdict: Verdict | None, memory: Mapping[str, int]) -> Resize:
    """Return what becomes of a running pod's resize.

    Parameters
    ----------
    verdict : Verdict or None
        What its node decided; None where nothing was to be decided.
    memory : mapping of str to int
        Bytes that its containers use now.
    """
    has = had(pod)
    if verdict is None or not is_wanted(pod):
        return Resize(asked(pod), ResizeState(asked(pod)))
    if not verdict.accepted:
        return Resize(has, ResizeState(_given(pod), verdict), notes=tuple(_refused(pod, verdict)))
    wanted, generation = asked(pod), pod["metadata"].get("generation", 0)
    before = _condition(pod, IN_PROGRESS)
    under_way = before.get("observedGeneration") == generation and bool(before)
    notes = [] if under_way else [Note("Normal", "ResizeStarted", f"Pod resize started: {_told(pod)}")]
    if error := _too_small(has, wanted, memory):
        if before.get("reason") != "Error" or not under_way:
            notes.append(Note("Warning", "ResizeError", f"Pod resize error: {_told(pod, error)}"))
        return Resize(has, ResizeState(wanted, under_way=generation, error=error), notes=tuple(notes))
    notes.append(Note("Normal", "ResizeCompleted", f"Pod resize completed: {_told(pod)}"))
    return Resize(wanted, ResizeState(wanted), _restarts(pod, has), tuple(notes))


def _refused(pod: Object, verdict: Verdict) -> Iterator[Note]:
    known = _condition(pod, PENDING)
    told = known.get("reason"), known.get("observedGeneration")
    if told != (verdict.reason, pod["metadata"].get("generation", 0)):
        reason = "ResizeInfeasible" if verdict.cause == INFEASIBLE else "ResizeDeferred"
        yield Note("Warning", reason, f"Pod resize {verdict.cause}: {_told(pod, verdict.message)}")


def _told(pod: Object, error: str = "") -> str:
    return summary(pod, pod["metadata"].get("generation", 0), error)


def _too_small(has: Resources, wanted: Resources, memory: Mapping[str, int]) -> str:
    """Return why lower memory limits cannot be set, in upstream's words."""
    problems = []
    for name, used in memory.items():
        limit, now = (memory_limit(each.get(name, {})) for each in (wanted, has))
        if limit and not (now and limit >= now) and used >= limit:
            problems.append(
                f'attempting to set container "{name}" memory limit ({limit}) below current usage ({used})'
            )
    if not problems:
        return ""
    listed = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return f"cannot decrease memory limits: {listed}"


def memory_limit(resources: Object) -> int:
    """Return the bytes that a container may use; 0 if it has no limit."""
    return whole((resources.get("limits") or {}).get("memory") or 0)


def _restarts(pod: Object, has: Resources) -> bool:
    return any(
        _amounts(has.get(each["name"], {}), policy["resourceName"])
        != _amounts(allotted(each), policy["resourceName"])
        for each in _containers(pod)
        for policy in each.get("resizePolicy") or ()
        if policy.get("restartPolicy") == "RestartContainer"
    )


def _amounts(resources: Object, name: str) -> list[str | None]:
    return [(resources.get(part) or {}).get(name) for part in ("requests", "limits")]


def _given(pod: Object) -> Resources:
    """Return what the node gave the containers, which they may not have yet."""
    has = had(pod)
    given = {name: entry.get("allocatedResources") for name, entry in _entries(pod)}
    return {
        name: {**resources, **({"requests": found} if (found := given[name]) else {})}
        for name, resources in has.items()
    }


def _as_given(pod: Object) -> Object:
    """Return the pod asking for no more than it was given."""
    given = _given(pod)
    fields = ("containers", "initContainers")
    spec = {
        field: [{**each, "resources": given.get(each["name"], allotted(each))} for each in pod["spec"][field]]
        for field in fields
        if pod["spec"].get(field)
    }
    return {**pod, "spec": {**pod["spec"], **spec}}


def _containers(pod: Object) -> list[Object]:
    spec = pod["spec"]
    return [*spec["containers"], *(spec.get("initContainers") or ())]


def _entries(pod: Object) -> Iterator[tuple[str, Object]]:
    """Yield what the status says of running containers."""
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses"):
        for entry in status.get(field) or ():
            if (entry.get("state") or {}).get("running"):
                yield entry["name"], entry


def _condition(pod: Object, kind: str) -> Object:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})
