from typing import Any

from kubelab.client import CRON_JOBS, Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.cronjob import CronJobDecision, decide
from kubelab.engine.controllers.cronjob.decision import reference_to
from kubelab.engine.controllers.owners import owner_reference
from tests.unit.engine.controllers.objects import START, at, job, uid


def cron_job(schedule: str = "*/5 * * * *", *, status: Object | None = None, **spec: Any) -> Object:
    template = {"metadata": {"labels": {"app": "tick"}}, "spec": job()["spec"]}
    return {
        "metadata": {
            "name": "tick",
            "namespace": "default",
            "uid": uid(),
            "creationTimestamp": rfc3339(START),
        },
        "spec": {
            "schedule": schedule,
            "concurrencyPolicy": "Allow",
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": template,
            **spec,
        },
        "status": status or {},
    }


def job_of(owner: Object, name: str, *, ended: str = "", seconds: float = 0) -> Object:
    made = job(name)
    made["metadata"]["ownerReferences"] = [owner_reference(owner, CRON_JOBS)]
    made["status"] = {"startTime": rfc3339(at(seconds))}
    if ended:
        made["status"]["conditions"] = [{"type": ended, "status": "True"}]
    if ended == "Complete":
        made["status"]["completionTime"] = rfc3339(at(seconds + 1))
    return made


def running(owner: Object, name: str = "tick-1") -> Object:
    made = job_of(owner, name)
    owner["status"]["active"] = [reference_to(made)]
    return made


def reasons(decision: CronJobDecision) -> list[str]:
    return [note.reason for note in decision.notes]


def test_nothing_is_created_before_it_is_due() -> None:
    decision = decide(cron_job(), [], at(60))
    assert decision.create is None
    assert decision.again_after_s == 240.1


def test_a_job_is_created_when_it_is_due() -> None:
    decision = decide(cron_job(), [], at(300))
    assert decision.create is not None
    meta = decision.create["metadata"]
    assert meta["name"] == f"tick-{int(at(300).timestamp()) // 60}"
    assert meta["annotations"] == {"batch.kubernetes.io/cronjob-scheduled-timestamp": rfc3339(at(300))}
    assert meta["labels"] == {"app": "tick"}
    assert decision.scheduled_at == rfc3339(at(300))
    assert decision.again_after_s == 300.1


def test_a_time_zone_shifts_the_schedule_and_the_time_stamp() -> None:
    decision = decide(cron_job("0 14 * * *", timeZone="Europe/Berlin"), [], at(3600))
    assert decision.create is not None
    (stamp,) = decision.create["metadata"]["annotations"].values()
    assert stamp == "2026-01-31T14:00:00+01:00"


def test_of_many_missed_times_only_the_last_is_made_up_for() -> None:
    late = decide(cron_job("* * * * *"), [], at(200 * 60 + 30))
    assert late.scheduled_at == rfc3339(at(200 * 60))
    assert reasons(late) == ["TooManyMissedTimes"]


def test_a_time_past_its_deadline_is_not_made_up_for() -> None:
    ticks = cron_job(startingDeadlineSeconds=10)
    assert decide(ticks, [], at(311)).create is None
    assert decide(ticks, [], at(309)).create is not None


def test_a_time_that_was_acted_on_is_not_acted_on_again() -> None:
    ticks = cron_job(status={"lastScheduleTime": rfc3339(at(300))})
    decision = decide(ticks, [], at(301))
    assert decision.create is None
    assert decision.again_after_s == 299.1


def test_a_suspended_or_deleted_cron_job_creates_nothing() -> None:
    assert decide(cron_job(suspend=True), [], at(300)).create is None
    ticks = cron_job()
    ticks["metadata"]["deletionTimestamp"] = rfc3339(at(0))
    assert decide(ticks, [], at(300)).create is None


def test_forbid_waits_for_the_job_before() -> None:
    ticks = cron_job(concurrencyPolicy="Forbid")
    decision = decide(ticks, [running(ticks)], at(300))
    assert decision.create is None
    assert reasons(decision) == ["JobAlreadyActive"]


def test_replace_deletes_the_job_before() -> None:
    ticks = cron_job(concurrencyPolicy="Replace")
    before = running(ticks)
    decision = decide(ticks, [before], at(300))
    assert decision.create is not None
    assert decision.delete == (before,)
    assert "active" not in decision.status


def test_ended_jobs_leave_the_active_list_and_set_the_last_success() -> None:
    ticks = cron_job()
    before = running(ticks)
    before["status"] = job_of(ticks, "tick-1", ended="Complete")["status"]
    decision = decide(ticks, [before], at(60))
    assert "active" not in decision.status
    assert decision.status["lastSuccessfulTime"] == rfc3339(at(1))
    (note,) = decision.notes
    assert note.message == "Saw completed job: tick-1, condition: Complete"


def test_a_job_that_went_missing_is_forgotten() -> None:
    ticks = cron_job()
    running(ticks)
    decision = decide(ticks, [], at(60))
    assert (reasons(decision), decision.status) == (["MissingJob"], {})


def test_a_running_job_that_was_not_created_here_is_unexpected() -> None:
    ticks = cron_job()
    assert reasons(decide(ticks, [job_of(ticks, "by-hand")], at(60))) == ["UnexpectedJob"]


def test_the_oldest_ended_jobs_beyond_the_history_go() -> None:
    ticks = cron_job(successfulJobsHistoryLimit=1, failedJobsHistoryLimit=0)
    jobs = [
        job_of(ticks, "old", ended="Complete", seconds=1),
        job_of(ticks, "new", ended="Complete", seconds=2),
        job_of(ticks, "failed", ended="Failed", seconds=3),
    ]
    assert [each["metadata"]["name"] for each in decide(ticks, jobs, at(60)).delete] == ["old", "failed"]


def test_what_cannot_be_read_is_told_of() -> None:
    assert reasons(decide(cron_job(timeZone="Mars/Olympus"), [], at(300))) == ["UnknownTimeZone"]
    assert reasons(decide(cron_job("* * *"), [], at(300))) == ["UnparseableSchedule"]
