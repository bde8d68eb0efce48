"""CustomResourceDefinitions as they come and go: served once written, cleaned up before they go.

Upstream's apiextensions-apiserver does the same in its naming, establishing and finalizer controllers.
"""

from __future__ import annotations

import asyncio
import logging

from kubelab.client import CUSTOM_RESOURCE_DEFINITIONS, Object
from kubelab.clock import Clock
from kubelab.engine.apiserver import crds
from kubelab.engine.apiserver.collection import Collection
from kubelab.engine.apiserver.deletion import Deleter
from kubelab.engine.apiserver.deletion_options import BACKGROUND, DeleteOptions
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.objects import Objects
from kubelab.errors import NotFoundError

logger = logging.getLogger(__name__)

CLEANUP_FINALIZER = "customresourcecleanup.apiextensions.k8s.io"


class CustomKinds:
    """Keeps `Kinds` in step with the definitions in the store."""

    def __init__(self, objects: Objects, clock: Clock, deleter: Deleter) -> None:
        self.objects = objects
        self.clock = clock
        self.deleter = deleter
        self._cleanups: dict[str, asyncio.Task[None]] = {}
        self._collection = objects.store.collection(CUSTOM_RESOURCE_DEFINITIONS)
        objects.hooks[self._collection.name] = self

    def load(self) -> None:
        """Serve the definitions that the journal holds."""
        for stored in self._collection.objects.values():
            self.committed(stored.object())

    def stop(self) -> None:
        """Leave clean-ups under way to the next start."""
        for task in self._cleanups.values():
            task.cancel()

    def prepare(self, crd: Object, *, new: bool) -> None:
        """Write a definition's status, in place, before it is stored."""
        metadata = crd["metadata"]
        if new:
            metadata["finalizers"] = [*(metadata.get("finalizers") or []), CLEANUP_FINALIZER]
        crds.set_status(crd, self.objects.kinds, self.clock.now())
        if "deletionTimestamp" in metadata:
            crds.set_terminating(crd, self.clock.now())

    def committed(self, crd: Object) -> None:
        """Serve what a definition declares, or begin to take it down."""
        metadata = crd["metadata"]
        self.objects.kinds.add_crd(crd)
        if "deletionTimestamp" in metadata and CLEANUP_FINALIZER in (metadata.get("finalizers") or []):
            name = metadata["name"]
            if name not in self._cleanups:
                self._cleanups[name] = asyncio.create_task(self._clean_up(name), name=f"clean up {name}")

    def deleted(self, crd: Object) -> None:
        """Stop serving a definition that is gone."""
        self.objects.kinds.remove_crd(crd["metadata"]["name"])

    async def _clean_up(self, name: str) -> None:
        """Delete every object of a definition's kinds, then let go of the definition."""
        try:
            kind = self._kind_of(name)
            if kind is not None:
                await self._delete_all(kind)
            await self._release(name)
        except Exception:
            logger.exception("the objects of %s could not be deleted", name)
        finally:
            del self._cleanups[name]

    async def _delete_all(self, kind: Kind) -> None:
        collection = self.objects.store.collection(kind.storage)
        for key in list(collection.keys()):
            try:
                await self.deleter.remove(kind, key, DeleteOptions(propagation=BACKGROUND))
            except NotFoundError:
                continue
        await _empty(collection, self.objects.store.version)

    async def _release(self, name: str) -> None:
        kind = self.objects.kinds.get("apiextensions.k8s.io", "v1", "customresourcedefinitions")
        stored = self._collection.latest(("", name))
        if kind is None or stored is None:
            return
        crd = stored.object()
        left = [each for each in crd["metadata"].get("finalizers") or [] if each != CLEANUP_FINALIZER]
        crd["metadata"]["finalizers"] = left
        await self.objects.commit(kind, ("", name), crd, delete=not left)

    def _kind_of(self, name: str) -> Kind | None:
        for kind in self.objects.kinds.all():
            if kind.custom is not None and kind.custom["metadata"]["name"] == name:
                return kind
        return None


async def _empty(collection: Collection, version: int) -> None:
    position = collection.position_after(version)
    while collection.objects:
        await collection.changed(position)
        position += 1
