"""Caches of API collections, kept current by list and watch, as client-go's informers are."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import aclosing

from kubelab.client import Client, Object, Resource
from kubelab.errors import ApiError, ConnectionFailedError, ExpiredError, NotFoundError

logger = logging.getLogger(__name__)

Key = tuple[str, str]
_PAUSE_S = 0.5
Handler = Callable[[Object | None, Object | None], None]
"""Called with (old, new): (None, new) when added, (old, None) when deleted."""


def key_of(obj: Object) -> Key:
    """Return (namespace, name); the namespace of a cluster-wide object is empty."""
    meta = obj["metadata"]
    return meta.get("namespace", ""), meta["name"]


class Informer:
    """A cache of one collection. Objects in it are shared: copy before changing one.

    Parameters
    ----------
    client : Client
        Where to list and watch.
    resource : Resource
        What to cache.
    namespace : str, optional
        All namespaces unless named.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> None:
        self.client = client
        self.resource = resource
        self.namespace = namespace
        self.label_selector = label_selector
        self.field_selector = field_selector
        self.objects: dict[Key, Object] = {}
        self.synced = asyncio.Event()
        self._handlers: list[Handler] = []
        self._indexers: dict[str, Callable[[Object], Iterable[str]]] = {}
        self._indexes: dict[str, dict[str, dict[Key, None]]] = {}

    def get(self, namespace: str, name: str) -> Object | None:
        """Return the cached object, or None."""
        return self.objects.get((namespace, name))

    def subscribe(self, handler: Handler) -> None:
        """Call ``handler(old, new)`` on every change, and at once for what is cached."""
        self._handlers.append(handler)
        for obj in list(self.objects.values()):
            handler(None, obj)

    def index(self, name: str, values: Callable[[Object], Iterable[str]]) -> None:
        """Keep an index: ``values(obj)`` are the keys it is found under."""
        self._indexers[name] = values
        self._indexes[name] = defaultdict(dict)
        for key, obj in self.objects.items():
            for value in values(obj):
                self._indexes[name][value][key] = None

    def by_index(self, name: str, value: str) -> list[Object]:
        """Return the objects found under ``value`` of an index."""
        return [self.objects[key] for key in self._indexes[name].get(value, ())]

    async def run(self) -> None:
        """List and watch until cancelled; lists again when the watch expires or breaks."""
        while True:
            try:
                await self._list_and_watch()
            except ExpiredError:
                continue
            except (
                NotFoundError
            ):  # a custom kind whose definition is not there, or no longer: it has no objects
                self._fill({})
                await asyncio.sleep(_PAUSE_S)
            except (ApiError, ConnectionFailedError) as error:
                logger.debug("%s: %s", self.resource.plural, error)
                await asyncio.sleep(_PAUSE_S)

    async def _list_and_watch(self) -> None:
        page = await self.client.list(
            self.resource,
            self.namespace,
            label_selector=self.label_selector,
            field_selector=self.field_selector,
        )
        self._fill({key_of(item): item for item in page.items})
        version = page.resource_version
        while True:
            watch = self.client.watch(
                self.resource,
                self.namespace,
                resource_version=version,
                label_selector=self.label_selector,
                field_selector=self.field_selector,
            )
            seen = version
            async with aclosing(watch) as events:
                async for event in events:
                    version = event.object["metadata"]["resourceVersion"]
                    if event.type != "BOOKMARK":
                        self._set(key_of(event.object), None if event.type == "DELETED" else event.object)
            if version == seen:  # a server that is closing ends each watch at once
                await asyncio.sleep(_PAUSE_S)

    def _fill(self, fresh: dict[Key, Object]) -> None:
        for key in [key for key in self.objects if key not in fresh]:
            self._set(key, None)
        for key, obj in fresh.items():
            self._set(key, obj)
        self.synced.set()

    def _set(self, key: Key, new: Object | None) -> None:
        old = self.objects.get(key)
        if old is None and new is None:
            return
        if old and new and old["metadata"].get("resourceVersion") == new["metadata"].get("resourceVersion"):
            return
        for name, values in self._indexers.items():
            for value in values(old) if old else ():
                self._indexes[name][value].pop(key, None)
            for value in values(new) if new else ():
                self._indexes[name][value][key] = None
        if new is None:
            del self.objects[key]
        else:
            self.objects[key] = new
        for handler in self._handlers:
            try:
                handler(old, new)
            except Exception:
                logger.exception("a handler of %s failed", self.resource.plural)


class Informers:
    """One `Informer` for each resource, shared by everything in a process that reads it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._informers: dict[Resource, Informer] = {}
        self._tasks: dict[Resource, asyncio.Task[None]] = {}

    def of(self, resource: Resource) -> Informer:
        """Return the resource's informer; ask before `run` or during it."""
        if resource not in self._informers:
            self._informers[resource] = Informer(self.client, resource)
        return self._informers[resource]

    async def start(self) -> None:
        """Start what was asked for since, and return once every cache is filled."""
        for resource, informer in self._informers.items():
            if resource not in self._tasks:
                self._tasks[resource] = asyncio.create_task(
                    informer.run(), name=f"informer {resource.plural}"
                )
        await asyncio.gather(*(informer.synced.wait() for informer in self._informers.values()))

    async def stop(self) -> None:
        """Stop watching."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()
