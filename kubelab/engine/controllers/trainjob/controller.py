"""The TrainJob controller: acts on what `decide` says, and records it."""

from __future__ import annotations

import asyncio

import orjson

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    JOB_SETS,
    TRAIN_JOBS,
    TRAINING_RUNTIMES,
    Object,
)
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.owners import is_controlled_by, owner_reference
from kubelab.engine.controllers.trainjob.decision import Runtime, TrainJobDecision, decide
from kubelab.errors import AlreadyExistsError, ApiError
from kubelab.informer import key_of

_MANAGER = "trainer.kubeflow.org/trainjob-controller"
_BY_RUNTIME = "runtime"
_SNAPSHOT_KEY = "runtime.json"


def runtime_of(train_job: Object) -> tuple[str, ...]:
    """Return ``kind/namespace/name`` of a TrainJob's runtime, as the values of an index."""
    reference = train_job["spec"]["runtimeRef"]
    kind = reference.get("kind") or CLUSTER_TRAINING_RUNTIMES.kind
    namespace = train_job["metadata"]["namespace"] if kind == TRAINING_RUNTIMES.kind else ""
    return (f"{kind}/{namespace}/{reference['name']}",)


class TrainJobController(Controller):
    """Runs TrainJobs (trainer.kubeflow.org/v1alpha1)."""

    name = "trainjob-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.server_url = around.server_url
        self.train_jobs = self.follow(TRAIN_JOBS)
        self.train_jobs.index(_BY_RUNTIME, runtime_of)
        self.job_sets = self.follow_owned(JOB_SETS, TRAIN_JOBS)
        self.config_maps = self.views.of(CONFIG_MAPS)
        self.runtimes = {
            resource.kind: self.views.of(resource)
            for resource in (TRAINING_RUNTIMES, CLUSTER_TRAINING_RUNTIMES)
        }
        for view in self.runtimes.values():
            view.subscribe(self._runtime_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create, suspend, resume and end the JobSet of one TrainJob, and tell of it."""
        train_job = self.train_jobs.get(namespace, name)
        if train_job is None or (train_job["spec"].get("managedBy") or _MANAGER) != _MANAGER:
            return None
        job_set = self.job_sets.get(namespace, name)
        if job_set is not None and not is_controlled_by(job_set, train_job):
            job_set = None
        runtime = self._runtime(train_job)
        now = self.clock.now()
        decision = decide(train_job, runtime, job_set, now, server_url=self.server_url)
        await self._act(train_job, runtime, job_set, decision)
        return decision.again_after_s

    async def _act(
        self, train_job: Object, runtime: Runtime, job_set: Object | None, decision: TrainJobDecision
    ) -> None:
        if decision.create is not None and runtime.object is not None:
            await asyncio.gather(
                self._create_job_set(train_job, decision.create),
                self._keep_snapshot(train_job, runtime.object),
            )
        if decision.replace is not None:
            self.job_sets.wrote(await self.client.update(JOB_SETS, decision.replace))
        if decision.delete_job_set and job_set is not None:
            await self.delete(JOB_SETS, job_set)
        status = train_job.get("status") or {}
        new = {"conditions": decision.conditions, "jobsStatus": decision.jobs_status}
        changes = {key: value for key, value in new.items() if value != (status.get(key) or [])}
        if changes:
            await self.patch(TRAIN_JOBS, train_job, {"status": changes}, subresource="status")
            for note in decision.notes:
                self.note(train_job, note)

    async def _create_job_set(self, train_job: Object, job_set: Object) -> None:
        try:
            await self.create(JOB_SETS, job_set)
        except ApiError as error:
            if isinstance(error, AlreadyExistsError):
                meta = job_set["metadata"]
                existing = await self.client.get(JOB_SETS, meta["name"], meta["namespace"])
                if is_controlled_by(existing, train_job):
                    self.job_sets.wrote(existing)
                    return
            message = f"TrainJob resources reconciliation failed: {error.message}"
            self.note(train_job, Note("Warning", "TrainJobResourcesCreationFailed", message[:950]))
            raise

    async def _keep_snapshot(self, train_job: Object, runtime: Object) -> None:
        """Keep the runtime as it is now: later changes to it do not touch this TrainJob."""
        meta = train_job["metadata"]
        if self.config_maps.get(meta["namespace"], _snapshot_name(train_job)) is not None:
            return
        about = runtime["metadata"]
        kept: Object = {key: runtime.get(key) for key in ("apiVersion", "kind", "spec")}
        kept["metadata"] = {key: about[key] for key in ("name", "labels", "annotations") if key in about}
        snapshot = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": _snapshot_name(train_job),
                "namespace": meta["namespace"],
                "ownerReferences": [owner_reference(train_job, TRAIN_JOBS)],
            },
            "data": {_SNAPSHOT_KEY: orjson.dumps(kept).decode()},
        }
        try:
            await self.create(CONFIG_MAPS, snapshot)
        except AlreadyExistsError:
            return

    def _runtime(self, train_job: Object) -> Runtime:
        snapshot = self.config_maps.get(train_job["metadata"]["namespace"], _snapshot_name(train_job))
        if snapshot is not None and is_controlled_by(snapshot, train_job):
            return Runtime(orjson.loads(snapshot["data"][_SNAPSHOT_KEY]))
        kind, namespace, name = runtime_of(train_job)[0].split("/")
        group = train_job["spec"]["runtimeRef"].get("apiGroup") or TRAINING_RUNTIMES.group
        view = self.runtimes.get(kind)
        if view is None or group != TRAINING_RUNTIMES.group:
            return Runtime(None, f"unsupported runtime: {kind}.{group}")
        runtime = view.get(namespace, name)
        if runtime is None:
            known = ", ".join(sorted(key[1] for key in view.informer.objects if key[0] == namespace))
            return Runtime(
                None, f'{kind} "{name}" not found. It must exist first; there are: {known or "none"}.'
            )
        return Runtime(runtime)

    def _runtime_changed(self, old: Object | None, new: Object | None) -> None:
        namespace, name = key_of(either(old, new))
        kind = TRAINING_RUNTIMES.kind if namespace else CLUSTER_TRAINING_RUNTIMES.kind
        for train_job in self.train_jobs.by_index(_BY_RUNTIME, f"{kind}/{namespace}/{name}"):
            self.queue.add(key_of(train_job))


def _snapshot_name(train_job: Object) -> str:
    return f"{train_job['metadata']['name']}-runtime-snapshot"
