"""`Site`: where a measurement happens, a namespace and simulated nodes of its own that go away with it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar

from kubelab.client import NAMESPACES, NODES, Client, Object, Resource
from kubelab.clock import Clock, monotonic
from kubelab.errors import ApiError, ConnectionFailedError, ExpiredError, NotFoundError
from kubelab.limits import load as objects
from kubelab.limits.errors import LimitsBusyError, LimitsRefusedError
from kubelab.limits.load import Load
from kubelab.limits.trace import PREFIX, RUN_LABEL, UNTIL, Holder, holder_of, is_left, mark
from kubelab.node_template import NodeTemplate, runs_processes, simulated_nodes
from kubelab.objects import is_ready

T = TypeVar("T")

_TOGETHER = 20
_PAUSE_S = 0.05
_HURRIED_S = 3.0
"""How long leaving may take after Ctrl-C: `kubelab.portal` waits five seconds."""
_UNHURRIED_S = 30.0


@dataclass(frozen=True, slots=True)
class Site:
    """A namespace for one run.

    Attributes
    ----------
    run : str
        The value of the run's label.
    namespace : str
        Where its pods go.
    load : Load
        What is asked of the cluster.
    processes : bool
        Whether the cluster has nodes of its own whose pods are processes.
    """

    client: Client
    run: str
    namespace: str
    load: Load
    processes: bool = False

    def pod(self, name: str) -> Object:
        """Return a pod of this run."""
        own: Literal["processes", "any"] = "processes" if self.processes else "any"
        return objects.pod(name, self.run, on="simulated" if self.load.nodes else own)

    async def changes(self, resource: Resource, version: str) -> AsyncGenerator[Object, None]:
        """Yield each object of the namespace that comes or changes after a version, without end.

        A server ends watches now and then. Where it no longer knows the version, all objects come again.
        """
        while True:
            watch = self.client.watch(resource, self.namespace, resource_version=version)
            try:
                async with aclosing(watch) as events:
                    async for event in events:
                        version = event.object["metadata"]["resourceVersion"]
                        if event.type in ("ADDED", "MODIFIED"):
                            yield event.object
            except ExpiredError:
                page = await self.client.list(resource, self.namespace)
                version = page.resource_version
                for obj in page.items:
                    yield obj


@asynccontextmanager
async def open_site(client: Client, load: Load, clock: Clock) -> AsyncIterator[Site]:
    """Make a site, after removing what killed runs left; remove it however the body ends.

    Raises
    ------
    LimitsBusyError
        If another run measures this cluster.
    LimitsOptionError
        If the cluster's own nodes are processes' and have no room for so many pods.
    LimitsRefusedError
        If the user may not make namespaces, or nodes where some are asked for.
    """
    await remove_left(client, clock)
    own = [] if load.nodes else await _process_nodes(client)
    if own:
        load.check_room("The cluster's own nodes", sum(map(_pods_of, own)))
    run = secrets.token_hex(4)
    site = Site(client, run, PREFIX + run, load, bool(own))
    within_s = _HURRIED_S
    try:
        await _make(site, clock)
        yield site
        within_s = _UNHURRIED_S
    finally:
        await asyncio.shield(_remove(client, f"{RUN_LABEL}={run}", within_s))


async def _process_nodes(client: Client) -> list[Object]:
    """Return the nodes whose pods are processes; none where the user may not list nodes."""
    try:
        return [node for node in (await client.list(NODES)).items if runs_processes(node)]
    except ApiError as error:
        if error.code == 403:
            return []
        raise


def _pods_of(node: Object) -> int:
    return int(node["status"]["allocatable"]["pods"])


async def remove_left(client: Client, clock: Clock) -> list[str]:
    """Remove namespaces and nodes that killed runs left, and return their names.

    Raises
    ------
    LimitsBusyError
        If one of them belongs to a run that goes on.
    LimitsRefusedError
        If the user may not list namespaces.
    """
    removed = []
    for resource in (NAMESPACES, NODES):
        for obj in await _marked(client, resource):
            if is_left(obj, clock.now()):
                await _delete(client, resource, obj["metadata"]["name"])
                removed.append(obj["metadata"]["name"])
            elif "deletionTimestamp" not in obj["metadata"]:  # else its run is done with it
                _raise_busy(obj)
    return removed


async def _marked(client: Client, resource: Resource) -> list[Object]:
    """Return the objects that a run has marked: by name, label and holder.

    Who may not list nodes can still measure on the cluster's own.
    """
    try:
        found = await allowed(f"list {resource.plural}", client.list(resource, label_selector=RUN_LABEL))
    except LimitsRefusedError:
        if resource is NAMESPACES:
            raise
        return []
    return [each for each in found.items if each["metadata"]["name"].startswith(PREFIX) and holder_of(each)]


def _raise_busy(obj: Object) -> None:
    holder = holder_of(obj)
    who = f"process {holder.pid} on {holder.host}" if holder else "another process"
    until = obj["metadata"]["annotations"].get(UNTIL, "an unknown time")
    raise LimitsBusyError(obj["metadata"]["name"], who, until)


async def _make(site: Site, clock: Clock) -> None:
    holder, until = Holder.own(), clock.now() + timedelta(seconds=site.load.longest_s)
    made = objects.namespace(site.namespace)
    made["metadata"] = mark(made["metadata"], site.run, holder, until)
    await allowed("create namespaces", site.client.create(NAMESPACES, made))
    nodes = simulated_nodes(site.load.nodes, NodeTemplate(prefix=site.namespace), ())
    for node in nodes:
        node["metadata"] = mark(node["metadata"], site.run, holder, until)
    for start in range(0, len(nodes), _TOGETHER):
        batch = nodes[start : start + _TOGETHER]
        await asyncio.gather(*(allowed("create nodes", site.client.create(NODES, node)) for node in batch))
    await _wait_for_nodes(site)


async def _wait_for_nodes(site: Site) -> None:
    """Wait until all are ready; on a cluster without KWOK they never are, and its pods tell."""
    until = monotonic() + site.load.timeout_s
    while site.load.nodes and monotonic() < until:
        nodes = (await site.client.list(NODES, label_selector=f"{RUN_LABEL}={site.run}")).items
        if all(map(is_ready, nodes)):
            return
        await asyncio.sleep(_PAUSE_S)


async def _remove(client: Client, selector: str, within_s: float) -> None:
    """Remove a run's namespace, and its nodes once their pods are gone or the time has passed."""
    with suppress(ApiError, ConnectionFailedError):
        spaces = [
            each["metadata"]["name"]
            for each in (await client.list(NAMESPACES, label_selector=selector)).items
        ]
        for name in spaces:
            await _delete(client, NAMESPACES, name)
        until = monotonic() + within_s
        while spaces and monotonic() < until:
            if not (await client.list(NAMESPACES, label_selector=selector)).items:
                break
            await asyncio.sleep(_PAUSE_S)
        nodes = (await client.list(NODES, label_selector=selector)).items
        await asyncio.gather(*(_delete(client, NODES, node["metadata"]["name"]) for node in nodes))


async def _delete(client: Client, resource: Resource, name: str) -> None:
    with suppress(NotFoundError):
        await client.delete(resource, name)


async def allowed(what: str, call: Coroutine[Any, Any, T]) -> T:
    """Return what a call returns; raise `LimitsRefusedError` if the user may not do it."""
    try:
        return await call
    except ApiError as error:
        if error.code == 403:
            raise LimitsRefusedError(what, error.message) from error
        raise
