"""A controller whose objects' templates are kept as ControllerRevisions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from kubelab.client import CONTROLLER_REVISIONS, Object
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.controllers.owners import is_controlled_by
from kubelab.engine.controllers.owning import OwningController
from kubelab.engine.controllers.revisions import HASH_LABEL, History, beyond_limit, history_of
from kubelab.errors import AlreadyExistsError


class RevisingController(OwningController):
    """Keeps the history of what it brings on.

    Attributes
    ----------
    hash_label : str
        The label with a revision's hash.
    """

    hash_label: ClassVar[str] = HASH_LABEL

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.revisions = self.follow_claimed(CONTROLLER_REVISIONS)

    async def recorded(self, owner: Object) -> tuple[Object, History] | None:
        """Return the owner's present revision and its history; None if the owner has changed by that."""
        history = history_of(owner, self.kind, await self.claimed(owner, self.revisions), self.hash_label)
        if history.create is not None:
            current = await self._create_revision(owner, history.create)
            return None if current is None else (current, history)
        if history.current is None:
            return None
        if history.renumber is not None:
            change = {"revision": history.renumber}
            return await self._renumbered(history.current, change), history
        return history.current, history

    async def forget(self, owner: Object, history: History, live: Iterable[str]) -> None:
        """Delete revisions beyond the limit that no pod has."""
        for revision in beyond_limit(owner, history.old, live):
            await self.delete(CONTROLLER_REVISIONS, revision)

    async def _renumbered(self, revision: Object, change: Object) -> Object:
        await self.patch(CONTROLLER_REVISIONS, revision, change)
        return {**revision, **change}

    async def _create_revision(self, owner: Object, revision: Object) -> Object | None:
        try:
            return await self.create(CONTROLLER_REVISIONS, revision)
        except AlreadyExistsError:
            meta = revision["metadata"]
            existing = await self.client.get(CONTROLLER_REVISIONS, meta["name"], meta["namespace"])
        if is_controlled_by(existing, owner) and existing["data"] == revision["data"]:
            return existing
        status = owner.get("status") or {}
        collided = {**status, "collisionCount": int(status.get("collisionCount") or 0) + 1}
        await self.update_status(self.kind, owner, collided)
        return None
