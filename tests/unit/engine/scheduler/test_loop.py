"""The scheduler at work against the real API server, in process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from kubelab.client import (
    EVENTS,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    PRIORITY_CLASSES,
    STORAGE_CLASSES,
    Client,
    Object,
    Resource,
)
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.measures import Measures
from kubelab.engine.scheduler import Scheduler
from kubelab.informer import Informers
from kubelab.scheduling.volumes import SELECTED_NODE
from tests.measured import numbers, total
from tests.unit.scheduling.objects import node, pod


class Lab:
    """An API server with a scheduler, and a view of both that can be waited on."""

    def __init__(
        self, client: Client, informers: Informers, scheduler: Scheduler, measures: Measures
    ) -> None:
        self.measures = measures
        self.client = client
        self.informers = informers
        self.scheduler = scheduler
        self._changed = asyncio.Event()
        for resource in (PODS, EVENTS, NODES, PERSISTENT_VOLUME_CLAIMS):
            informers.of(resource).subscribe(lambda old, new: self._changed.set())

    async def create(self, resource: Resource, *objects: Object) -> None:
        for obj in objects:
            obj["metadata"].pop("uid", None)
            obj["metadata"].pop("creationTimestamp", None)
            await self.client.create(resource, obj)

    def pod(self, name: str) -> Object:
        return self.informers.of(PODS).get("default", name) or {"spec": {}, "status": {}}

    def node_of(self, name: str) -> str:
        return str(self.pod(name)["spec"].get("nodeName", ""))

    def condition(self, name: str, kind: str = "PodScheduled") -> Object:
        conditions = self.pod(name)["status"].get("conditions") or []
        return next((each for each in conditions if each["type"] == kind), {})

    def events(self, name: str, reason: str) -> list[Object]:
        return [
            each
            for each in self.informers.of(EVENTS).objects.values()
            if each["involvedObject"]["name"] == name and each["reason"] == reason
        ]

    def selected_node(self, claim: str) -> str:
        obj = self.informers.of(PERSISTENT_VOLUME_CLAIMS).get("default", claim) or {"metadata": {}}
        return str((obj["metadata"].get("annotations") or {}).get(SELECTED_NODE, ""))

    async def until(self, check: Callable[[], object]) -> None:
        """Wait until a check holds, looking again at every change."""
        async with asyncio.timeout(20):
            while not check():
                self._changed.clear()
                await self._changed.wait()


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    measures = Measures()
    server = ApiServer(tmp_path, RealClock(), token="secret", measures=measures)
    await server.start()
    informers = Informers(server.client("system:masters"))
    scheduler = Scheduler(server.client("system:kube-scheduler"), informers, RealClock(), measures=measures)
    made = Lab(server.client("system:masters"), informers, scheduler, measures)
    running = asyncio.create_task(scheduler.run())
    yield made
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await informers.stop()
    await server.stop()


async def test_a_pod_is_bound_and_both_say_so(lab: Lab) -> None:
    await lab.create(NODES, node("a"))
    await lab.create(PODS, pod("p", cpu="1"))
    await lab.until(lambda: lab.events("p", "Scheduled"))
    await lab.until(lambda: lab.node_of("p") == "a")
    assert lab.condition("p")["status"] == "True"
    event = lab.events("p", "Scheduled")[0]
    assert event["message"] == "Successfully assigned default/p to a"
    assert (event["type"], event["reportingComponent"]) == ("Normal", "default-scheduler")


async def test_a_pod_that_fits_nowhere_says_why_and_is_placed_once_it_fits(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="1"))
    await lab.create(PODS, pod("p", cpu="2"))
    await lab.until(lambda: lab.condition("p"))
    condition = lab.condition("p")
    assert (condition["status"], condition["reason"]) == ("False", "Unschedulable")
    assert condition["message"] == (
        "0/1 nodes are available: 1 Insufficient cpu. preemption: "
        "0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    )
    await lab.until(lambda: lab.events("p", "FailedScheduling"))
    assert lab.events("p", "FailedScheduling")[0]["message"] == condition["message"]
    await lab.create(NODES, node("b", cpu="2"))
    await lab.until(lambda: lab.node_of("p") == "b")


async def test_without_nodes_a_pod_waits_for_the_first(lab: Lab) -> None:
    await lab.create(PODS, pod("p"))
    await lab.until(lambda: lab.condition("p").get("message") == "no nodes available to schedule pods")
    await lab.create(NODES, node("a"))
    await lab.until(lambda: lab.node_of("p") == "a")


async def test_a_pod_takes_the_place_of_one_that_ended(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="2"))
    await lab.create(PODS, pod("first", cpu="2"))
    await lab.until(lambda: lab.node_of("first"))
    await lab.create(PODS, pod("second", cpu="2"))
    await lab.until(lambda: lab.condition("second"))
    patch = {"status": {"phase": "Succeeded"}}
    await lab.client.patch(PODS, "first", patch, "default", subresource="status")
    await lab.until(lambda: lab.node_of("second") == "a")


async def test_a_more_important_pod_takes_the_place_of_another(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="2"))
    await lab.create(PODS, pod("low", cpu="2", terminationGracePeriodSeconds=30))
    await lab.until(lambda: lab.node_of("low"))
    important = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": "important"},
        "value": 100,
    }
    await lab.create(PRIORITY_CLASSES, important)
    await lab.create(PODS, pod("high", cpu="2", priorityClassName="important"))
    await lab.until(lambda: lab.pod("low").get("metadata", {}).get("deletionTimestamp"))
    assert lab.condition("low", "DisruptionTarget")["reason"] == "PreemptionByScheduler"
    await lab.until(lambda: lab.pod("high")["status"].get("nominatedNodeName") == "a")
    await lab.client.delete(PODS, "low", "default", grace_period_seconds=0)
    await lab.until(lambda: lab.node_of("high") == "a")


async def test_gates_hold_a_pod_back(lab: Lab) -> None:
    await lab.create(NODES, node("a"))
    await lab.create(PODS, pod("gated", schedulingGates=[{"name": "example.com/wait"}]), pod("free"))
    await lab.until(lambda: lab.node_of("free"))
    await lab.until(lambda: lab.condition("gated").get("reason") == "SchedulingGated")
    assert not lab.node_of("gated")
    patch = {"spec": {"schedulingGates": None}}
    await lab.client.patch(PODS, "gated", patch, "default")
    await lab.until(lambda: lab.node_of("gated"))


async def test_pods_of_another_scheduler_are_left_alone(lab: Lab) -> None:
    await lab.create(NODES, node("a"))
    await lab.create(PODS, pod("theirs", schedulerName="other"), pod("ours"))
    await lab.until(lambda: lab.node_of("ours"))
    assert not lab.node_of("theirs")
    assert not lab.condition("theirs")


async def test_a_waiting_claim_gets_the_node_before_the_pod_does(lab: Lab) -> None:
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local"},
        "provisioner": "kubelab.dev/local",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "local",
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    await lab.create(STORAGE_CLASSES, storage_class)
    await lab.create(NODES, node("a"))
    await lab.create(PODS, pod("p", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]))
    await lab.until(lambda: 'persistentvolumeclaim "data" not found' in lab.condition("p").get("message", ""))
    await lab.create(PERSISTENT_VOLUME_CLAIMS, claim)
    await lab.until(lambda: lab.selected_node("data") == "a")
    assert not lab.node_of("p")
    await provision(lab)
    await lab.until(lambda: lab.node_of("p") == "a")


async def provision(lab: Lab) -> None:
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "pv"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "storageClassName": "local",
            "hostPath": {"path": "/tmp/pv"},
        },
    }
    await lab.create(PERSISTENT_VOLUMES, volume)
    await lab.client.patch(PERSISTENT_VOLUME_CLAIMS, "data", {"spec": {"volumeName": "pv"}}, "default")
    status = {"status": {"phase": "Bound"}}
    await lab.client.patch(PERSISTENT_VOLUME_CLAIMS, "data", status, "default", subresource="status")


async def test_many_pods_are_placed_without_overcommitting(lab: Lab) -> None:
    await lab.create(NODES, *(node(f"n{number}", cpu="4") for number in range(10)))
    await asyncio.gather(*(lab.create(PODS, pod(f"p{number}", cpu="1")) for number in range(45)))
    await lab.until(lambda: sum(bool(lab.node_of(f"p{number}")) for number in range(45)) == 40)
    per_node = [sum(lab.node_of(f"p{p}") == f"n{n}" for p in range(45)) for n in range(10)]
    assert per_node == [4] * 10


async def test_a_failure_that_repeats_becomes_a_series_of_one_event(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="1"))
    await lab.create(PODS, pod("p", cpu="2"))
    await lab.until(lambda: lab.events("p", "FailedScheduling"))
    await lab.client.patch(PODS, "p", {"metadata": {"labels": {"try": "again"}}}, "default")
    await lab.until(lambda: (lab.events("p", "FailedScheduling")[0].get("series") or {}).get("count") == 2)
    assert len(lab.events("p", "FailedScheduling")) == 1


async def test_a_scheduler_that_starts_again_goes_on_where_it_was(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="2"))
    await lab.create(PODS, pod("first", cpu="2"))
    await lab.until(lambda: lab.node_of("first"))
    again = Scheduler(lab.client, lab.informers, RealClock())
    running = asyncio.create_task(again.run())
    await lab.create(PODS, pod("second", cpu="2"))
    await lab.until(lambda: lab.condition("second"))
    assert again.cache.nodes["a"].requested["cpu"] == 2000
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_pod_that_was_bound_by_hand_is_counted(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="2"))
    await lab.create(PODS, pod("theirs", cpu="2", nodeName="a"))
    await lab.create(PODS, pod("ours", cpu="1"))
    await lab.until(lambda: "Insufficient cpu" in lab.condition("ours").get("message", ""))


async def test_attempts_and_waiting_pods_are_measured(lab: Lab) -> None:
    await lab.create(NODES, node("a", cpu="1"))
    gated = pod("gated")
    gated["spec"]["schedulingGates"] = [{"name": "example.com/later"}]
    await lab.create(PODS, pod("small", cpu="100m"), pod("large", cpu="2"), gated)
    await lab.until(lambda: lab.node_of("small") and lab.condition("large") and lab.condition("gated"))
    await lab.until(lambda: lab.events("small", "Scheduled"))
    found = numbers(lab.measures.text())
    for result in ("scheduled", "unschedulable"):
        labels = {"result": result, "profile": "default-scheduler"}
        assert total(found, "scheduler_schedule_attempts_total", **labels) == 1
        assert total(found, "scheduler_scheduling_attempt_duration_seconds_count", **labels) == 1
    assert total(found, "scheduler_schedule_attempts_total") == 2
    assert total(found, "scheduler_pod_scheduling_sli_duration_seconds_count", attempts="1") == 1
    pending = {name: total(found, "scheduler_pending_pods", queue=name) for name in ("active", "backoff")}
    assert pending == {"active": 0, "backoff": 0}
    assert total(found, "scheduler_pending_pods", queue="unschedulable") == 1
    assert total(found, "scheduler_pending_pods", queue="gated") == 1
