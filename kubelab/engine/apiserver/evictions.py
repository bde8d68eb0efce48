"""Eviction: a deletion that asks the pod's disruption budgets first."""

from __future__ import annotations

import orjson

from kubelab.client import Object, Resource
from kubelab.engine.apiserver.bodies import parse
from kubelab.engine.apiserver.deletion import Deleter
from kubelab.engine.apiserver.deletion_options import DeleteOptions
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.requests import Reply, Request, Target
from kubelab.engine.apiserver.selectors import matches
from kubelab.engine.apiserver.status import bad_request, failure, not_found, too_many_requests

_BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
_SUCCESS = orjson.dumps(
    {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
)
_REFUSAL = "Cannot evict pod as it would violate the pod's disruption budget."


class Evictions:
    """Answers POST to ``pods/NAME/eviction``."""

    def __init__(self, objects: Objects, deleter: Deleter) -> None:
        self.objects = objects
        self.deleter = deleter

    async def evict(self, request: Request, target: Target) -> Reply:
        """Delete a pod unless a budget forbids it.

        Raises
        ------
        ApiError
            404 if there is no such pod, 429 if its budget allows no disruption, 500 if it has two budgets.
        """
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        eviction = _eviction(request)
        if (eviction.get("metadata") or {}).get("name", target.name) != target.name:
            raise bad_request("name in URL does not match name in Eviction object")
        pod, options = stored.object(), _delete_options(request, eviction)
        if not options.dry_run and _disrupts(pod):
            await self._spend_budget(target, pod)
        await self.deleter.remove(target.kind, target.key, options)
        return Reply(201, _SUCCESS)

    async def _spend_budget(self, target: Target, pod: Object) -> None:
        """Count the disruption in the pod's budget, if it has one."""
        collection = self.objects.store.collection(_BUDGETS)
        labels = pod["metadata"].get("labels") or {}
        found = [
            stored.object()
            for key, stored in collection.objects.items()
            if key[0] == target.namespace and matches(stored.object()["spec"].get("selector"), labels)
        ]
        if not found:
            return
        if len(found) > 1:
            message = (
                "This pod has more than one PodDisruptionBudget, which the eviction subresource "
                "does not support."
            )
            raise failure(500, "InternalError", message)
        kind = self.objects.kinds.get(_BUDGETS.group, _BUDGETS.version, _BUDGETS.plural)
        key = (target.namespace, found[0]["metadata"]["name"])
        latest = collection.latest(key)
        if kind is None or latest is None:
            return
        budget = latest.object()
        _spend(budget, target.name)
        await self.objects.commit(kind, key, budget)


def _spend(budget: Object, pod_name: str) -> None:
    status, name = budget.setdefault("status", {}), budget["metadata"]["name"]
    if status.get("disruptionsAllowed", 0) <= 0:
        message = (
            f"The disruption budget {name} needs {status.get('desiredHealthy', 0)} healthy pods and has "
            f"{status.get('currentHealthy', 0)} currently"
        )
        raise too_many_requests(_REFUSAL, [{"reason": "DisruptionBudget", "message": message}])
    status["disruptionsAllowed"] -= 1
    status.setdefault("disruptedPods", {})[pod_name] = budget["metadata"]["creationTimestamp"]


def _disrupts(pod: Object) -> bool:
    """Tell whether a budget has a say: not for pods that are finished, pending or leaving anyway."""
    phase = (pod.get("status") or {}).get("phase")
    return phase not in {"Succeeded", "Failed", "Pending"} and "deletionTimestamp" not in pod["metadata"]


def _eviction(request: Request) -> Object:
    eviction = parse(request.body, request.content_type) if request.body else {}
    return eviction if isinstance(eviction, dict) else {}


def _delete_options(request: Request, eviction: Object) -> DeleteOptions:
    """Read the eviction's ``deleteOptions`` as if they were the body of a deletion."""
    options = eviction.get("deleteOptions") or {}
    return DeleteOptions.of(
        Request("DELETE", request.path, request.query, orjson.dumps(options), request.user)
    )
