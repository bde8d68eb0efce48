"""Garbage collection: what is owned goes with its owners.

The rules are those of upstream's pkg/controller/garbagecollector: an object goes once all its owners are
gone (background); one that is deleted in the foreground waits for those of its dependents that block
it; one that is deleted as an orphanage first lets go of its dependents.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.client import CUSTOM_RESOURCE_DEFINITIONS, EVENTS, Object, Resource
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.discovery import deletable_resources
from kubelab.engine.controllers.owners import owner_uids
from kubelab.engine.controllers.views import View
from kubelab.errors import ApiError, ConflictError, ConnectionFailedError, NotFoundError
from kubelab.informer import key_of

logger = logging.getLogger(__name__)

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
_BY_OWNER = "owner uid"
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Owned:
    """A kept object and the resource it belongs to."""

    resource: Resource
    object: Object

    @property
    def uid(self) -> str:
        """The object's uid."""
        return str(self.object["metadata"]["uid"])

    @property
    def finalizers(self) -> list[str]:
        """The object's finalizers."""
        return list(self.object["metadata"].get("finalizers") or ())

    @property
    def deleting(self) -> bool:
        """The object is being deleted."""
        return bool(self.object["metadata"].get("deletionTimestamp"))


def references_left(obj: Object, *, gone: set[str], waiting: set[str]) -> tuple[list[Object], bool]:
    """Return the owner references that still hold an object, and whether an owner waits for its deletion.

    Parameters
    ----------
    gone : set of str
        Uids of owners that do not exist any more.
    waiting : set of str
        Uids of owners that are being deleted in the foreground.
    """
    references = obj["metadata"].get("ownerReferences") or []
    left = [each for each in references if each["uid"] not in gone and each["uid"] not in waiting]
    waited_for = any(each["uid"] in waiting and each.get("blockOwnerDeletion") for each in references)
    return left, waited_for


def blocking(owner_uid: str, dependents: Sequence[Owned]) -> list[Owned]:
    """Return the dependents that an owner deleted in the foreground waits for."""
    return [
        each
        for each in dependents
        for reference in each.object["metadata"]["ownerReferences"]
        if reference["uid"] == owner_uid and reference.get("blockOwnerDeletion")
    ]


class GarbageCollector(Controller):
    """Deletes what nobody owns any more. Its keys are (uid, "")."""

    name = "generic-garbage-collector"

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self._views: dict[Resource, View] = {}
        self._owned: dict[str, Owned] = {}
        self._new_resources = asyncio.Event()
        definitions = self.views.of(CUSTOM_RESOURCE_DEFINITIONS)
        definitions.subscribe(lambda _old, _new: self._new_resources.set())

    async def run(self) -> None:
        """Collect until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_all(group), name="discovery")
            group.create_task(super().run(), name="workers")

    async def reconcile(self, namespace: str, name: str) -> float | None:  # noqa: ARG002 - keys are uids
        """Look at one object: as an owner that goes, and as something owned."""
        uid = namespace
        owned = self._owned.get(uid)
        if owned is None:
            for dependent in self._dependents(uid):
                self.queue.add((dependent.uid, ""))
            return None
        if owned.deleting and ORPHAN in owned.finalizers:
            await self._orphan(owned)
        elif owned.deleting and FOREGROUND in owned.finalizers:
            await self._delete_dependents_first(owned)
        elif not owned.deleting and owned.object["metadata"].get("ownerReferences"):
            await self._delete_if_unowned(owned)
        return None

    # Following every resource

    async def _follow_all(self, group: asyncio.TaskGroup) -> None:
        while True:
            self._new_resources.clear()
            try:
                resources = await deletable_resources(self.client)
            except (ApiError, ConnectionFailedError) as error:
                logger.warning("discovery failed, tried again in %g s: %s", _RETRY_S, error)
                await asyncio.sleep(_RETRY_S)
                continue
            for resource in resources:
                if resource not in self._views and resource != EVENTS:
                    self._follow(resource)
            group.create_task(self.views.informers.start(), name="caches")
            await self._new_resources.wait()

    def _follow(self, resource: Resource) -> None:
        view = self._views[resource] = self.views.of(resource)
        view.index(_BY_OWNER, owner_uids)

        def changed(old: Object | None, new: Object | None) -> None:
            if old is not None and (new is None or _uid(new) != _uid(old)):
                self._owned.pop(_uid(old), None)
                self._consider(old, gone=True)
            if new is not None:
                self._owned[_uid(new)] = Owned(resource, new)
                if new["metadata"].get("ownerReferences") or new["metadata"].get("deletionTimestamp"):
                    self._consider(new)

        view.subscribe(changed)

    def _consider(self, obj: Object, *, gone: bool = False) -> None:
        self.queue.add((_uid(obj), ""))
        if gone or obj["metadata"].get("deletionTimestamp"):
            for uid in owner_uids(obj):
                self.queue.add((uid, ""))

    def _dependents(self, uid: str) -> list[Owned]:
        return [
            Owned(resource, obj)
            for resource, view in self._views.items()
            for obj in view.by_index(_BY_OWNER, uid)
        ]

    # The three ways to go

    async def _orphan(self, owner: Owned) -> None:
        """Take the owner's references off its dependents, then let it go."""
        for dependent in self._dependents(owner.uid):
            references = dependent.object["metadata"]["ownerReferences"]
            left = [each for each in references if each["uid"] != owner.uid]
            await self._set_references(dependent, left)
        await self._remove_finalizer(owner, ORPHAN)

    async def _delete_dependents_first(self, owner: Owned) -> None:
        """Delete the dependents; let the owner go once none that blocks it is left."""
        dependents = self._dependents(owner.uid)
        for dependent in dependents:
            self.queue.add((dependent.uid, ""))
        if not blocking(owner.uid, dependents):
            await self._remove_finalizer(owner, FOREGROUND)

    async def _delete_if_unowned(self, owned: Owned) -> None:
        references = owned.object["metadata"]["ownerReferences"]
        states = await asyncio.gather(*(self._state(owned, reference) for reference in references))
        gone = {each["uid"] for each, state in zip(references, states, strict=True) if state == "gone"}
        waiting = {each["uid"] for each, state in zip(references, states, strict=True) if state == "waiting"}
        left, waited_for = references_left(owned.object, gone=gone, waiting=waiting)
        if left:
            if len(left) < len(references):
                await self._set_references(owned, left)
            return
        if not gone and not waiting:
            return
        foreground = waited_for and any(self._dependents(owned.uid))
        await self.delete(
            owned.resource, owned.object, propagation="Foreground" if foreground else "Background"
        )

    async def _state(self, owned: Owned, reference: Object) -> str:
        """Return what became of an owner: ``there``, ``waiting`` for its dependents, or ``gone``.

        A cache may not show an owner yet, so its absence is asked of the server.
        """
        known = self._owned.get(reference["uid"])
        if known is not None:
            return "waiting" if known.deleting and FOREGROUND in known.finalizers else "there"
        resource = self._resource(reference)
        if resource is None:
            return "there"
        namespace = owned.object["metadata"].get("namespace") if resource.namespaced else None
        try:
            owner = await self.client.get(resource, reference["name"], namespace)
        except NotFoundError:
            return "gone"
        return "there" if _uid(owner) == reference["uid"] else "gone"

    def _resource(self, reference: Object) -> Resource | None:
        group = reference["apiVersion"].rpartition("/")[0]
        return next(
            (each for each in self._views if each.kind == reference["kind"] and each.group == group), None
        )

    # Writing

    async def _remove_finalizer(self, owned: Owned, finalizer: str) -> None:
        left = [each for each in owned.finalizers if each != finalizer]
        await self._patch_metadata(owned, {"finalizers": left or None})

    async def _set_references(self, owned: Owned, references: list[Object]) -> None:
        await self._patch_metadata(owned, {"ownerReferences": references or None})

    async def _patch_metadata(self, owned: Owned, changes: Object) -> None:
        """Change metadata of the object as it was read; whoever changed it since will bring it back here."""
        _, name = key_of(owned.object)
        version = owned.object["metadata"]["resourceVersion"]
        patch = {"metadata": {**changes, "uid": owned.uid, "resourceVersion": version}}
        try:
            await self.client.patch(owned.resource, name, patch, owned.object["metadata"].get("namespace"))
        except NotFoundError:
            return
        except ConflictError:
            self.queue.retry((owned.uid, ""))


def _uid(obj: Object) -> str:
    return str(either(None, obj)["metadata"].get("uid", ""))
