"""How long the API takes to answer, by verb and scope, seen by a client: its network and parsing included."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kubelab.client import CONFIG_MAPS, PODS
from kubelab.clock import monotonic
from kubelab.limits import load as objects
from kubelab.limits.site import Site
from kubelab.limits.slos import MUTATING, READ_CLUSTER, READ_NAMESPACE, READ_OBJECT
from kubelab.limits.verdict import Finding

_NAME = "probe"


async def time_calls(site: Site) -> list[Finding]:
    """Time requests one after another while the run's pods are there."""
    client, space = site.client, site.namespace
    count = site.load.calls
    some_pod = "steady-0"
    return [
        Finding(MUTATING, "POST configmaps", await _timed(count, lambda turn: _create(site, turn))),
        Finding(MUTATING, "PATCH configmaps", await _timed(count, lambda turn: _patch(site, turn))),
        Finding(READ_OBJECT, "GET configmaps", await _timed(count, lambda turn: _get(site, turn))),
        Finding(READ_OBJECT, "GET pods", await _timed(count, lambda _: client.get(PODS, some_pod, space))),
        Finding(READ_NAMESPACE, "LIST pods", await _timed(count, lambda _: client.list(PODS, space))),
        Finding(READ_CLUSTER, "LIST pods", await _timed(count, lambda _: client.list(PODS))),
        Finding(MUTATING, "DELETE configmaps", await _timed(count, lambda turn: _delete(site, turn))),
    ]


async def _timed(count: int, call: Callable[[int], Awaitable[object]]) -> tuple[float, ...]:
    taken = []
    for turn in range(count):
        began = monotonic()
        await call(turn)
        taken.append(monotonic() - began)
    return tuple(taken)


async def _create(site: Site, turn: int) -> object:
    return await site.client.create(CONFIG_MAPS, objects.config_map(f"{_NAME}-{turn}"), site.namespace)


async def _patch(site: Site, turn: int) -> object:
    change = {"data": {"turn": "patched"}}
    return await site.client.patch(CONFIG_MAPS, f"{_NAME}-{turn}", change, site.namespace)


async def _get(site: Site, turn: int) -> object:
    return await site.client.get(CONFIG_MAPS, f"{_NAME}-{turn}", site.namespace)


async def _delete(site: Site, turn: int) -> object:
    return await site.client.delete(CONFIG_MAPS, f"{_NAME}-{turn}", site.namespace)
