"""What to do about a JAXJob: a pure function from it, its pods and its Services.

The rules are those of training-operator 1.9 (pkg/controller.v1/common and pkg/controller.v1/jax).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.jaxjob.conditions import is_finished, with_state
from kubelab.engine.controllers.jaxjob.objects import (
    build_pod,
    build_service,
    replicas_of,
    selector_text,
    worker_name,
    worker_spec,
)
from kubelab.engine.controllers.jaxjob.workers import Worker, read_workers


@dataclass(slots=True)
class JaxJobDecision:
    """What to do about a JAXJob, and why.

    Attributes
    ----------
    status : dict
        Its status as it should be.
    create_pods, create_services : list of dict
        Objects to create.
    delete_pods, delete_services : list of dict
        Objects to delete.
    """

    status: Object
    create_pods: list[Object] = field(default_factory=list)
    create_services: list[Object] = field(default_factory=list)
    delete_pods: list[Object] = field(default_factory=list)
    delete_services: list[Object] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    again_after_s: float | None = None
    expired: bool = False
    reason: str = ""


def decide(job: Object, pods: Sequence[Object], services: Sequence[Object], now: datetime) -> JaxJobDecision:
    """Return what to do about a JAXJob.

    Parameters
    ----------
    job : dict
        The JAXJob as last written.
    pods, services : sequence of dict
        What it controls.
    now : datetime
        The time.
    """
    decision = JaxJobDecision({**(job.get("status") or {})})
    decision.status["conditions"] = list(decision.status.get("conditions") or ())
    if job["metadata"].get("deletionTimestamp"):
        decision.reason = "the JAXJob is being deleted"
    elif is_finished(decision.status["conditions"]):
        _clean_up(job, decision, pods, services, now)
    elif (job["spec"].get("runPolicy") or {}).get("suspend"):
        _suspend(job, decision, pods, services, now)
    else:
        _go_on(job, decision, pods, services, now)
    return decision


def _go_on(
    job: Object, decision: JaxJobDecision, pods: Sequence[Object], services: Sequence[Object], now: datetime
) -> None:
    name, status = job["metadata"]["name"], decision.status
    _state(decision, "Created", f"JAXJob {name} is created.", now, note=False)
    if is_true(status["conditions"], "Suspended"):
        _resume(decision, f"JAXJob {name} is resumed.", now)
    status.setdefault("startTime", rfc3339(now))
    workers = read_workers(pods)
    status["replicaStatuses"] = {"Worker": _replica_status(job, workers)}
    problem = _limit_reached(job, workers, status, now)
    if problem:
        _fail(decision, problem, now)
        decision.delete_pods, decision.delete_services = list(pods), list(services)
        return
    _restart_workers(job, decision, workers, now)
    _tell_state(job, decision, now)
    if not is_finished(status["conditions"]):
        _fill_up(job, decision, workers, services)
        decision.again_after_s = _deadline_s(job, status, now)


def _resume(decision: JaxJobDecision, message: str, now: datetime) -> None:
    status, time = decision.status, rfc3339(now)
    status["startTime"] = time
    status["conditions"] = with_state(
        status["conditions"], "Suspended", message, time, reason="JAXJobResumed", value=False
    )
    decision.notes.append(Note("Normal", "JAXJobResumed", message))


def _fill_up(
    job: Object, decision: JaxJobDecision, workers: Sequence[Worker], services: Sequence[Object]
) -> None:
    """Create the pods and Services that are missing; delete those above ``replicas``."""
    number = replicas_of(job)
    present = {worker.name for worker in workers}
    served = {service["metadata"]["name"] for service in services}
    for index in range(number):
        if worker_name(job, index) not in served:
            decision.create_services.append(build_service(job, index))
        if worker_name(job, index) not in present:
            decision.create_pods.append(build_pod(job, index))
    decision.delete_pods += [worker.pod for worker in workers if worker.index >= number]
    surplus = {worker_name(job, worker.index) for worker in workers if worker.index >= number}
    decision.delete_services += [each for each in services if each["metadata"]["name"] in surplus]
    decision.reason = "workers are missing" if decision.create_pods else "all workers exist"


def _restart_workers(job: Object, decision: JaxJobDecision, workers: Sequence[Worker], now: datetime) -> None:
    """Replace failed pods if the restart policy allows; an exit code of 1 to 127 is fatal under ExitCode."""
    name, policy = job["metadata"]["name"], worker_spec(job).get("restartPolicy") or "Never"
    for worker in workers:
        if worker.phase != "Failed" or policy == "Never":
            continue
        if policy == "ExitCode" and not worker.retryable:
            _fail(decision, f'job "{name}" is failing because "Worker" replica(s) failed.', now)
            return
        message = f"job {name} is restarting because Worker replica(s) failed."
        _state(decision, "Restarting", message, now, type_="Warning")
        decision.delete_pods.append(worker.pod)


def _tell_state(job: Object, decision: JaxJobDecision, now: datetime) -> None:
    meta, counts = job["metadata"], decision.status["replicaStatuses"]["Worker"]
    number, failed = replicas_of(job), counts.get("failed", 0)
    full_name = f"{meta['namespace']}/{meta['name']}"
    if counts.get("succeeded", 0) >= number:
        decision.status.setdefault("completionTime", rfc3339(now))
        _state(decision, "Succeeded", f"JAXJob {full_name} successfully completed.", now)
        decision.reason = "all workers succeeded"
    elif counts.get("active", 0) > 0 and not decision.delete_pods:
        _state(decision, "Running", f"JAXJob {full_name} is running.", now, note=False)
    if failed and (worker_spec(job).get("restartPolicy") or "Never") == "Never":
        message = f"JAXJob {meta['name']} is failed because {failed} Worker replica(s) failed."
        _fail(decision, message, now)


def _fail(decision: JaxJobDecision, message: str, now: datetime) -> None:
    decision.status.setdefault("completionTime", rfc3339(now))
    _state(decision, "Failed", message, now, type_="Warning")
    decision.reason = message


def _suspend(
    job: Object, decision: JaxJobDecision, pods: Sequence[Object], services: Sequence[Object], now: datetime
) -> None:
    message = f"JAXJob {job['metadata']['name']} is suspended."
    status = decision.status
    _state(decision, "Created", f"JAXJob {job['metadata']['name']} is created.", now, note=False)
    if is_true(status["conditions"], "Running"):
        status["conditions"] = with_state(
            status["conditions"], "Running", message, rfc3339(now), reason="JAXJobSuspended", value=False
        )
    _state(decision, "Suspended", message, now)
    status["replicaStatuses"] = {
        replica: {key: value for key, value in counts.items() if key != "active"}
        for replica, counts in (status.get("replicaStatuses") or {}).items()
    }
    decision.delete_pods, decision.delete_services = list(pods), list(services)
    decision.reason = "suspended"


def _clean_up(
    job: Object, decision: JaxJobDecision, pods: Sequence[Object], services: Sequence[Object], now: datetime
) -> None:
    """Delete what cleanPodPolicy does not keep, and the JAXJob itself after its time to live."""
    run_policy = job["spec"].get("runPolicy") or {}
    policy = run_policy.get("cleanPodPolicy") or "None"
    going = [
        worker for worker in read_workers(pods) if policy == "All" or worker.phase in policy_phases(policy)
    ]
    names = {worker.name for worker in going}
    decision.delete_pods = [worker.pod for worker in going]
    decision.delete_services = [each for each in services if each["metadata"]["name"] in names]
    decision.reason = "finished"
    ttl, ended = run_policy.get("ttlSecondsAfterFinished"), decision.status.get("completionTime")
    if ttl is not None and ended:
        left_s = (parse_rfc3339(ended) + timedelta(seconds=int(ttl)) - now).total_seconds()
        decision.expired = left_s <= 0
        decision.again_after_s = left_s if left_s > 0 else None


def policy_phases(policy: str) -> tuple[str, ...]:
    """Return the phases of pods that a cleanPodPolicy deletes once the job has finished."""
    return ("Running", "Pending") if policy == "Running" else ()


def _replica_status(job: Object, workers: Sequence[Worker]) -> Object:
    counts = {
        "active": sum(worker.phase == "Running" and not worker.deleting for worker in workers),
        "succeeded": sum(worker.phase == "Succeeded" for worker in workers),
        "failed": sum(worker.phase == "Failed" for worker in workers),
    }
    shown = {name: number for name, number in counts.items() if number}
    return {**shown, "selector": selector_text(job)}


def _limit_reached(job: Object, workers: Sequence[Worker], status: Object, now: datetime) -> str:
    """Return why the job must end now, or an empty text."""
    name, run_policy = job["metadata"]["name"], job["spec"].get("runPolicy") or {}
    limit, policy = run_policy.get("backoffLimit"), worker_spec(job).get("restartPolicy")
    if limit is not None and policy in {"OnFailure", "Always"}:
        restarts = sum(worker.restarts for worker in workers if worker.phase == "Running")
        if restarts >= max(int(limit), 1):
            return f"Job {name} has failed because it has reached the specified backoff limit"
    if limit == 0 and policy != "Never" and any(worker.phase == "Failed" for worker in workers):
        return f"Job {name} has failed because it has reached the specified backoff limit"
    left_s = _deadline_s(job, status, now)
    if left_s is not None and left_s <= 0:
        return f"Job {name} has failed because it was active longer than specified deadline"
    return ""


def _deadline_s(job: Object, status: Object, now: datetime) -> float | None:
    limit = (job["spec"].get("runPolicy") or {}).get("activeDeadlineSeconds")
    if limit is None:
        return None
    return float(limit) - (now - parse_rfc3339(status["startTime"])).total_seconds()


def _state(
    decision: JaxJobDecision,
    state: str,
    message: str,
    now: datetime,
    *,
    note: bool = True,
    type_: str = "Normal",
) -> None:
    before = decision.status["conditions"]
    after = with_state(before, state, message, rfc3339(now))
    decision.status["conditions"] = after
    if note and after != before:
        event = Note("Warning" if type_ == "Warning" else "Normal", f"JAXJob{state}", message)
        decision.notes.append(event)
