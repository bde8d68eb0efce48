"""The numbers of a JobSet: how its Jobs stand, and how often each was restarted alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab.client import Object

if TYPE_CHECKING:
    from kubelab.engine.controllers.jobset.children import Child, Children


def job_restarts(status: Object, replicated_job: str, index: int, field: str = "jobRestarts") -> int:
    """Return how often one Job was restarted without the others."""
    for entry in status.get("replicatedJobsStatus") or ():
        if entry["name"] == replicated_job:
            counts = entry.get(field) or []
            return int(counts[index]) if index < len(counts) else 0
    return 0


def replicated_jobs_status(job_set: Object, children: Children) -> list[Object]:
    """Return ``status.replicatedJobsStatus``; counts of restarts are kept."""
    earlier = (job_set.get("status") or {}).get("replicatedJobsStatus") or ()
    kept = {entry["name"]: entry for entry in earlier}
    statuses = []
    for replicated_job in job_set["spec"].get("replicatedJobs") or ():
        name = replicated_job["name"]
        jobs = children.of(name)
        counts = {
            "name": name,
            "ready": sum(_is_ready(child) for child in jobs),
            "succeeded": sum(child.state == "succeeded" for child in jobs),
            "failed": sum(child.state == "failed" for child in jobs),
            "active": sum(bool((child.job.get("status") or {}).get("active")) for child in jobs),
            "suspended": sum(bool(child.job["spec"].get("suspend")) for child in jobs),
        }
        restarts = {
            field: kept[name][field]
            for field in ("jobRestarts", "jobRestartsCountTowardsMax")
            if kept.get(name, {}).get(field)
        }
        statuses.append({**counts, **restarts})
    return statuses


def _is_ready(child: Child) -> bool:
    """Say whether a running Job has all its pods ready or done."""
    spec, status = child.job["spec"], child.job.get("status") or {}
    if child.state != "active" or spec.get("suspend"):
        return False
    parallelism = int(1 if spec.get("parallelism") is None else spec["parallelism"])
    completions = spec.get("completions")
    expected = parallelism if completions is None else min(parallelism, int(completions))
    return int(status.get("ready") or 0) + int(status.get("succeeded") or 0) >= expected
