"""The loop around `decide`: reads the target's scale and metrics every 15 seconds, and acts."""

from __future__ import annotations

import orjson

from kubelab.client import HORIZONTAL_AUTOSCALERS, POD_METRICS, PODS, Object, Resource
from kubelab.clock import rfc3339
from kubelab.engine.apiserver.label_queries import label_predicate
from kubelab.engine.controllers.autoscaling.behavior import History
from kubelab.engine.controllers.autoscaling.decision import Decision, Reading, decide
from kubelab.engine.controllers.autoscaling.usage import Observed, read
from kubelab.engine.controllers.conditions import with_condition
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.discovery import resource_of
from kubelab.engine.controllers.events import Note
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.informer import Key, key_of

_NAMESPACE = "namespace"


class HorizontalController(Controller):
    """Scales what HorizontalPodAutoscalers point at.

    Attributes
    ----------
    sync_s : float
        How often each is looked at (``--horizontal-pod-autoscaler-sync-period``).
    """

    name = "horizontal-pod-autoscaler"
    sync_s = 15.0

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.autoscalers = self.views.of(HORIZONTAL_AUTOSCALERS)
        self.autoscalers.subscribe(self._changed)
        self.pods = self.views.of(PODS)
        self.pods.index(_NAMESPACE, lambda pod: (pod["metadata"]["namespace"],))
        self._histories: dict[Key, History] = {}

    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Look at one autoscaler's target, and scale it if need be."""
        found = self.autoscalers.get(namespace, name)
        if found is None:
            self._histories.pop((namespace, name), None)
            return None
        reference = found["spec"]["scaleTargetRef"]
        try:
            resource = await resource_of(self.client, reference["apiVersion"], reference["kind"])
            scale = await self._scale(resource, namespace, reference["name"])
        except (ApiError, ConnectionFailedError, LookupError) as error:
            await self._fail(found, "FailedGetScale", "get the target's current scale", error)
            return self.sync_s
        told = "the HPA controller was able to get the target's current scale"
        able = {"type": "AbleToScale", "status": "True", "reason": "SucceededGetScale", "message": told}
        current = int(scale["spec"].get("replicas") or 0)
        decision, readings = await self._decide(found, scale, current)
        if decision.replicas != current:
            try:
                scaled = {**scale, "spec": {"replicas": decision.replicas}}
                await self.client.update(resource, scaled, subresource="scale")
            except (ApiError, ConnectionFailedError) as error:
                await self._fail(found, "FailedUpdateScale", "update the target scale", error)
                return self.sync_s
            said = f"New size: {decision.replicas}; reason: {decision.reason}"
            self.note(found, Note("Normal", "SuccessfulRescale", said))
        self._histories[namespace, name] = decision.history
        await self._write(found, (able, *decision.conditions), decision, readings, scale)
        return self.sync_s

    async def _decide(self, found: Object, scale: Object, current: int) -> tuple[Decision, list[Reading]]:
        now, spec = self.clock.now(), found["spec"]
        history = self._histories.get(key_of(found), History())
        namespace, selector = found["metadata"]["namespace"], scale["status"].get("selector") or ""
        if not selector:
            told = "the HPA target's scale is missing a selector"
            self.note(found, Note("Warning", "SelectorRequired", "selector is required"))
            condition = {"type": "ScalingActive", "status": "False"}
            condition |= {"reason": "InvalidSelector", "message": told}
            return Decision(current, "", (condition,), history), []
        passes = label_predicate(selector)
        pods = [
            pod
            for pod in self.pods.by_index(_NAMESPACE, namespace)
            if passes is None or passes(pod["metadata"].get("labels") or {})
        ]
        served = await self.client.list(POD_METRICS, namespace, label_selector=selector)
        readings = read(spec, Observed(pods, served.items, current, now))
        decision = decide(spec, current, readings, history, now)
        if decision.failure:
            for reading in readings:
                if reading.error is not None:
                    self.note(found, Note("Warning", reading.error.reason, str(reading.error)))
            self.note(found, Note("Warning", "FailedComputeMetricsReplicas", decision.failure))
        return decision, readings

    async def _scale(self, resource: Resource, namespace: str, name: str) -> Object:
        answer = await self.client.transport.request("GET", resource.path(namespace, name, "scale"), {})
        document: Object = orjson.loads(answer.body)
        if answer.status >= 400:
            raise ApiError.of(document)
        return document

    async def _write(
        self,
        found: Object,
        conditions: tuple[Object, ...],
        decision: Decision,
        readings: list[Reading],
        scale: Object,
    ) -> None:
        status, now = dict(found.get("status") or {}), rfc3339(self.clock.now())
        listed = status.get("conditions")
        for condition in conditions:
            listed = with_condition(listed, condition, now)
        status |= {
            "conditions": listed,
            "currentReplicas": int(scale["status"].get("replicas") or 0),
            "desiredReplicas": decision.replicas,
            "currentMetrics": [each.status for each in readings if each.status is not None] or None,
        }
        if decision.reason:
            status["lastScaleTime"] = now
        if "generation" in found["metadata"]:
            status["observedGeneration"] = found["metadata"]["generation"]
        status = {key: value for key, value in status.items() if value is not None}
        if status != found.get("status"):
            await self.update_status(HORIZONTAL_AUTOSCALERS, found, status)

    async def _fail(self, found: Object, reason: str, action: str, error: Exception) -> None:
        event = "FailedRescale" if reason == "FailedUpdateScale" else reason
        self.note(found, Note("Warning", event, str(error)))
        told = f"the HPA controller was unable to {action}: {error}"
        condition = {"type": "AbleToScale", "status": "False", "reason": reason, "message": told}
        status = dict(found.get("status") or {})
        now = rfc3339(self.clock.now())
        status["conditions"] = with_condition(status.get("conditions"), condition, now)
        status.setdefault("desiredReplicas", 0)
        if status != found.get("status"):
            await self.update_status(HORIZONTAL_AUTOSCALERS, found, status)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if old is None or new is None or old["spec"] != new["spec"]:
            self.queue.add(key_of(either(old, new)))
