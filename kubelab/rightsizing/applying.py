"""Writes changes to a cluster, keeps what was there before, and puts it back; Events say what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubelab.client import (
    DAEMON_SETS,
    DEPLOYMENTS,
    EVENTS,
    PODS,
    STATEFUL_SETS,
    Client,
    Object,
    Resource,
)
from kubelab.clock import rfc3339
from kubelab.errors import AlreadyExistsError, ApiError
from kubelab.notes import Note, event_of
from kubelab.rightsizing.change import Change, resource_list
from kubelab.rightsizing.containers import amounts_of
from kubelab.rightsizing.record import ANNOTATION, Record, Resources, records_of, written

COMPONENT = "kubelab-rightsizing"
TEMPLATED: Mapping[str, Resource] = {each.kind: each for each in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS)}
"""Workloads whose template can change; pods of others are resized in place."""
_SIZED = ("cpu", "memory")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one change on one object.

    Attributes
    ----------
    kind, namespace, name, container : str
        What was to change.
    done : bool
        Whether it was.
    message : str
        What changed, or why nothing did.
    """

    kind: str
    namespace: str
    name: str
    container: str
    done: bool
    message: str


def is_in_place(change: Change, *, in_place: bool) -> bool:
    """Say whether a change is made on running pods: if asked for, or if there is no template for it."""
    return (
        in_place or change.group.scope_value is not None or change.group.key.controller_kind not in TEMPLATED
    )


async def apply(
    client: Client,
    change: Change,
    now: datetime,
    *,
    strategy: str,
    in_place: bool = False,
    dry_run: bool = False,
) -> list[Outcome]:
    """Make a change, on its workload or on each pod, and return what came of it on each.

    An object that asks for something else than when the change was thought of is left alone. A dry run asks
    the server whether it would accept the change.
    """
    key = change.group.key
    if is_in_place(change, in_place=in_place):
        targets = [(PODS, name) for name in change.group.pods]
    else:
        targets = [(TEMPLATED[key.controller_kind], key.controller_name)]
    return [
        await _apply(
            _Target(client, resource, key.namespace, name, key.container), change, now, strategy, dry_run
        )
        for resource, name in targets
    ]


async def undo(client: Client, resource: Resource, obj: Object, container: str, now: datetime) -> Outcome:
    """Put back what a container of an object asked for before it was first changed."""
    meta = obj["metadata"]
    return await _undo(_Target(client, resource, meta["namespace"], meta["name"], container), now)


async def _apply(target: _Target, change: Change, now: datetime, strategy: str, dry_run: bool) -> Outcome:
    try:
        obj = await target.read()
        if change.held:
            reason = "; ".join(change.held)
            if not dry_run:
                await target.say(obj, Note("Normal", "RightsizingHeld", f"{target.container}: {reason}"), now)
            return target.outcome(reason)
        before = _resources(obj, target.container)
        if not _as_planned(before, change):
            return target.outcome("it changed since this was planned; plan again")
        after = {"requests": resource_list(change.requests), "limits": resource_list(change.limits)}
        records = records_of(obj)
        first = records[target.container].before if target.container in records else before
        records[target.container] = Record(now, first, after)
        await target.write(obj, after, records, dry_run=dry_run)
        message = f"{target.container}: {_moved(before, after)}"
        why = "; ".join((*change.why, *change.notes))
        if not dry_run:
            await target.say(obj, Note("Normal", "Rightsized", f"{message} ({strategy}: {why})"), now)
    except ApiError as error:
        return target.outcome(error.message)
    return target.outcome(message, done=True)


def _as_planned(before: Object, change: Change) -> bool:
    """Say whether an object asks for what its pods did; what it leaves out, they were given as a default."""
    pairs = zip(_sized(before), (change.group.requests, change.group.limits), strict=True)
    return all(has.get(name) == amount for asked, has in pairs for name, amount in asked.items())


async def _undo(target: _Target, now: datetime) -> Outcome:
    try:
        obj = await target.read()
        records = records_of(obj)
        record = records.pop(target.container, None)
        if record is None:
            return target.outcome("nothing was changed here")
        if _sized(_resources(obj, target.container)) != _sized(record.after):
            return target.outcome("somebody else changed it since; it stays as they left it")
        await target.write(obj, record.before, records, dry_run=False)
        message = f"{target.container}: {_moved(record.after, record.before)}"
        await target.say(obj, Note("Normal", "RightsizingUndone", message), now)
    except ApiError as error:
        return target.outcome(error.message)
    return target.outcome(message, done=True)


@dataclass(frozen=True, slots=True)
class _Target:
    """A container of an object that can be written to."""

    client: Client
    resource: Resource
    namespace: str
    name: str
    container: str

    async def read(self) -> Object:
        return await self.client.get(self.resource, self.name, self.namespace)

    async def write(
        self, obj: Object, after: Resources, records: Mapping[str, Record], *, dry_run: bool
    ) -> None:
        """Write resources, and the annotation that remembers those before; of a pod, the annotation first."""
        noted = {"metadata": {"annotations": {ANNOTATION: written(records)}}}
        resources = _patch(after, _container(obj, self.container))
        spec = {"spec": {"containers": [{"name": self.container, "resources": resources}]}}
        if self.resource != PODS:
            await self._patch({**noted, "spec": {"template": spec}}, dry_run=dry_run)
            return
        await self._patch(noted, dry_run=dry_run)
        try:
            await self._patch(spec, dry_run=dry_run, subresource="resize")
        except ApiError:
            was = (obj["metadata"].get("annotations") or {}).get(ANNOTATION)
            await self._patch({"metadata": {"annotations": {ANNOTATION: was}}}, dry_run=dry_run)
            raise

    async def _patch(self, body: Object, *, dry_run: bool, subresource: str = "") -> None:
        await self.client.patch(
            self.resource,
            self.name,
            body,
            self.namespace,
            type="strategic",
            subresource=subresource,
            dry_run=dry_run,
        )

    async def say(self, obj: Object, note: Note, now: datetime) -> None:
        """Leave an Event, or count one up that says the same."""
        about = {**obj, "apiVersion": self.resource.api_version, "kind": self.resource.kind}
        event = event_of(about, note, component=COMPONENT, now=now)
        meta = event["metadata"]
        try:
            await self.client.create(EVENTS, event)
        except AlreadyExistsError:
            there = await self.client.get(EVENTS, meta["name"], meta["namespace"])
            again = {"count": int(there.get("count") or 1) + 1, "lastTimestamp": rfc3339(now)}
            await self.client.patch(EVENTS, meta["name"], again, meta["namespace"])

    def outcome(self, message: str, *, done: bool = False) -> Outcome:
        return Outcome(self.resource.kind, self.namespace, self.name, self.container, done, message)


def _container(obj: Object, name: str) -> Object:
    """Return a container of a pod or of a workload's template; empty where it is gone."""
    containers: list[Object] = obj["spec"].get("template", obj)["spec"]["containers"]
    return next((each for each in containers if each["name"] == name), {})


def _patch(after: Resources, there: Object) -> dict[str, Any]:
    """Return what sets cpu and memory, and deletes what shall not be there; other resources stay."""
    found: dict[str, Any] = {}
    for part in ("requests", "limits"):
        wanted = after.get(part) or {}
        others = {*((there.get("resources") or {}).get(part) or {})} - {*_SIZED}
        found[part] = {name: wanted.get(name) for name in _SIZED} if wanted or others else None
    return found


def _resources(obj: Object, container: str) -> dict[str, dict[str, str]]:
    """Return what a container asks for of cpu and memory, as it is written."""
    found = _container(obj, container).get("resources") or {}
    return {
        part: {name: str(amount) for name, amount in (found.get(part) or {}).items() if name in _SIZED}
        for part in ("requests", "limits")
    }


def _sized(resources: Resources) -> tuple[dict[Any, float], dict[Any, float]]:
    return amounts_of(resources.get("requests")), amounts_of(resources.get("limits"))


def _moved(before: Resources, after: Resources) -> str:
    """Return such as ``cpu request 500m -> 126m, memory limit 1Gi -> none``."""
    parts = []
    for name in _SIZED:
        for part in ("requests", "limits"):
            was, now = (before.get(part) or {}).get(name), (after.get(part) or {}).get(name)
            if was != now:
                parts.append(f"{name} {part[:-1]} {was or 'none'} -> {now or 'none'}")
    return ", ".join(parts) or "no difference"
