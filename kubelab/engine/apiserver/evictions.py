"""Eviction: a deletion that asks the pod's disruption budget first.

After upstream's ``pkg/registry/core/pod/storage/eviction.go``. Nothing is awaited between reading a budget
and spending it, so no two evictions spend the same allowance.
"""

from __future__ import annotations

from dataclasses import replace

import orjson

from kubelab.client import BUDGETS, Object, Resource
from kubelab.clock import Clock, rfc3339
from kubelab.engine.apiserver.bodies import decode_as
from kubelab.engine.apiserver.collection import Stored
from kubelab.engine.apiserver.deletion import Deleter
from kubelab.engine.apiserver.deletion_options import DeleteOptions, dry_run
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.requests import Reply, Request, Target
from kubelab.engine.apiserver.selectors import matches
from kubelab.engine.apiserver.status import bad_request, conflict, failure, not_found, too_many_requests
from kubelab.objects import is_ready

_EVICTION = Resource("policy", "v1", "evictions", "Eviction")
_SUCCESS = orjson.dumps(
    {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
)
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."
_RETRY_S = 10
_MOST_DISRUPTED = 2000
"""Upstream: ``MaxDisruptedPodSize``."""


class Evictions:
    """Answers POST to ``pods/NAME/eviction``."""

    def __init__(self, objects: Objects, deleter: Deleter, clock: Clock) -> None:
        self.objects = objects
        self.deleter = deleter
        self.clock = clock

    async def evict(self, request: Request, target: Target) -> Reply:
        """Delete a pod unless a budget forbids it.

        Raises
        ------
        ApiError
            404 if there is no such pod, 429 if its budget allows no disruption, 500 if it has two budgets.
        """
        name, options = _eviction(request)
        if name != target.name:
            raise bad_request("name in URL does not match name in Eviction object")
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        pod = stored.object()
        _check(target, pod, options)
        if _disrupts(pod):
            await self._spend_budget(target, pod, dry_run=options.dry_run)
        if not options.dry_run:
            await self._mark(target)
            options = replace(options, uid=pod["metadata"]["uid"], resource_version="")
        await self.deleter.remove(target.kind, target.key, options)
        return Reply(201, _SUCCESS)

    async def _spend_budget(self, target: Target, pod: Object, *, dry_run: bool) -> None:
        """Count the disruption in the pod's budget, if it has one."""
        found = self._budgets(target.namespace, pod["metadata"].get("labels") or {})
        if not found:
            return
        if len(found) > 1:
            message = (
                "This pod has more than one PodDisruptionBudget, which the eviction subresource "
                "does not support."
            )
            raise failure(500, "InternalError", message)
        budget = found[0].object()
        if not is_ready(pod) and _lets_unhealthy_go(budget):
            return
        _spend(budget, target.name, rfc3339(self.clock.now()))
        kind = self.objects.kinds.get(BUDGETS.group, BUDGETS.version, BUDGETS.plural)
        if kind is not None and not dry_run:
            await self.objects.commit(kind, (target.namespace, budget["metadata"]["name"]), budget)

    def _budgets(self, namespace: str, labels: dict[str, str]) -> list[Stored]:
        collection = self.objects.store.collection(BUDGETS)
        latest = [
            collection.latest(key)
            for key in sorted({*collection.objects, *collection.pending})
            if key[0] == namespace
        ]
        return [
            stored
            for stored in latest
            if stored is not None and matches(stored.object()["spec"].get("selector"), labels)
        ]

    async def _mark(self, target: Target) -> None:
        """Say in the pod's conditions why it goes."""
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        pod = self.objects.parse(target.kind, stored)
        status = pod.setdefault("status", {})
        condition = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting",
            "lastProbeTime": None,
            "lastTransitionTime": rfc3339(self.clock.now()),
        }
        others = [each for each in status.get("conditions") or [] if each["type"] != condition["type"]]
        status["conditions"] = [*others, condition]
        await self.objects.commit(target.kind, target.key, pod)


def _spend(budget: Object, pod_name: str, now: str) -> None:
    metadata, status = budget["metadata"], budget.setdefault("status", {})
    name = metadata["name"]
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        raise _refusal(f"The disruption budget {name} is still being processed by the server.", _RETRY_S)
    if len(status.get("disruptedPods") or {}) > _MOST_DISRUPTED:
        problem = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
        raise failure(403, "Forbidden", f'poddisruptionbudget.policy "{name}" is forbidden: {problem}')
    if status.get("disruptionsAllowed", 0) <= 0:
        raise _refusal(_why(name, status))
    status["disruptionsAllowed"] -= 1
    if not status["disruptionsAllowed"]:
        for condition in status.get("conditions") or []:
            if condition["type"] == "DisruptionAllowed" and condition["status"] == "True":
                condition.update(status="False", reason="InsufficientPods", lastTransitionTime=now)
    status.setdefault("disruptedPods", {})[pod_name] = now


def _why(name: str, status: Object) -> str:
    conditions = status.get("conditions") or []
    condition: Object = next((each for each in conditions if each["type"] == "DisruptionAllowed"), {})
    said = condition.get("message") if condition.get("status") == "False" else ""
    healthy, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    refuses = f"The disruption budget {name} does not allow evicting pods currently"
    if said and condition.get("reason") == "SyncFailed":
        return f"{refuses} because it failed sync: {said}"
    if healthy <= desired:
        return f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
    return f"{refuses} ({condition['reason']}): {said}" if said else refuses


def _refusal(message: str, retry_s: int = 0) -> Exception:
    error = too_many_requests(_REFUSAL, [{"reason": "DisruptionBudget", "message": message}])
    if retry_s:
        error.status["details"]["retryAfterSeconds"] = retry_s
    return error


def _lets_unhealthy_go(budget: Object) -> bool:
    """Tell whether a pod that is not ready may go without spending anything."""
    status = budget.get("status") or {}
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    desired = status.get("desiredHealthy", 0)
    return bool(desired > 0 and status.get("currentHealthy", 0) >= desired)


def _disrupts(pod: Object) -> bool:
    """Tell whether a budget has a say: not for pods that are finished, pending or leaving anyway."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in {"Succeeded", "Failed", "Pending"} and "deletionTimestamp" not in pod["metadata"]


def _check(target: Target, pod: Object, options: DeleteOptions) -> None:
    """Refuse an eviction of a pod that is not as the request expects, before its budget is touched."""
    by_kind = replace(target.resource, plural=target.resource.kind)  # upstream names the kind here
    uid = pod["metadata"]["uid"]
    if options.uid and options.uid != uid:
        problem = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(by_kind, target.name, problem)
    version = pod["metadata"]["resourceVersion"]
    if options.resource_version and options.resource_version != version:
        problem = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({version}). The object might have been modified"
        )
        raise conflict(by_kind, target.name, problem)


def _eviction(request: Request) -> tuple[str, DeleteOptions]:
    """Return whom to evict, and its ``deleteOptions`` as if they were the body of a deletion."""
    eviction = decode_as(_EVICTION, "io.k8s.api.policy.v1.Eviction", request)
    options = eviction.get("deleteOptions") or {}
    name = (eviction.get("metadata") or {}).get("name") or ""
    asked = DeleteOptions.of(Request("DELETE", request.path, {}, orjson.dumps(options), request.user))
    return name, replace(asked, dry_run=asked.dry_run or dry_run(request, "CreateOptions"))
