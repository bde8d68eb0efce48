"""What every controller shares: a queue of keys, workers that reconcile them, and a few verbs."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from kubelab.client import Client, Object, Resource
from kubelab.clock import Clock
from kubelab.engine.controllers.events import EventRecorder, Note
from kubelab.engine.controllers.owners import controller_of
from kubelab.engine.controllers.queue import WorkQueue
from kubelab.engine.controllers.views import View, Views
from kubelab.engine.measures import Measures
from kubelab.errors import ApiError, ConflictError, ConnectionFailedError, NotFoundError
from kubelab.informer import Key, key_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What controllers are given: clients by user, caches, events, the time, the server's address, measures.

    ``server_url`` and ``ca_pem`` are where trainers' pods report to, ``api_url`` is where pods reach the API
    server; empty if there is none.
    """

    client_for: Callable[[str], Client]
    views: Views
    events: EventRecorder
    clock: Clock
    server_url: str = ""
    ca_pem: str = ""
    api_url: str = ""
    measures: Measures = field(default_factory=Measures)


class Controller(ABC):
    """A loop that brings objects of one kind to where their spec says.

    Subclasses say in ``__init__`` which changes enqueue which key, and in `reconcile` what to do.
    `reconcile` must be safe to run again after it stopped at any line.
    """

    name: ClassVar[str]
    workers: ClassVar[int] = 16

    def __init__(self, around: Surroundings) -> None:
        self.client = around.client_for(f"system:serviceaccount:kube-system:{self.name}")
        self.views = around.views
        self.clock = around.clock
        self.recorder = around.events
        self.queue = WorkQueue(self.name, around.measures)

    @abstractmethod
    async def reconcile(self, namespace: str, name: str) -> float | None:
        """Bring one object on; return in how many seconds to look again, if that is known."""

    async def run(self) -> None:
        """Reconcile what is enqueued, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for number in range(self.workers):
                    group.create_task(self._work(), name=f"{self.name} {number}")
        finally:
            self.queue.close()

    def note(self, about: Object, note: Note) -> None:
        """Record an Event from this controller."""
        self.recorder.record(self.name, about, note)

    # Watching

    def follow(self, resource: Resource) -> View:
        """Return the resource's view; its own changes enqueue its own key."""
        view = self.views.of(resource)
        view.subscribe(self._enqueue_self)
        return view

    def follow_owned(self, resource: Resource, owner: Resource, settle_s: float = 0.0) -> View:
        """Return the resource's view; its changes enqueue the owner that controls it.

        Parameters
        ----------
        settle_s : float
            How long to wait for more of them.
        """
        view = self.views.of(resource)

        def enqueue_owner(old: Object | None, new: Object | None) -> None:
            for obj in (old, new):
                reference = controller_of(obj) if obj else None
                if obj and reference and _refers_to(reference, owner):
                    self.queue.add_after((obj["metadata"].get("namespace", ""), reference["name"]), settle_s)

        view.subscribe(enqueue_owner)
        return view

    def _enqueue_self(self, old: Object | None, new: Object | None) -> None:
        self.queue.add(key_of(either(old, new)))

    # Writing

    async def create(self, resource: Resource, body: Object) -> Object:
        """Create an object and show it in its view."""
        created = await self.client.create(resource, body)
        self.views.of(resource).wrote(created)
        return created

    async def update_status(self, resource: Resource, obj: Object, status: Object) -> Object:
        """Replace the status of an object as it was read; a conflict is raised if it has changed since."""
        written = await self.client.update(resource, {**obj, "status": status}, subresource="status")
        self.views.of(resource).wrote(written)
        return written

    async def patch(self, resource: Resource, obj: Object, patch: Object, *, subresource: str = "") -> Object:
        """Merge-patch an object."""
        meta = obj["metadata"]
        written = await self.client.patch(
            resource, meta["name"], patch, meta.get("namespace"), subresource=subresource
        )
        self.views.of(resource).wrote(written)
        return written

    async def delete(
        self,
        resource: Resource,
        obj: Object,
        *,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
    ) -> None:
        """Delete this very object; nothing happens if it is gone or was replaced."""
        meta = obj["metadata"]
        try:
            answer = await self.client.delete(
                resource, meta["name"], meta.get("namespace"), propagation=propagation, uid=meta["uid"]
            )
        except NotFoundError:
            self.views.of(resource).deleted(obj)
            return
        except ConflictError:
            return
        if answer.get("kind") == resource.kind and answer["metadata"].get("deletionTimestamp"):
            self.views.of(resource).wrote(answer)
        else:
            self.views.of(resource).deleted(obj)

    # Working

    async def _work(self) -> None:
        while True:
            key = await self.queue.get()
            try:
                await self._reconcile(key)
            finally:
                self.queue.done(key)

    async def _reconcile(self, key: Key) -> None:
        try:
            again_after_s = await self.reconcile(*key)
        except ConflictError:
            self.queue.retry(key)
        except (ApiError, ConnectionFailedError) as error:
            logger.debug("%s: %s/%s: %s", self.name, *key, error)
            self.queue.retry(key)
        except Exception:
            logger.exception("%s: %s/%s", self.name, *key)
            self.queue.retry(key)
        else:
            self.queue.forget(key)
            if again_after_s is not None:
                self.queue.add_after(key, again_after_s)


def either(old: Object | None, new: Object | None) -> Object:
    """Return the object that a change is about, as it is or as it last was."""
    changed = new or old
    if changed is None:
        raise ValueError("a change has an object before it or after it")
    return changed


def _refers_to(reference: Object, owner: Resource) -> bool:
    group = reference["apiVersion"].rpartition("/")[0]
    return bool(reference["kind"] == owner.kind and group == owner.group)
