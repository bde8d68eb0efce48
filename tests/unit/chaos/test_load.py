"""Connections through a Service's EndpointSlices, on a real API server and a real socket."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kubelab import portal
from kubelab.chaos.errors import ChaosError
from kubelab.chaos.radius import checked_rate
from kubelab.client import ENDPOINT_SLICES, PODS, Object
from kubelab.engine.chaos.injector import RefusedError
from kubelab.engine.chaos.load import Coordinator, Load, address_of, coordinator_of
from tests.unit.conftest import JobWorld

SERVICE = {"kubernetes.io/service-name": "learn"}
Eventually = Callable[[Callable[[], object]], None]


def pod(**env: str) -> Object:
    listed = [{"name": name, "value": value} for name, value in env.items()]
    return {
        "metadata": {"name": "learn-0", "namespace": "default"},
        "spec": {"containers": [{"name": "node", "image": "kubelab/jax", "env": listed}]},
    }


def endpoint_slice(*endpoints: Object, ports: tuple[int, ...] = ()) -> Object:
    return {
        "apiVersion": ENDPOINT_SLICES.api_version,
        "kind": "EndpointSlice",
        "metadata": {"name": "learn-abcde", "namespace": "default", "labels": SERVICE},
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": [{"port": port, "protocol": "TCP"} for port in ports],
    }


def endpoint(address: str = "127.0.0.1", hostname: str = "learn-node-0-0", *, ready: bool = True) -> Object:
    return {
        "addresses": [address],
        "hostname": hostname,
        "conditions": {"ready": ready},
        "targetRef": {"kind": "Pod", "name": "learn-0", "namespace": "default"},
    }


@pytest.mark.parametrize(
    ("env", "ports", "found"),
    [
        (
            {"JAX_COORDINATOR_ADDRESS": "learn-node-0-0.learn:29500"},
            (),
            Coordinator("learn", "learn-node-0-0", 29500),
        ),
        (
            {"COORDINATOR_ADDRESS": "learn-worker-0", "COORDINATOR_PORT": "6666"},
            (6666,),
            Coordinator("learn-worker-0", "", 6666),
        ),
        ({}, (8080,), Coordinator("learn", "", 8080)),
        ({}, (), None),
    ],
)
def test_the_coordinator_is_where_the_jobs_own_processes_find_it(
    env: dict[str, str], ports: tuple[int, ...], found: Coordinator | None
) -> None:
    assert coordinator_of(endpoint_slice(ports=ports), pod(**env)) == found


def test_only_a_ready_endpoint_of_that_name_leads_to_the_coordinator() -> None:
    to = Coordinator("learn", "learn-node-0-0", 29500)
    other = endpoint("127.0.0.2", "learn-node-0-1")
    assert address_of([endpoint_slice(other, endpoint())], to) == "127.0.0.1"
    assert address_of([endpoint_slice(other, endpoint(ready=False))], to) == ""
    assert address_of([endpoint_slice(endpoint())], Coordinator("other", "", 29500)) == ""


@pytest.mark.parametrize("rate", [-1.0, 1001.0, float("nan")])
def test_a_rate_is_a_number_of_connections_a_second(rate: float) -> None:
    with pytest.raises(ChaosError, match="from 0 to 1000"):
        checked_rate(rate)


class Listener:
    """A tiny TCP server that counts who connects."""

    def __init__(self) -> None:
        self.seen = 0
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        self._server.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen += 1
        await reader.read()
        writer.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    opened = Listener()
    portal.run(opened.open())
    yield opened
    portal.run(opened.close())


def served(world: JobWorld, port: int, *endpoints: Object) -> None:
    """Have the API tell of a job's pod and of its Service's endpoints."""
    portal.run(world.client.create(PODS, pod(JAX_COORDINATOR_ADDRESS=f"learn-node-0-0.learn:{port}")))
    portal.run(world.client.create(ENDPOINT_SLICES, endpoint_slice(*endpoints)))


def show(world: JobWorld, *endpoints: Object) -> None:
    patch: dict[str, Any] = {"endpoints": list(endpoints)}
    portal.run(world.client.patch(ENDPOINT_SLICES, "learn-abcde", patch, "default"))


async def load(world: JobWorld, rate: float = 100.0) -> Load:
    return Load(world.client, "default", ["learn"], rate)


def test_connections_are_counted_by_how_they_end(
    world: JobWorld, listener: Listener, eventually: Eventually
) -> None:
    served(world, listener.port, endpoint())
    sent = portal.run(load(world))
    did = portal.run(sent.start(5.0))
    assert did == f"100 connections a second are opened to learn-node-0-0.learn:{listener.port}"
    eventually(lambda: sent.accepted >= 5)
    assert (sent.without_endpoint, sent.refused) == (0, 0)
    show(world)
    eventually(lambda: sent.without_endpoint >= 5)
    show(world, endpoint())
    more = sent.accepted
    eventually(lambda: sent.accepted > more)
    portal.run(listener.close())
    eventually(lambda: sent.refused >= 5)
    told = portal.run(sent.stop())
    count = sent.accepted + sent.without_endpoint + sent.refused
    assert told == (
        f"of {count} connections {sent.without_endpoint} found no endpoint, "
        f"{sent.refused} were refused or not answered"
    )
    assert 0 <= listener.seen - sent.accepted <= 2  # the first looks whether anybody answers at all
    portal.run(asyncio.sleep(0.05))
    assert count == sent.accepted + sent.without_endpoint + sent.refused, "it goes on after its end"


def test_where_nobody_answers_that_is_said_and_nothing_is_counted(world: JobWorld) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        served(world, port, endpoint())
        sent = portal.run(load(world))
        did = portal.run(sent.start(5.0))
    assert re.fullmatch(rf"no connections are opened: nobody answers at \S+:{port} \(127\.0\.0\.1\)", did)
    assert portal.run(sent.stop()) == ""


def test_a_service_without_endpoints_is_refused(world: JobWorld) -> None:
    served(world, 1)
    sent = portal.run(load(world))
    with pytest.raises(RefusedError, match="Service learn has no endpoints, so none can be taken"):
        portal.run(sent.start(0.2))
    assert portal.run(sent.stop()) == ""


def test_a_rate_of_zero_opens_no_connections(world: JobWorld, listener: Listener) -> None:
    served(world, listener.port, endpoint())
    sent = portal.run(load(world, rate=0))
    assert portal.run(sent.start(5.0)) == "no connections are opened"
    assert portal.run(sent.stop()) == ""
    assert listener.seen == 0
