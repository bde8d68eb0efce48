"""The Job controller: acts on what `decide` says, and records it."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.client import JOBS, PODS, Object
from kubelab.engine.controllers.batches import namespace_ends, together
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.job.decision import JobDecision, decide
from kubelab.engine.controllers.job.pods import TRACKING_FINALIZER, Pod, PodPlan, build_pod, read_pod
from kubelab.engine.controllers.owners import controller_of
from kubelab.errors import ApiError, NotFoundError

_BY_JOB = "controlling job"
_MOST_PASSES = 20


def job_of_pod(pod: Object) -> tuple[str, ...]:
    """Return ``namespace/name`` of the Job that controls a pod, as the values of an index.

    A pod that is tracked but was orphaned is found under its namespace and no name.
    """
    namespace, reference = pod["metadata"]["namespace"], controller_of(pod)
    if reference and reference["kind"] == "Job" and reference["apiVersion"].startswith("batch/"):
        return (f"{namespace}/{reference['name']}",)
    return (f"{namespace}/",) if _is_tracked(pod) else ()


class JobController(Controller):
    """Runs Jobs (batch/v1)."""

    name = "job-controller"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.jobs = self.follow(JOBS)
        self.pods = self.follow_owned(PODS, JOBS)
        self.pods.index(_BY_JOB, job_of_pod)
        self.pods.subscribe(self._orphan_changed)

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Create, delete and count the pods of one Job."""
        again_after_s: float | None = None
        for _ in range(_MOST_PASSES):
            job = self.jobs.get(namespace, name)
            pods = self.pods.by_index(_BY_JOB, f"{namespace}/{name}")
            await self._release_orphans(job, pods)
            if job is None or _is_managed_elsewhere(job):
                return None
            now = self.clock.now()
            uid = job["metadata"]["uid"]
            own = [read_pod(pod, now) for pod in pods if _owner_uid(pod) == uid]
            decision = decide(job, own, now)
            again_after_s = decision.again_after_s
            if not await self._act(job, decision):
                break
        return again_after_s

    async def _act(self, job: Object, decision: JobDecision) -> bool:
        """Do what was decided; say whether it changed what the next decision would see."""
        if decision.expired:
            await self.delete(JOBS, job, propagation="Foreground")
        failure = None
        try:
            if await self._change_pods(job, decision):
                return True
        except ApiError as error:
            failure = error
        changed = await self._record(job, decision)
        if failure is not None:
            raise failure
        return changed

    async def _change_pods(self, job: Object, decision: JobDecision) -> bool:
        stop = [pod for pod in decision.stop if not pod.deleting]
        if not (decision.discard or decision.create or stop):
            return False
        await together(self._discard(job, pod) for pod in decision.discard)
        await together(self._delete_pod(job, pod) for pod in stop)
        await together(self._create_pod(job, plan) for plan in decision.create)
        return True

    async def _record(self, job: Object, decision: JobDecision) -> bool:
        changed = decision.status != (job.get("status") or {})
        if changed:
            await self.update_status(JOBS, job, decision.status)
            for note in decision.notes:
                self.note(job, note)
        await together(self._release(pod.object) for pod in decision.release)
        return bool(changed or decision.release)

    async def _create_pod(self, job: Object, plan: PodPlan) -> None:
        try:
            pod = await self.create(PODS, build_pod(job, plan))
        except ApiError as error:
            if not namespace_ends(error):
                self.note(job, Note("Warning", "FailedCreate", f"Error creating: {error.message}"))
            raise
        self.note(job, Note("Normal", "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}"))

    async def _discard(self, job: Object, pod: Pod) -> None:
        """Delete a pod that is not to be counted: its finalizer goes first."""
        if pod.tracked:
            await self._release(pod.object)
        await self._delete_pod(job, pod)

    async def _delete_pod(self, job: Object, pod: Pod) -> None:
        await self.delete(PODS, pod.object)
        self.note(job, Note("Normal", "SuccessfulDelete", f"Deleted pod: {pod.name}"))

    async def _release(self, pod: Object) -> None:
        finalizers = pod["metadata"].get("finalizers") or []
        rest = [finalizer for finalizer in finalizers if finalizer != TRACKING_FINALIZER]
        meta = {"finalizers": rest or None, "uid": pod["metadata"]["uid"]}
        try:
            written = await self.client.patch(
                PODS, pod["metadata"]["name"], {"metadata": meta}, pod["metadata"]["namespace"]
            )
        except NotFoundError:
            self.pods.deleted(pod)
            return
        if written["metadata"].get("deletionTimestamp") and not rest and not _runs(written):
            self.pods.deleted(written)
        else:
            self.pods.wrote(written)

    async def _release_orphans(self, job: Object | None, pods: Sequence[Object]) -> None:
        """Let go of pods whose Job is gone; the garbage collector deletes them."""
        uid = job["metadata"]["uid"] if job else None
        orphans = [pod for pod in pods if _is_tracked(pod) and (uid is None or _owner_uid(pod) != uid)]
        await together(self._release(pod) for pod in orphans)

    def _orphan_changed(self, old: Object | None, new: Object | None) -> None:  # noqa: ARG002 - a handler's form
        if new is not None and controller_of(new) is None and _is_tracked(new):
            self.queue.add((new["metadata"]["namespace"], ""))


def _is_managed_elsewhere(job: Object) -> bool:
    return (job["spec"].get("managedBy") or "kubernetes.io/job-controller") != "kubernetes.io/job-controller"


def _is_tracked(pod: Object) -> bool:
    return TRACKING_FINALIZER in (pod["metadata"].get("finalizers") or ())


def _owner_uid(pod: Object) -> str:
    return str((controller_of(pod) or {}).get("uid", ""))


def _runs(pod: Object) -> bool:
    """Say whether a pod being deleted still waits for its grace period."""
    return bool(pod["metadata"].get("deletionGracePeriodSeconds"))
