from typing import Any

from kubelab.client import CRON_JOBS, EVENTS, JOBS, Object
from tests.unit.engine.controllers.cronjob.test_decision import cron_job
from tests.unit.engine.controllers.lab import Lab


def body(**spec: Any) -> Object:
    made = cron_job("@every 1s", **spec)
    return {
        "apiVersion": CRON_JOBS.api_version,
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": made["spec"],
    }


async def test_a_job_is_created_followed_and_deleted_beyond_the_history(lab: Lab) -> None:
    await lab.client.create(CRON_JOBS, body(successfulJobsHistoryLimit=0))
    created = await lab.until(JOBS, lambda jobs: next(iter(jobs.values()), None))
    (pod,) = await lab.pods(1)
    active = await lab.until(CRON_JOBS, lambda found: found["tick"]["status"].get("active"))
    assert [each["uid"] for each in active] == [created["metadata"]["uid"]]
    await lab.set_phase(pod, "Succeeded")
    await lab.until(CRON_JOBS, lambda found: found["tick"]["status"].get("lastSuccessfulTime"))
    await lab.until(
        JOBS, lambda jobs: all(job["metadata"]["uid"] != created["metadata"]["uid"] for job in jobs.values())
    )
    reasons = {"SuccessfulCreate", "SawCompletedJob", "SuccessfulDelete"}
    await lab.until(EVENTS, lambda found: {each["reason"] for each in found.values()} >= reasons)


async def test_a_suspended_cron_job_goes_on_when_it_is_resumed(lab: Lab) -> None:
    await lab.client.create(CRON_JOBS, body(suspend=True))
    await lab.client.patch(CRON_JOBS, "tick", {"spec": {"suspend": False}}, "default")
    await lab.until(JOBS, lambda jobs: jobs)
