"""A controller that owns what its selector selects: adoption, and pods created and deleted with Events."""

from __future__ import annotations

from typing import ClassVar

from kubelab.client import PODS, Object, Resource
from kubelab.engine.controllers.batches import namespace_ends
from kubelab.engine.controllers.claims import OWNER_OR_ORPHAN, Claims, claim, owner_or_orphan, selects
from kubelab.engine.controllers.controller import Controller, Surroundings
from kubelab.engine.controllers.events import Note
from kubelab.engine.controllers.owners import controller_of, owner_reference
from kubelab.engine.controllers.views import View
from kubelab.errors import ApiError, NotFoundError
from kubelab.informer import key_of

_BY_NAMESPACE = "namespace"


class OwningController(Controller):
    """Brings on one kind of object, which controls objects of another by its selector.

    Attributes
    ----------
    kind : Resource
        What it brings on.
    """

    kind: ClassVar[Resource]

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.owners = self.follow(self.kind)
        self.owners.index(_BY_NAMESPACE, _namespace)

    def follow_claimed(self, resource: Resource, settle_s: float = 0.0) -> View:
        """Return the resource's view; a change enqueues the owner, or those that may adopt an orphan."""
        view = self.follow_owned(resource, self.kind, settle_s)
        view.index(OWNER_OR_ORPHAN, owner_or_orphan)

        def enqueue_adopters(_old: Object | None, new: Object | None) -> None:
            if new is None or controller_of(new) is not None:
                return
            labels = new["metadata"].get("labels") or {}
            for owner in self.owners.by_index(_BY_NAMESPACE, new["metadata"]["namespace"]):
                if selects(owner["spec"].get("selector"), labels):
                    self.queue.add(key_of(owner))

        view.subscribe(enqueue_adopters)
        return view

    async def claimed(self, owner: Object, view: View) -> tuple[Object, ...]:
        """Adopt and release, and return what is the owner's now."""
        meta = owner["metadata"]
        candidates = [
            *view.by_index(OWNER_OR_ORPHAN, meta["uid"]),
            *view.by_index(OWNER_OR_ORPHAN, f"{meta['namespace']}/"),
        ]
        claims = claim(owner, candidates)
        if not (claims.adopt or claims.release):
            return claims.own
        return (*claims.own, *await self._change_owners(owner, claims, view))

    async def _change_owners(self, owner: Object, claims: Claims, view: View) -> list[Object]:
        resource, adopted = view.informer.resource, []
        for obj in claims.release:
            await self._set_owners(resource, obj, [r for r in _references(obj) if not r.get("controller")])
        if claims.adopt:
            fresh = await self.client.get(
                self.kind, owner["metadata"]["name"], owner["metadata"]["namespace"]
            )
            if fresh["metadata"]["uid"] != owner["metadata"]["uid"] or fresh["metadata"].get(
                "deletionTimestamp"
            ):
                return []
        for obj in claims.adopt:
            references = [*_references(obj), owner_reference(owner, self.kind)]
            written = await self._set_owners(resource, obj, references)
            if written is not None:
                adopted.append(written)
        return adopted

    async def _set_owners(self, resource: Resource, obj: Object, references: list[Object]) -> Object | None:
        meta = obj["metadata"]
        change = {
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
            "ownerReferences": references or None,
        }
        try:
            return await self.patch(resource, obj, {"metadata": change})
        except NotFoundError:
            self.views.of(resource).deleted(obj)
            return None

    # Pods

    async def create_pod(self, owner: Object, pod: Object) -> None:
        """Create a pod and tell of it."""
        try:
            created = await self.create(PODS, pod)
        except ApiError as error:
            if not namespace_ends(error):
                self.note(owner, Note("Warning", "FailedCreate", f"Error creating: {error.message}"))
            raise
        self.note(owner, Note("Normal", "SuccessfulCreate", f"Created pod: {created['metadata']['name']}"))

    async def delete_pod(self, owner: Object, pod: Object) -> None:
        """Delete a pod and tell of it."""
        try:
            await self.delete(PODS, pod)
        except ApiError as error:
            self.note(owner, Note("Warning", "FailedDelete", f"Error deleting: {error.message}"))
            raise
        self.note(owner, Note("Normal", "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}"))


def _references(obj: Object) -> list[Object]:
    return list(obj["metadata"].get("ownerReferences") or ())


def _namespace(obj: Object) -> tuple[str, ...]:
    return (obj["metadata"]["namespace"],)
