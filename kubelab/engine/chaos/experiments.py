"""`Experiments`: carries out ChaosExperiments, and undoes each at its deadline whoever looks on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from kubelab.chaos.experiment import LONGEST_S, OVER, Experiment, Target
from kubelab.client import CHAOS_EXPERIMENTS, CUSTOM_RESOURCE_DEFINITIONS, EVENTS, Client, Object
from kubelab.clock import Clock, parse_rfc3339, rfc3339_micro
from kubelab.engine.chaos.injector import Injector, RefusedError, Undone
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError
from kubelab.informer import Informer, Key, key_of
from kubelab.notes import Note, event_of

logger = logging.getLogger(__name__)

DEFINITION = f"{CHAOS_EXPERIMENTS.plural}.{CHAOS_EXPERIMENTS.group}"
_COMPONENT = "chaos"
_RETRY_S = 0.5
_END_S = 3.0
_BUSY = 429


class Experiments:
    """Follows ChaosExperiments once the cluster serves them.

    What is injected is written down in the object before it is done, so that a daemon that comes back undoes
    what one before it left, or goes on with it until its deadline. A daemon that ends undoes all of it.

    Parameters
    ----------
    client : Client
        The cluster's API.
    injectors : mapping of str to Injector
        By the fault's name.
    """

    def __init__(self, client: Client, clock: Clock, injectors: Mapping[str, Injector]) -> None:
        self._client = client
        self._clock = clock
        self._injectors = injectors
        self._carried: dict[Key, asyncio.Task[None]] = {}
        self._stops: dict[Key, asyncio.Event] = {}
        self._over: set[str] = set()

    async def run(self) -> None:
        """Carry experiments out until cancelled; those under way are undone then."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._until_served(group)
                experiments = Informer(self._client, CHAOS_EXPERIMENTS)
                experiments.subscribe(self._changed)
                group.create_task(experiments.run())
        finally:
            await self._end()

    async def _end(self) -> None:
        """Undo what is under way; what that takes too long for is left to who comes next."""
        for stop in self._stops.values():
            stop.set()
        carried = list(self._carried.values())
        if carried:
            await asyncio.wait(carried, timeout=_END_S)
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)

    async def _until_served(self, group: asyncio.TaskGroup) -> None:
        """Wait for the first experiment's definition, by a watch of that one object."""
        served = asyncio.Event()
        definitions = Informer(
            self._client, CUSTOM_RESOURCE_DEFINITIONS, field_selector=f"metadata.name={DEFINITION}"
        )
        definitions.subscribe(lambda _old, _new: served.set())
        watching = group.create_task(definitions.run())
        await served.wait()
        watching.cancel()

    def _changed(self, old: Object | None, new: Object | None) -> None:
        obj = new or old
        if obj is None:
            return
        key, is_over = key_of(obj), _is_over(obj) or obj["metadata"]["uid"] in self._over
        if key not in self._carried and new is not None and not is_over:
            stop = self._stops[key] = asyncio.Event()
            self._carried[key] = asyncio.create_task(self._carry(new, stop), name=f"chaos {key[1]}")
            self._carried[key].add_done_callback(lambda _task: self._forget(key))
        if key in self._stops and (new is None or new["spec"].get("stop")):
            self._stops[key].set()

    def _forget(self, key: Key) -> None:
        del self._carried[key], self._stops[key]

    async def _carry(self, obj: Object, stop: asyncio.Event) -> None:
        experiment = Experiment.of_object(obj)
        injector = self._injectors.get(experiment.fault)
        if injector is None:
            known = ", ".join(sorted(self._injectors))
            await self._refuse(obj, f"this cluster knows no fault {experiment.fault}: it knows {known}.")
            return
        undo_at = await self._write_down(obj, experiment)
        left_s = self._left_s(undo_at)
        if _was_injected(obj) and (left_s <= 0 or stop.is_set()):  # by a daemon before this one
            await self._finish(obj, experiment, await self._undone(injector, experiment))
            return
        if stop.is_set():
            await self._refuse(obj, "it was stopped before it began.")
            return
        try:
            did = await injector.inject(replace(experiment, duration_s=left_s))
        except Exception as error:  # whatever it is, nothing may stay injected
            if not isinstance(error, (RefusedError, ApiError, ConnectionFailedError, OSError)):
                logger.exception("chaos experiment %s", experiment.name)
            undone = await self._undone(injector, experiment)
            if _was_injected(obj):
                why = replace(undone, said=f"{undone.said}; it could not go on: {error}")
                await self._finish(obj, experiment, why)
            else:
                await self._refuse(obj, str(error))
            return
        async with asyncio.TaskGroup() as group:  # an API that does not answer must not hold up the undo
            group.create_task(self._say_injected(obj, experiment, did))
            await self._wait(undo_at, stop)
            undone = await self._undone(injector, experiment)
        await self._finish(obj, experiment, undone)

    async def _say_injected(self, obj: Object, experiment: Experiment, did: str) -> None:
        try:
            await self._post(obj, {"did": did})
            await self._tell(obj, Note("Warning", "FaultInjected", f"{experiment.fault}: {did}"))
        except Exception as error:  # noqa: BLE001 - what is said of a fault must not hold up its undo
            logger.warning("chaos experiment %s: %s", experiment.name, error)

    async def _finish(self, obj: Object, experiment: Experiment, undone: Undone) -> None:
        ended = rfc3339_micro(self._clock.now())
        counted = {} if undone.affected is None else {"affected": undone.affected}
        await self._post(obj, {"phase": "Ended", "undid": undone.said, "endedAt": ended, **counted})
        self._over.add(experiment.uid)
        await self._tell(obj, Note("Normal", "FaultUndone", f"{experiment.fault}: {undone.said}"))

    async def _write_down(self, obj: Object, experiment: Experiment) -> datetime:
        """Note that the fault holds from now on, or since when it does; return until when."""
        status = obj.get("status") or {}
        if status.get("undoAt"):
            return parse_rfc3339(status["undoAt"])
        now = self._clock.now()
        undo_at = now + timedelta(seconds=min(experiment.duration_s, LONGEST_S))
        times = {"injectedAt": rfc3339_micro(now), "undoAt": rfc3339_micro(undo_at)}
        await self._post(obj, {"phase": "Active", "verdict": "Unobserved", **times})
        return undo_at

    async def _wait(self, undo_at: datetime, stop: asyncio.Event) -> None:
        left_s = self._left_s(undo_at)
        if left_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left_s):
                    await stop.wait()

    def _left_s(self, undo_at: datetime) -> float:
        return (undo_at - self._clock.now()).total_seconds()

    async def _undone(self, injector: Injector, experiment: Experiment) -> Undone:
        """Undo it, as often as it takes."""
        while True:
            try:
                return await injector.undo(experiment)
            except Exception as error:  # noqa: BLE001 - an undo is never given up
                logger.warning("chaos experiment %s is not undone yet: %s", experiment.name, error)
                await asyncio.sleep(_RETRY_S)

    async def _refuse(self, obj: Object, why: str) -> None:
        ended = rfc3339_micro(self._clock.now())
        await self._post(obj, {"phase": "Refused", "message": why, "endedAt": ended})
        self._over.add(obj["metadata"]["uid"])
        await self._tell(obj, Note("Warning", "FaultRefused", why))

    async def _post(self, obj: Object, status: Object) -> None:
        """Write a status, as soon as the API takes it."""
        meta = obj["metadata"]
        while True:
            try:
                await self._client.patch(
                    CHAOS_EXPERIMENTS,
                    meta["name"],
                    {"status": status},
                    meta["namespace"],
                    subresource="status",
                )
            except NotFoundError:  # deleted meanwhile, which undoes it too
                return
            except (ApiError, ConnectionFailedError) as error:
                if isinstance(error, ApiError) and error.code < 500 and error.code != _BUSY:
                    raise
                logger.debug("chaos experiment %s: %s", meta["name"], error)
                await asyncio.sleep(_RETRY_S)
            else:
                return

    async def _tell(self, obj: Object, note: Note) -> None:
        """Say it of the experiment and of each target, where ``kubectl describe`` shows it."""
        for about in (obj, *map(_reference, Experiment.of_object(obj).targets)):
            event = event_of(about, note, component=_COMPONENT, now=self._clock.now())
            try:
                await self._client.create(EVENTS, event)
            except (ApiError, ConnectionFailedError) as error:
                logger.debug("event on %s: %s", about["metadata"]["name"], error)


def _is_over(obj: Object) -> bool:
    return (obj.get("status") or {}).get("phase") in OVER


def _was_injected(obj: Object) -> bool:
    return bool((obj.get("status") or {}).get("undoAt"))


def _reference(target: Target) -> Object:
    """Return what an Event needs to know of an object."""
    meta = {"name": target.name, "uid": target.uid}
    if target.namespace:
        meta["namespace"] = target.namespace
    return {"apiVersion": "v1", "kind": target.kind, "metadata": meta}
