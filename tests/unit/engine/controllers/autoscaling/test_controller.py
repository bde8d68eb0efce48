"""The autoscaler on a real API server; the test plays node and metrics."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from kubelab.client import EVENTS, HORIZONTAL_AUTOSCALERS, PODS, Object, Resource
from kubelab.clock import RealClock
from kubelab.engine.controllers.autoscaling.controller import HorizontalController
from kubelab.engine.usage import NodeUsage, PodUsage, Usage
from tests.unit.engine.controllers.lab import Lab

CUSTOM = Resource("", "v1", "replicationcontrollers", "ReplicationController")


class Busy:
    """Every pod called ``web-...`` uses so much CPU."""

    def __init__(self, millicores: int, names: Iterable[str]) -> None:
        self.millicores = millicores
        self.names = names

    def nodes(self) -> Iterable[NodeUsage]:
        return ()

    def pods(self) -> Iterable[PodUsage]:
        usage = Usage(self.millicores * 10**6, 2**20)
        for name in self.names:
            yield PodUsage("default", name, {"c": usage}, RealClock().now(), 0.0)


async def make_target(lab: Lab, replicas: int) -> None:
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": replicas, "selector": {"app": "web"}, "template": template}
    body = {"apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "web"}, "spec": spec}
    await lab.client.create(CUSTOM, body, "default")


async def make_autoscaler(lab: Lab, **spec: object) -> None:
    target = {"apiVersion": "v1", "kind": "ReplicationController", "name": "web"}
    head = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}}
    body = {**head, "spec": {"scaleTargetRef": target, "maxReplicas": 9, **spec}}
    await lab.client.create(HORIZONTAL_AUTOSCALERS, body, "default")


async def run_pod(lab: Lab, name: str) -> None:
    container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": "100m"}}}
    meta = {"name": name, "namespace": "default", "labels": {"app": "web"}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    await lab.set_phase(await lab.client.create(PODS, pod), "Running")
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = {"startTime": "2026-01-01T00:00:00Z", "conditions": [ready]}
    await lab.client.patch(PODS, name, {"status": status}, "default", subresource="status")


@pytest.fixture(autouse=True)
def short_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HorizontalController, "sync_s", 0.05)


async def test_a_busy_target_gets_more_replicas(lab: Lab) -> None:
    lab.server.register_usage(Busy(90, ["web-1", "web-2"]))
    await make_target(lab, 2)
    for name in ("web-1", "web-2"):
        await run_pod(lab, name)
    await make_autoscaler(lab)
    await lab.until(CUSTOM, lambda found: found["web"]["spec"]["replicas"] == 3)
    status = await lab.until(
        HORIZONTAL_AUTOSCALERS,
        lambda found: found["web"].get("status", {}).get("currentMetrics") and found["web"],
    )
    (metric,) = status["status"]["currentMetrics"]
    assert metric["resource"]["current"] == {"averageUtilization": 90, "averageValue": "90m"}
    said = "New size: 3; reason: cpu resource utilization (percentage of request) above target"
    await lab.until(EVENTS, lambda found: any(each["message"] == said for each in found.values()))


async def test_a_metric_that_nobody_serves_is_said(lab: Lab) -> None:
    await make_target(lab, 2)
    target = {"type": "AverageValue", "averageValue": "10"}
    external = {"type": "External", "external": {"metric": {"name": "queue"}, "target": target}}
    await make_autoscaler(lab, metrics=[external])

    def inactive(found: dict[str, Object]) -> Object | None:
        conditions = found.get("web", {}).get("status", {}).get("conditions") or ()
        return next((each for each in conditions if each["type"] == "ScalingActive"), None)

    condition = await lab.until(HORIZONTAL_AUTOSCALERS, inactive)
    assert (condition["status"], condition["reason"]) == ("False", "FailedGetExternalMetric")
    assert "external metrics API" in condition["message"]


async def test_a_target_that_is_not_there_is_said(lab: Lab) -> None:
    await make_autoscaler(lab)

    def unable(found: dict[str, Object]) -> Object | None:
        conditions = found.get("web", {}).get("status", {}).get("conditions") or ()
        return next((each for each in conditions if each["type"] == "AbleToScale"), None)

    condition = await lab.until(HORIZONTAL_AUTOSCALERS, unable)
    assert (condition["status"], condition["reason"]) == ("False", "FailedGetScale")
