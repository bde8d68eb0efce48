"""Simulated nodes on a real API server in process: adoption, leases, and pods to their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from kubelab.client import EVENTS, LEASES, NAMESPACES, NODES, PODS, Object, Resource
from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.nodes.isolation import Isolation
from kubelab.engine.nodes.node_object import node_status, read_machine
from kubelab.engine.nodes.simulated import SimulatedNodes
from kubelab.errors import AlreadyExistsError, NotFoundError
from kubelab.informer import Informers
from kubelab.node_template import FAKE_NODE, NodeTemplate, simulated_node
from kubelab.simulated_pod import PREFIX

_PATIENCE_S = 60.0


class Simulation:
    """An API server whose nodes are simulated."""

    def __init__(self, server: ApiServer) -> None:
        self.client = server.client("system:masters")
        self.informers = Informers(server.client("system:informers"))
        self.nodes = SimulatedNodes(self.client, self.informers, RealClock(), lease_s=1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.nodes.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def add_node(self, name: str = "node") -> None:
        await self.client.create(NODES, simulated_node(name, NodeTemplate()))

    async def add_pod(self, name: str = "pod", **declared: str) -> None:
        annotations = {PREFIX + key.replace("_", "-"): value for key, value in declared.items()}
        spec = {
            "nodeName": "node",
            "restartPolicy": "Never",
            "containers": [{"name": "main", "image": "x"}],
        }
        meta = {"name": name, "namespace": "default", "annotations": annotations}
        await self.client.create(PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

    async def when(self, resource: Resource, name: str, holds: Callable[[Object], Any]) -> Object:
        namespace = {PODS: "default", LEASES: "kube-node-lease"}.get(resource)
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                try:
                    found = await self.client.get(resource, name, namespace)
                except NotFoundError:
                    found = {}
                if holds(found):
                    return found
                await asyncio.sleep(0.01)

    async def event(self, reason: str) -> Object:
        """Return the first event with a reason."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                for event in (await self.client.list(EVENTS)).items:
                    if event["reason"] == reason:
                        return event
                await asyncio.sleep(0.01)

    async def phase(self, phase: str, name: str = "pod") -> Object:
        return await self.when(PODS, name, lambda pod: pod.get("status", {}).get("phase") == phase)


@pytest.fixture
async def simulation(tmp_path: Path) -> AsyncIterator[Simulation]:
    server = ApiServer(tmp_path, RealClock(), token="test")
    await server.start()
    made = Simulation(server)
    for name in ("default", "kube-node-lease"):
        with_name = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        with suppress(AlreadyExistsError):
            await made.client.create(NAMESPACES, with_name)
    yield made
    await made.informers.stop()
    await server.stop()


def is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions") or []
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


async def test_a_node_is_adopted_and_its_lease_renewed(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_node()
        await simulation.when(NODES, "node", is_ready)
        lease = await simulation.when(LEASES, "node", bool)
        first = lease["spec"]["renewTime"]
        await simulation.when(LEASES, "node", lambda lease: lease["spec"]["renewTime"] > first)


async def test_a_node_of_another_kind_is_left_alone(simulation: Simulation) -> None:
    async with simulation.running():
        other = simulated_node("other", NodeTemplate())
        del other["metadata"]["annotations"]
        await simulation.client.create(NODES, other)
        await simulation.add_node()
        await simulation.when(NODES, "node", is_ready)
        assert not is_ready(await simulation.client.get(NODES, "other"))
        assert [each.name for each in simulation.nodes.usage.nodes()] == ["node"]
        await simulation.client.patch(NODES, "other", {"metadata": {"annotations": {FAKE_NODE: "fake"}}})
        await simulation.when(NODES, "other", is_ready)


async def test_a_node_whose_pods_are_processes_is_not_simulated_and_says_why(
    simulation: Simulation, tmp_path: Path
) -> None:
    real = simulated_node("node", NodeTemplate())
    real["metadata"].pop("annotations")
    real["status"]["nodeInfo"] = node_status("node", read_machine(tmp_path), Isolation(), real, "")[
        "nodeInfo"
    ]
    async with simulation.running():
        await simulation.client.create(NODES, real)
        await simulation.add_pod()
        await simulation.client.patch(NODES, "node", {"metadata": {"annotations": {FAKE_NODE: "fake"}}})
        event = await simulation.event("NotSimulated")
        assert event["involvedObject"]["name"] == "node"
        assert "processes of this machine" in event["message"]
        assert not is_ready(await simulation.client.get(NODES, "node"))
        await simulation.client.create(NODES, simulated_node("other", NodeTemplate()))
        await simulation.when(NODES, "other", is_ready)
        pod = await simulation.client.get(PODS, "pod", "default")
        assert "podIP" not in pod["status"]
        assert [each.name for each in simulation.nodes.usage.nodes()] == ["other"]


async def test_a_pod_runs_to_its_end(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_node()
        await simulation.add_pod(run_duration="1", exit_code="3")
        pod = await simulation.phase("Failed")
        assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3


async def test_pods_have_addresses_of_their_own(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_node()
        for name in ("first", "second"):
            await simulation.add_pod(name)
        addresses = {
            (await simulation.phase("Running", name))["status"]["podIP"] for name in ("first", "second")
        }
        node = await simulation.when(NODES, "node", is_ready)
        assert len(addresses | {node["status"]["addresses"][0]["address"]}) == 3


async def test_a_pod_that_was_bound_before_its_node_came_runs(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_pod()
        await simulation.when(PODS, "pod", lambda _: simulation.informers.of(PODS).get("default", "pod"))
        await simulation.add_node()
        await simulation.phase("Running")


async def test_a_deleted_pod_goes_after_the_time_it_declares(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_node()
        await simulation.add_pod(termination_delay="1")
        await simulation.phase("Running")
        await simulation.client.delete(PODS, "pod", "default")
        await simulation.when(PODS, "pod", lambda pod: not pod)


async def test_a_simulation_that_is_started_again_goes_on_where_it_was(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_node()
        await simulation.add_pod(run_duration="2")
        running = await simulation.phase("Running")
    async with simulation.running():
        ended = await simulation.phase("Succeeded")
    state = ended["status"]["containerStatuses"][0]["state"]["terminated"]
    assert state["startedAt"] == running["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]


async def test_a_node_that_is_gone_and_its_pods_use_nothing(simulation: Simulation) -> None:
    async with simulation.running():
        await simulation.add_node()
        await simulation.add_pod(cpu="1")
        await simulation.phase("Running")
        assert [each.name for each in simulation.nodes.usage.pods()] == ["pod"]
        await simulation.client.delete(NODES, "node")
        await simulation.when(NODES, "node", lambda _: not simulation.informers.of(NODES).objects)
        assert list(simulation.nodes.usage.nodes()) == []
        assert list(simulation.nodes.usage.pods()) == []
