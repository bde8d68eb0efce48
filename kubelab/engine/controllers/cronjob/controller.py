"""The CronJob controller: creates Jobs when they are due."""

from __future__ import annotations

from kubelab.client import CRON_JOBS, JOBS, Object
from kubelab.engine.controllers.batches import namespace_ends
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.cronjob.decision import CronJobDecision, decide, reference_to
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.owners import controller_uids, is_controlled_by
from kubelab.errors import AlreadyExistsError, ApiError

_BY_CONTROLLER = "controller's uid"


class CronJobController(Controller):
    """Runs CronJobs (batch/v1)."""

    name = "cronjob-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.cron_jobs = self.follow(CRON_JOBS)
        self.jobs = self.follow_owned(JOBS, CRON_JOBS)
        self.jobs.index(_BY_CONTROLLER, controller_uids)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create the Job that is due and delete those beyond the history."""
        cron_job = self.cron_jobs.get(namespace, name)
        if cron_job is None:
            return None
        jobs = self.jobs.by_index(_BY_CONTROLLER, cron_job["metadata"]["uid"])
        decision = decide(cron_job, jobs, self.clock.now())
        for note in decision.notes:
            self.note(cron_job, note)
        for job in decision.delete:
            await self.delete(JOBS, job)
            self.note(cron_job, Note("Normal", "SuccessfulDelete", f"Deleted job {job['metadata']['name']}"))
        status = decision.status
        if decision.create is not None:
            status = await self._started(cron_job, decision, decision.create)
        if status != (cron_job.get("status") or {}):
            await self.update_status(CRON_JOBS, cron_job, status)
        return decision.again_after_s

    async def _started(self, cron_job: Object, decision: CronJobDecision, job: Object) -> Object:
        """Create a Job and return the status that has it."""
        try:
            created = await self.create(JOBS, job)
        except AlreadyExistsError:
            meta = job["metadata"]
            created = await self.client.get(JOBS, meta["name"], meta["namespace"])
            if not is_controlled_by(created, cron_job):
                return decision.status
        except ApiError as error:
            if not namespace_ends(error):
                self.note(cron_job, Note("Warning", "FailedCreate", f"Error creating job: {error.message}"))
            raise
        else:
            message = f"Created job {created['metadata']['name']}"
            self.note(cron_job, Note("Normal", "SuccessfulCreate", message))
        active = [*(decision.status.get("active") or ()), reference_to(created)]
        return {**decision.status, "active": active, "lastScheduleTime": decision.scheduled_at}
