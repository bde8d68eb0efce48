"""`Load`: connections to a job's coordinator through its Service, as clients open them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubelab import clock
from kubelab.chaos.experiment import MOST_PER_S
from kubelab.client import ENDPOINT_SLICES, PODS, Client, Object
from kubelab.engine.chaos.injector import RefusedError
from kubelab.engine.controllers.endpointslice.decision import SERVICE_NAME
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.informer import Informer
from kubelab.training.pod.environment import PodEnvironment

_CONNECT_S = 1.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Coordinator:
    """Where a job's clients find it.

    Parameters
    ----------
    service : str
        The Service that leads there.
    hostname : str
        The endpoint's own name within it; empty where any endpoint will do.
    port : int
        Where it listens.
    """

    service: str
    hostname: str
    port: int

    def __str__(self) -> str:
        return f"{self.hostname}.{self.service}:{self.port}".lstrip(".")


class Load:
    """Connects and closes, so many times a second, and counts how that ends.

    The address is taken from the Service's EndpointSlices at each connection, as kube-proxy and a cluster's
    DNS take it; they are followed by a watch, as there.

    Parameters
    ----------
    client : Client
        The cluster's API.
    namespace : str
        The Services'.
    services : sequence of str
        Those that a job has.
    rate : float
        Connections a second, at most `MOST_PER_S`; 0 for none. Each begins in time, whether or not those
        before it ended.

    Attributes
    ----------
    accepted, without_endpoint, refused : int
        How many connections were made; found no endpoint; were refused or not answered within a second.
    """

    def __init__(self, client: Client, namespace: str, services: Sequence[str], rate: float) -> None:
        self.accepted = self.without_endpoint = self.refused = 0
        self._client = client
        self._namespace = namespace
        self._services = ", ".join(services)
        self._rate = min(rate, MOST_PER_S)
        self._slices = Informer(
            client, ENDPOINT_SLICES, namespace, label_selector=f"{SERVICE_NAME} in ({','.join(services)})"
        )
        self._running: list[asyncio.Task[None]] = []

    async def start(self, patience_s: float) -> str:
        """Begin, if somebody answers; return what is done, or why nothing is.

        Parameters
        ----------
        patience_s : float
            How long to wait for a first endpoint.

        Raises
        ------
        RefusedError
            If there is none.
        """
        self._running = [asyncio.create_task(self._slices.run(), name="endpoints under load")]
        await self._first_endpoint(patience_s)
        to = await self._coordinator()
        if to is None or self._rate <= 0:
            where = "" if to else ": nothing tells where a client would find the job's coordinator"
            return f"no connections are opened{where}"
        address = address_of(self._slices.objects.values(), to)
        if not address or not await _connects(address, to.port):
            return f"no connections are opened: nobody answers at {to} ({address or 'no endpoint'})"
        self._running.append(asyncio.create_task(self._send(to), name="load"))
        return f"{self._rate:g} connections a second are opened to {to}"

    async def stop(self) -> str:
        """End; return how the connections went, or nothing if there were none."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        count = self.accepted + self.without_endpoint + self.refused
        if not count:
            return ""
        told = f"of {count} connections {self.without_endpoint} found no endpoint"
        return f"{told}, {self.refused} were refused or not answered"

    async def _first_endpoint(self, patience_s: float) -> None:
        deadline = clock.monotonic() + patience_s
        while not any(each.get("endpoints") for each in self._slices.objects.values()):
            if clock.monotonic() > deadline:
                raise RefusedError(
                    f"Service {self._services} has no endpoints, so none can be taken. On the engine "
                    "binaries, pods that are processes never are endpoints: upstream's API server accepts no "
                    "loopback address for one."
                )
            await asyncio.sleep(_POLL_S)

    async def _coordinator(self) -> Coordinator | None:
        for each in self._slices.objects.values():
            for endpoint in each.get("endpoints") or ():
                pod = (endpoint.get("targetRef") or {}).get("name", "")
                with contextlib.suppress(ApiError, ConnectionFailedError):
                    return coordinator_of(each, await self._client.get(PODS, pod, self._namespace))
        return None

    async def _send(self, to: Coordinator) -> None:
        due_s = clock.monotonic()
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(self._connect(to))
                due_s += 1 / self._rate
                await asyncio.sleep(max(0.0, due_s - clock.monotonic()))

    async def _connect(self, to: Coordinator) -> None:
        address = address_of(self._slices.objects.values(), to)
        if not address:
            self.without_endpoint += 1
        elif await _connects(address, to.port):
            self.accepted += 1
        else:
            self.refused += 1


def coordinator_of(endpoint_slice: Object, pod: Object) -> Coordinator | None:
    """Return where the coordinator is: by a pod's environment, or the first port of its Service.

    Its environment has ``host.service:port`` where the pods of a job share a Service, as Trainer's do, and
    ``service:port`` where each has its own, as a JAXJob's.
    """
    service = endpoint_slice["metadata"]["labels"][SERVICE_NAME]
    for container in pod["spec"]["containers"]:
        env = {each["name"]: each["value"] for each in container.get("env") or () if each.get("value")}
        host, _, port = PodEnvironment.read({**env, "JAX_NUM_PROCESSES": "1"}).coordinator.rpartition(":")
        if port.isdigit():
            hostname, _, subdomain = host.partition(".")
            name = subdomain.partition(".")[0]
            return Coordinator(name or hostname, hostname if name else "", int(port))
    ports = endpoint_slice.get("ports") or ()
    return Coordinator(service, "", int(ports[0]["port"])) if ports else None


def address_of(slices: Iterable[Object], to: Coordinator) -> str:
    """Return the address of the first ready endpoint that leads there; nothing if there is none."""
    for each in slices:
        if each["metadata"]["labels"].get(SERVICE_NAME) != to.service:
            continue
        for endpoint in each.get("endpoints") or ():
            if (endpoint.get("conditions") or {}).get("ready") is False:
                continue
            if not to.hostname or endpoint.get("hostname") == to.hostname:
                return str(endpoint["addresses"][0])
    return ""


async def _connects(address: str, port: int) -> bool:
    """Connect and close; say whether that went well."""
    try:
        async with asyncio.timeout(_CONNECT_S):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
