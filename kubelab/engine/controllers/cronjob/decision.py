"""What a CronJob does next: the Job to create, Jobs to delete, its status, and when to look again.

Upstream: ``pkg/controller/cronjob`` of Kubernetes 1.37.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from kubelab.client import CRON_JOBS, JOBS, Object
from kubelab.clock import parse_rfc3339, rfc3339
from kubelab.engine.apiserver.validation.cron import schedule_problem
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.controllers.cronjob.schedule import Schedule, parse
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.owners import owner_reference

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
_MANY = 100
# Upstream looks a little late rather than early: nextScheduleDelta.
_DELAY_S = 0.1


@dataclass(frozen=True, slots=True)
class CronJobDecision:
    """Jobs to delete, then the one to create; the status is that before the creation."""

    status: Object
    notes: tuple[Note, ...] = ()
    delete: tuple[Object, ...] = ()
    create: Object | None = None
    scheduled_at: str = ""
    again_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """The last time that is due and not yet acted on, whether many were missed, and when the next one is."""

    last: datetime | None
    many_missed: bool
    next: datetime | None


@dataclass(slots=True)
class _Book:
    """The status and what is to be said, as they come about."""

    status: Object
    notes: list[Note] = field(default_factory=list)

    @property
    def active(self) -> list[Object]:
        return list(self.status.get("active") or ())

    def say(self, reason: str, message: str, *, warn: bool = False) -> None:
        self.notes.append(Note("Warning" if warn else "Normal", reason, message))

    def drop(self, uid: str) -> None:
        left = [each for each in self.active if each["uid"] != uid]
        self.status.pop("active", None)
        if left:
            self.status["active"] = left


def decide(cron_job: Object, jobs: Sequence[Object], now: datetime) -> CronJobDecision:
    """Return what to do at a time.

    Parameters
    ----------
    jobs : sequence of Jobs
        Those that the CronJob controls.
    """
    book = _Book(copy.deepcopy(cron_job.get("status") or {}))
    old = _beyond_history(cron_job, jobs)
    _follow(book, jobs)
    for job in old:
        book.drop(job["metadata"]["uid"])
    spec = cron_job["spec"]
    schedule = None
    if not cron_job["metadata"].get("deletionTimestamp") and not spec.get("suspend"):
        schedule = _schedule(book, spec)
    if schedule is None:
        return CronJobDecision(book.status, tuple(book.notes), tuple(old))
    due = due_of(cron_job, schedule, now)
    again_after_s = (due.next - now).total_seconds() + _DELAY_S if due.next else None
    create, replaced = (None, []) if due.last is None else _start(book, cron_job, jobs, due, now)
    return CronJobDecision(
        book.status,
        tuple(book.notes),
        (*old, *replaced),
        create,
        rfc3339(due.last) if create is not None and due.last is not None else "",
        again_after_s,
    )


def due_of(cron_job: Object, schedule: Schedule, now: datetime) -> Due:
    """Return what is due, as ``mostRecentScheduleTime`` counts it: long gaps are not walked through."""
    status, spec = cron_job.get("status") or {}, cron_job["spec"]
    since = parse_rfc3339(status.get("lastScheduleTime") or cron_job["metadata"]["creationTimestamp"])
    last, many = _last_due(schedule, _within_deadline(spec, since, now), now)
    any_last, _ = _last_due(schedule, since, now)
    following = schedule.next(any_last or since)
    if following is not None and following <= now:
        following = schedule.next(now)
    return Due(last, many, following)


def _within_deadline(spec: Object, since: datetime, now: datetime) -> datetime:
    deadline_s = spec.get("startingDeadlineSeconds")
    return since if deadline_s is None else max(since, now - timedelta(seconds=int(deadline_s)))


def _last_due(schedule: Schedule, since: datetime, now: datetime) -> tuple[datetime | None, bool]:
    first = schedule.next(since)
    if first is None or now < first:
        return None, False
    second = schedule.next(first)
    if second is None or now < second:
        return first, False
    gap_s = round((second - first).total_seconds())
    missed = int((now - first).total_seconds()) // gap_s + 1
    last, following = None, schedule.next(first + timedelta(seconds=(missed - 2) * gap_s))
    while following is not None and following <= now:
        last, following = following, schedule.next(following)
    return last, missed > _MANY


def _start(
    book: _Book, cron_job: Object, jobs: Sequence[Object], due: Due, now: datetime
) -> tuple[Object | None, list[Object]]:
    """Return the Job to create, and the running Jobs that it replaces."""
    spec, last = cron_job["spec"], due.last
    if last is None:
        return None, []
    if due.many_missed:
        text = (
            "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew"
        )
        book.say("TooManyMissedTimes", text, warn=True)
    deadline_s = spec.get("startingDeadlineSeconds")
    if deadline_s is not None and last + timedelta(seconds=int(deadline_s)) < now:
        text = f"Missed scheduled time to start a job: {last.astimezone(UTC):%a, %d %b %Y %H:%M:%S +0000}"
        book.say("MissSchedule", text, warn=True)
        return None, []
    name = job_name(cron_job, last)
    done = book.status.get("lastScheduleTime") == rfc3339(last)
    if done or any(each["name"] == name for each in book.active):
        return None, []
    if spec.get("concurrencyPolicy") == "Forbid" and book.active:
        text = "Not starting job because prior execution is running and concurrency policy is Forbid"
        book.say("JobAlreadyActive", text)
        return None, []
    replaced: list[Object] = []
    if spec.get("concurrencyPolicy") == "Replace":
        uids = {each["uid"] for each in book.active}
        replaced = [job for job in jobs if job["metadata"]["uid"] in uids]
        for uid in uids:
            book.drop(uid)
    return build_job(cron_job, last), replaced


def job_name(cron_job: Object, scheduled_at: datetime) -> str:
    """Return the name of the Job of a time: the minute is in it, so there is but one."""
    return f"{cron_job['metadata']['name']}-{int(scheduled_at.timestamp()) // 60}"


def build_job(cron_job: Object, scheduled_at: datetime) -> Object:
    """Return the Job of a time."""
    meta, template = cron_job["metadata"], cron_job["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    local = scheduled_at.astimezone(_zone(cron_job["spec"]))
    stamp = rfc3339(local) if local.tzinfo is UTC else local.isoformat(timespec="seconds")
    return {
        "apiVersion": JOBS.api_version,
        "kind": JOBS.kind,
        "metadata": {
            "name": job_name(cron_job, scheduled_at),
            "namespace": meta["namespace"],
            **({"labels": dict(given["labels"])} if given.get("labels") else {}),
            "annotations": {**(given.get("annotations") or {}), SCHEDULED_AT: stamp},
            "ownerReferences": [owner_reference(cron_job, CRON_JOBS)],
        },
        "spec": copy.deepcopy(template["spec"]),
    }


def reference_to(job: Object) -> Object:
    """Return what a status says of a Job that runs."""
    meta = job["metadata"]
    kept = {key: meta[key] for key in ("namespace", "name", "uid", "resourceVersion") if key in meta}
    return {"kind": JOBS.kind, "apiVersion": JOBS.api_version, **kept}


def _zone(spec: Object) -> tzinfo:
    if not spec.get("timeZone"):
        return UTC
    from zoneinfo import ZoneInfo

    return ZoneInfo(spec["timeZone"])


def _schedule(book: _Book, spec: Object) -> Schedule | None:
    try:
        zone = _zone(spec)
    except (KeyError, ValueError, OSError):
        text = f'invalid timeZone: "{spec["timeZone"]}": unknown time zone {spec["timeZone"]}'
        book.say("UnknownTimeZone", text, warn=True)
        return None
    problem = schedule_problem(spec["schedule"])
    if problem:
        book.say("UnparseableSchedule", f'unparseable schedule: "{spec["schedule"]}" : {problem}', warn=True)
        return None
    return parse(spec["schedule"], zone)


def _follow(book: _Book, jobs: Sequence[Object]) -> None:
    """Note which Jobs ended or went missing, and when one was last successful."""
    known = {each["uid"] for each in book.active}
    for job in jobs:
        meta, ended = job["metadata"], finished(job)
        if not ended and meta["uid"] not in known:
            text = f"Saw a job that the controller did not create or forgot: {meta['name']}"
            book.say("UnexpectedJob", text, warn=True)
        elif ended and meta["uid"] in known:
            book.drop(meta["uid"])
            book.say("SawCompletedJob", f"Saw completed job: {meta['name']}, condition: {ended}")
        completed = (job.get("status") or {}).get("completionTime")
        if ended == "Complete" and completed:
            book.status["lastSuccessfulTime"] = max(completed, book.status.get("lastSuccessfulTime") or "")
    for missing in known - {job["metadata"]["uid"] for job in jobs}:
        (name,) = (each["name"] for each in book.active if each["uid"] == missing)
        book.drop(missing)
        book.say("MissingJob", f"Active job went missing: {name}")


def finished(job: Object) -> str:
    """Return how a Job ended, ``Complete`` or ``Failed``, or nothing."""
    conditions = (job.get("status") or {}).get("conditions")
    return next((type_ for type_ in ("Complete", "Failed") if is_true(conditions, type_)), "")


def _beyond_history(cron_job: Object, jobs: Sequence[Object]) -> list[Object]:
    limits: Mapping[str, int | None] = {
        "Complete": cron_job["spec"].get("successfulJobsHistoryLimit"),
        "Failed": cron_job["spec"].get("failedJobsHistoryLimit"),
    }
    beyond: list[Object] = []
    for type_, limit in limits.items():
        ended = sorted((job for job in jobs if finished(job) == type_), key=_started)
        if limit is not None:
            beyond += ended[: max(0, len(ended) - limit)]
    return [job for job in beyond if not job["metadata"].get("deletionTimestamp")]


def _started(job: Object) -> tuple[bool, str, str]:
    started = (job.get("status") or {}).get("startTime") or ""
    return not started, started, job["metadata"]["name"]
