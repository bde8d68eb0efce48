"""The meter, on a real API server whose node the test plays."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from kubelab.client import METER_READINGS, NODES, PODS, Object
from kubelab.clock import rfc3339
from kubelab.costs.rates import Resources
from kubelab.costs.readings import rows_of
from kubelab.engine.controllers.meter.sampling import Sampling
from kubelab.engine.controllers.views import Views
from kubelab.engine.usage import NodeUsage, PodUsage, Usage
from tests.unit.engine.controllers.lab import Lab

PRICE = {
    "autoscaling.kubelab.dev/price-usd-per-hour": "1.0",
    "autoscaling.kubelab.dev/price-date": "2026-07-20",
}
REQUESTS = {"cpu": "500m", "memory": "1Gi"}


class Uses:
    """A node's pods that use two cores each."""

    def nodes(self) -> Iterable[NodeUsage]:
        return ()

    def pods(self) -> Iterable[PodUsage]:
        for name in ("busy", "gone"):
            yield PodUsage("default", name, {"main": Usage(2_000_000_000, 2**20)}, datetime.now(UTC), 15.0)


async def add_node(lab: Lab) -> None:
    meta = {"name": "node", "annotations": PRICE}
    await lab.client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": meta})
    capacity = {"capacity": {"cpu": "4", "memory": "8Gi"}}
    await lab.client.patch(NODES, "node", {"status": capacity}, subresource="status")


async def run_pod(lab: Lab, name: str) -> Object:
    container = {"name": "main", "image": "x", "resources": {"requests": REQUESTS}}
    meta = {"name": name, "namespace": "default", "labels": {"job-name": "train"}}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}
    made = await lab.client.create(PODS, body)
    await lab.set_phase(made, "Running")
    started = {"status": {"startTime": rfc3339(lab.clock.now())}}
    return await lab.client.patch(PODS, name, started, "default", subresource="status")


async def readings(lab: Lab, count: int) -> list[Object]:
    found = await lab.until(
        METER_READINGS, lambda found: list(found.values()) if len(found) >= count else None
    )
    return list(found)


async def test_a_pod_that_is_deleted_leaves_a_reading(lab: Lab) -> None:
    await add_node(lab)
    pod = await run_pod(lab, "work")
    await lab.client.delete(PODS, "work", "default", grace_period_seconds=0)
    (reading,) = await readings(lab, 1)
    (run,) = rows_of(reading).pods
    assert (run.name, run.uid, run.node, run.owner.job) == ("work", pod["metadata"]["uid"], "node", "train")
    assert run.held == Resources(0.5, 1.0)
    assert reading["spec"]["pods"] == 1


async def test_a_node_leaves_a_reading_when_its_price_changes_and_when_it_goes(lab: Lab) -> None:
    await add_node(lab)
    dearer = {"autoscaling.kubelab.dev/price-usd-per-hour": "2.0"}
    await lab.client.patch(NODES, "node", {"metadata": {"annotations": dearer}})
    await readings(lab, 1)
    await lab.client.patch(NODES, "node", {"metadata": {"labels": {"more": "labels"}}})
    await lab.client.delete(NODES, "node")
    found = [row for reading in await readings(lab, 2) for row in rows_of(reading).nodes]
    assert sorted(node.price.usd_per_hour for node in found if node.price) == [1.0, 2.0]


async def test_readings_outlive_the_meter(lab: Lab) -> None:
    await add_node(lab)
    await run_pod(lab, "before")
    await lab.client.delete(PODS, "before", "default", grace_period_seconds=0)
    await readings(lab, 1)
    await lab.stop_controllers()
    await lab.start_controllers()
    await run_pod(lab, "after")
    await lab.client.delete(PODS, "after", "default", grace_period_seconds=0)
    await readings(lab, 2)
    names = [row.name for reading in await readings(lab, 2) for row in rows_of(reading).pods]
    assert sorted(names) == ["after", "before"]


async def test_what_processes_use_beyond_their_requests_is_sampled(lab: Lab) -> None:
    await add_node(lab)
    lab.server.register_usage(Uses())
    pod = await run_pod(lab, "busy")
    views = Views(lab.informers)
    sampling = Sampling(lab.client, views.of(PODS), views.of(NODES))
    await lab.informers.start()
    await lab.until(PODS, lambda pods: (pods["busy"].get("status") or {}).get("startTime"))
    (found,) = await sampling.sample(())
    assert (found.uid, found.samples) == (pod["metadata"]["uid"], 1)
    assert found.average == Resources(1.5, 0.0)
    (again,) = await sampling.sample(())
    assert again.samples == 2
    assert sampling.is_needed


async def test_simulated_pods_are_not_sampled(lab: Lab) -> None:
    await add_node(lab)
    await lab.client.patch(NODES, "node", {"metadata": {"annotations": {"kwok.x-k8s.io/node": "fake"}}})
    lab.server.register_usage(Uses())
    await run_pod(lab, "busy")
    views = Views(lab.informers)
    sampling = Sampling(lab.client, views.of(PODS), views.of(NODES))
    await lab.informers.start()
    await lab.until(NODES, lambda nodes: "kwok.x-k8s.io/node" in nodes["node"]["metadata"]["annotations"])
    assert await sampling.sample(()) == ()
    assert not sampling.is_needed
