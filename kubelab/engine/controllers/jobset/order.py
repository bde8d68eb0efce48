"""When a replicatedJob may start: startupPolicy InOrder, and dependsOn."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.client import Object
from kubelab.engine.controllers.jobset.objects import replicas_of


def may_start(job_set: Object, replicated_job: Object, statuses: Sequence[Object]) -> bool:
    """Say whether what a replicatedJob waits for has come to pass."""
    spec = job_set["spec"]
    by_name = {entry["name"]: entry for entry in statuses}
    listed = {each["name"]: each for each in spec["replicatedJobs"]}
    if (spec.get("startupPolicy") or {}).get("startupPolicyOrder") == "InOrder":
        names = list(listed)
        earlier = names[: names.index(replicated_job["name"])]
        return all(_has_started(listed[name], by_name[name]) for name in earlier)
    return all(
        _is_complete(listed[each["name"]], by_name[each["name"]])
        if each["status"] == "Complete"
        else _has_started(listed[each["name"]], by_name[each["name"]])
        for each in replicated_job.get("dependsOn") or ()
        if each["name"] in listed
    )


def _has_started(replicated_job: Object, status: Object) -> bool:
    started = int(status["ready"]) + int(status["succeeded"]) + int(status["failed"])
    return started >= replicas_of(replicated_job)


def _is_complete(replicated_job: Object, status: Object) -> bool:
    return int(status["succeeded"]) >= replicas_of(replicated_job)
