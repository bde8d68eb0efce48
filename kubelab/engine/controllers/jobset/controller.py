"""The JobSet controller: acts on what `decide` says, and records it."""

from __future__ import annotations

import asyncio

from kubelab.client import JOB_SETS, JOBS, SERVICES, Object
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.jobset.decision import JobSetDecision, decide
from kubelab.engine.controllers.owners import controller_uids, is_controlled_by
from kubelab.errors import AlreadyExistsError, ApiError

_BY_JOB_SET = "controller uid"
_MANAGER = "jobset.sigs.k8s.io/jobset-controller"


class JobSetController(Controller):
    """Runs JobSets (jobset.x-k8s.io/v1alpha2)."""

    name = "jobset-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.job_sets = self.follow(JOB_SETS)
        self.jobs = self.follow_owned(JOBS, JOB_SETS)
        self.jobs.index(_BY_JOB_SET, controller_uids)
        self.services = self.follow_owned(SERVICES, JOB_SETS)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create, restart and delete the Jobs of one JobSet."""
        job_set = self.job_sets.get(namespace, name)
        if job_set is None or (job_set["spec"].get("managedBy") or _MANAGER) != _MANAGER:
            return None
        jobs = self.jobs.by_index(_BY_JOB_SET, job_set["metadata"]["uid"])
        decision = decide(job_set, jobs, self.clock.now())
        await self._act(job_set, decision)
        return decision.again_after_s

    async def _act(self, job_set: Object, decision: JobSetDecision) -> None:
        if decision.expired:
            await self.delete(JOB_SETS, job_set, propagation="Foreground")
            return
        going = [job for job in decision.delete if not job["metadata"].get("deletionTimestamp")]
        await asyncio.gather(*(self.delete(JOBS, job, propagation="Foreground") for job in going))
        await asyncio.gather(*(self.patch(JOBS, job, change) for job, change in decision.change))
        if decision.service is not None:
            await self._ensure_service(job_set, decision.service)
        await asyncio.gather(*(self._create_job(job_set, job) for job in decision.create))
        if decision.status != (job_set.get("status") or {}):
            await self.update_status(JOB_SETS, job_set, decision.status)
            for note in decision.notes:
                self.note(job_set, note)

    async def _ensure_service(self, job_set: Object, service: Object) -> None:
        meta = service["metadata"]
        if self.services.get(meta["namespace"], meta["name"]) is not None:
            return
        try:
            await self.create(SERVICES, service)
        except AlreadyExistsError:
            return
        except ApiError as error:
            self.note(job_set, Note("Warning", "HeadlessServiceCreationFailed", error.message))
            raise

    async def _create_job(self, job_set: Object, job: Object) -> None:
        try:
            await self.create(JOBS, job)
        except AlreadyExistsError:
            existing = await self.client.get(JOBS, job["metadata"]["name"], job["metadata"]["namespace"])
            if is_controlled_by(existing, job_set):
                self.jobs.wrote(existing)
                return
            message = f"job {job['metadata']['name']} exists and belongs to something else"
            self.note(job_set, Note("Warning", "JobCreationFailed", message))
            raise
        except ApiError as error:
            self.note(job_set, Note("Warning", "JobCreationFailed", error.message))
            raise
