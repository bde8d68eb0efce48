"""`Experiments`: carries out ChaosExperiments, and undoes each at its deadline whoever looks on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from kubelab.chaos.experiment import LONGEST_S, OVER, Experiment, Target
from kubelab.client import CHAOS_EXPERIMENTS, CUSTOM_RESOURCE_DEFINITIONS, EVENTS, Client, Object
from kubelab.clock import Clock, parse_rfc3339, rfc3339_micro
from kubelab.engine.chaos.injector import Injector, RefusedError
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError
from kubelab.informer import Informer, Key, key_of
from kubelab.notes import Note, event_of

logger = logging.getLogger(__name__)

DEFINITION = f"{CHAOS_EXPERIMENTS.plural}.{CHAOS_EXPERIMENTS.group}"
_COMPONENT = "chaos"
_RETRY_S = 0.5


class Experiments:
    """Follows ChaosExperiments once the cluster serves them.

    What is injected is written down in the object before it is done, so that a daemon that comes back undoes
    what one before it left, or goes on with it until its deadline.

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

    async def run(self) -> None:
        """Carry experiments out until cancelled; those under way are left to who comes next."""
        try:
            async with asyncio.TaskGroup() as group:
                await self._until_served(group)
                experiments = Informer(self._client, CHAOS_EXPERIMENTS)
                experiments.subscribe(self._changed)
                group.create_task(experiments.run())
        finally:
            for task in self._carried.values():
                task.cancel()
            await asyncio.gather(*self._carried.values(), return_exceptions=True)
            self._carried.clear()

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
        key = key_of(obj)
        if key not in self._carried and new is not None and not _is_over(new):
            self._stops[key] = asyncio.Event()
            self._carried[key] = asyncio.create_task(
                self._carry(new, self._stops[key]), name=f"chaos {key[1]}"
            )
            self._carried[key].add_done_callback(lambda _task: self._carried.pop(key, None))
        if key in self._stops and (new is None or new["spec"].get("stop")):
            self._stops[key].set()

    async def _carry(self, obj: Object, stop: asyncio.Event) -> None:
        experiment = Experiment.of_object(obj)
        injector = self._injectors.get(experiment.fault)
        if injector is None:
            known = ", ".join(sorted(self._injectors))
            await self._refuse(obj, f"this cluster knows no fault {experiment.fault}: it knows {known}.")
            return
        undo_at = await self._write_down(obj, experiment)
        try:
            did = await injector.inject(experiment)
        except Exception as error:  # whatever it is, nothing may stay injected
            if not isinstance(error, (RefusedError, ApiError, ConnectionFailedError, OSError)):
                logger.exception("chaos experiment %s", experiment.name)
            await self._undone(injector, experiment)
            await self._refuse(obj, str(error))
            return
        await self._post(obj, {"did": did})
        await self._tell(obj, Note("Warning", "FaultInjected", f"{experiment.fault}: {did}"))
        await self._wait(undo_at, stop)
        undid = await self._undone(injector, experiment)
        ended = rfc3339_micro(self._clock.now())
        await self._post(obj, {"phase": "Ended", "undid": undid, "endedAt": ended})
        await self._tell(obj, Note("Normal", "FaultUndone", f"{experiment.fault}: {undid}"))
        self._stops.pop(key_of(obj), None)

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
        left_s = (undo_at - self._clock.now()).total_seconds()
        if left_s > 0:
            try:
                async with asyncio.timeout(left_s):
                    await stop.wait()
            except TimeoutError:
                return

    async def _undone(self, injector: Injector, experiment: Experiment) -> str:
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
        await self._tell(obj, Note("Warning", "FaultRefused", why))
        self._stops.pop(key_of(obj), None)

    async def _post(self, obj: Object, status: Object) -> None:
        meta = obj["metadata"]
        try:
            await self._client.patch(
                CHAOS_EXPERIMENTS, meta["name"], {"status": status}, meta["namespace"], subresource="status"
            )
        except NotFoundError:  # deleted meanwhile, which undoes it too
            return

    async def _tell(self, obj: Object, note: Note) -> None:
        """Say it of the experiment and of each target, where ``kubectl describe`` shows it."""
        for about in (obj, *map(_reference, Experiment.of_object(obj).targets)):
            event = event_of(about, note, component=_COMPONENT, now=self._clock.now())
            try:
                await self._client.create(EVENTS, event)
            except ApiError as error:
                logger.debug("event on %s: %s", about["metadata"]["name"], error)


def _is_over(obj: Object) -> bool:
    return (obj.get("status") or {}).get("phase") in OVER


def _reference(target: Target) -> Object:
    """Return what an Event needs to know of an object."""
    meta = {"name": target.name, "uid": target.uid}
    if target.namespace:
        meta["namespace"] = target.namespace
    return {"apiVersion": "v1", "kind": target.kind, "metadata": meta}
