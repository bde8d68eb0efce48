"""The JAXJob controller: acts on what `decide` says, and records it."""

from __future__ import annotations

import asyncio

from kubelab.client import JAX_JOBS, PODS, SERVICES, Object, Resource
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.jaxjob.decision import JaxJobDecision, decide
from kubelab.engine.controllers.owners import controller_uids
from kubelab.errors import AlreadyExistsError, ApiError

_BY_OWNER = "controller uid"
_MANAGER = "kubeflow.org/training-operator"


class JaxJobController(Controller):
    """Runs JAXJobs (kubeflow.org/v1)."""

    name = "jaxjob-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.jobs = self.follow(JAX_JOBS)
        self.pods = self.follow_owned(PODS, JAX_JOBS)
        self.pods.index(_BY_OWNER, controller_uids)
        self.services = self.follow_owned(SERVICES, JAX_JOBS)
        self.services.index(_BY_OWNER, controller_uids)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create, replace and clean up the workers of one JAXJob."""
        job = self.jobs.get(namespace, name)
        if job is None or _manager(job) != _MANAGER:
            return None
        uid = job["metadata"]["uid"]
        pods, services = self.pods.by_index(_BY_OWNER, uid), self.services.by_index(_BY_OWNER, uid)
        decision = decide(job, pods, services, self.clock.now())
        await self._act(job, decision)
        return decision.again_after_s

    async def _act(self, job: Object, decision: JaxJobDecision) -> None:
        if decision.expired:
            await self.delete(JAX_JOBS, job)
            return
        await self._delete_all(job, PODS, decision.delete_pods)
        await self._delete_all(job, SERVICES, decision.delete_services)
        await asyncio.gather(*(self._create(job, SERVICES, each) for each in decision.create_services))
        await asyncio.gather(*(self._create(job, PODS, each) for each in decision.create_pods))
        if decision.status != (job.get("status") or {}):
            await self.update_status(JAX_JOBS, job, decision.status)
            for note in decision.notes:
                self.note(job, note)

    async def _delete_all(self, job: Object, resource: Resource, objects: list[Object]) -> None:
        going = [obj for obj in objects if not obj["metadata"].get("deletionTimestamp")]
        await asyncio.gather(*(self.delete(resource, obj) for obj in going))
        for obj in going:
            message = f"Deleted {resource.kind.lower()}: {obj['metadata']['name']}"
            self.note(job, Note("Normal", f"SuccessfulDelete{resource.kind}", message))

    async def _create(self, job: Object, resource: Resource, obj: Object) -> None:
        name = obj["metadata"]["name"]
        try:
            await self.create(resource, obj)
        except AlreadyExistsError:
            # Of the same name: this job's own, still going or not yet seen, or somebody else's.
            self.queue.retry((job["metadata"]["namespace"], job["metadata"]["name"]))
            return
        except ApiError as error:
            self.note(
                job, Note("Warning", f"FailedCreate{resource.kind}", f"Error creating: {error.message}")
            )
            raise
        message = f"Created {resource.kind.lower()}: {name}"
        self.note(job, Note("Normal", f"SuccessfulCreate{resource.kind}", message))


def _manager(job: Object) -> str:
    return (job["spec"].get("runPolicy") or {}).get("managedBy") or _MANAGER
