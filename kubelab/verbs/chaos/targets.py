"""Whom a fault hits: pods of a job that run, the node under them, their Service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from random import Random

from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import FLAP, Target
from kubelab.client import NODES, PODS, SERVICES, Client, Object
from kubelab.objects import selects
from kubelab.training.reading import JobReader
from kubelab.training.view import JobView, is_running

_RUNS_S = 60.0
_TELL_S = 0.2


async def running(reader: JobReader, on_wait: Callable[[], None] | None = None) -> JobView:
    """Return the job once all of its workers run; meanwhile, five times a second, ``on_wait`` is called.

    Raises
    ------
    ChaosError
        If they do not in a minute, or the job has ended.
    """
    waiting = asyncio.create_task(_running(reader))
    try:
        while not waiting.done():
            if on_wait is not None:
                on_wait()
            await asyncio.wait({waiting}, timeout=_TELL_S)
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    return waiting.result()


async def _running(reader: JobReader) -> JobView:
    view: JobView | None = None
    try:
        async with asyncio.timeout(_RUNS_S), aclosing(reader.views()) as views:
            async for view in views:
                if view is None or view.ended:
                    break
                if view.phase == "Running":
                    return view
    except TimeoutError:
        pass
    stands = "was deleted" if view is None else f"stands at: {view.summary()}"
    raise ChaosError(f"job {reader.name} {stands}. Faults are for jobs that run; nothing was done.")


def pod_of(view: JobView, rank: int | None, seed: int) -> Target:
    """Return the pod of a rank, or of one that the seed draws.

    Raises
    ------
    ChaosError
        If the job has no such rank that runs.
    """
    pods = {each: pod for each, pod in view.workers.items() if is_running(pod)}
    if rank is None and pods:
        rank = Random(seed).choice(sorted(pods))  # noqa: S311 - a lot that can be drawn again
    if rank not in pods:
        runs = ", ".join(map(str, pods)) or "none"
        raise ChaosError(f"job {view.name} has no rank {rank} that runs; those that do: {runs}.")
    return target_of(pods[rank])


async def node_under(client: Client, pod: Target) -> list[Target]:
    """Return the node that a pod runs on, and all pods on it that have not ended."""
    found = await client.get(PODS, pod.name, pod.namespace)
    name = found["spec"]["nodeName"]
    node = await client.get(NODES, name)
    on_it = await client.list(PODS, field_selector=f"spec.nodeName={name}")
    living = [each for each in on_it.items if each["status"].get("phase") not in {"Succeeded", "Failed"}]
    return [target_of({**node, "kind": "Node"}), *map(target_of, living)]


async def services_of(client: Client, view: JobView) -> list[Target]:
    """Return the Services that select a job's pods.

    Raises
    ------
    ChaosError
        If there is none.
    """
    services = await client.list(SERVICES, view.job["metadata"]["namespace"])
    pods = view.workers.values()
    found = [each for each in services.items if any(selects(_at_rest(each), pod) for pod in pods)]
    if not found:
        raise ChaosError(f"no Service selects the pods of job {view.name}, so nothing asks for their names.")
    return [target_of({**service, "kind": "Service"}) for service in found]


def _at_rest(service: Object) -> Object:
    """Return a Service as it selects while its endpoints do not flap."""
    selector = service["spec"].get("selector") or {}
    return {**service, "spec": {"selector": {key: each for key, each in selector.items() if key != FLAP}}}


def target_of(obj: Object) -> Target:
    """Return an object as a target; what a list returns has no kind of its own, and is a pod."""
    meta = obj["metadata"]
    address = (obj.get("status") or {}).get("podIP", "")
    return Target(obj.get("kind", "Pod"), meta["name"], meta.get("namespace", ""), meta["uid"], address)
