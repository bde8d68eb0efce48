"""Checkpoints of the recommender: written now and then, read when an autoscaler is first seen.

Upstream: ``pkg/recommender/checkpoint/checkpoint_writer.go`` of VPA 1.7, which writes at most as often.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from kubelab.client import VERTICAL_POD_AUTOSCALER_CHECKPOINTS, Object
from kubelab.engine.controllers.controller import Controller
from kubelab.engine.controllers.views import View
from kubelab.engine.controllers.vpa.groups import Group, Groups
from kubelab.engine.controllers.vpa.world import ALL
from kubelab.informer import Key, key_of
from kubelab.rightsizing.aggregation import Aggregation
from kubelab.rightsizing.checkpoints import CheckpointError, checkpoint_status, load_checkpoint
from kubelab.rightsizing.scopes import Kind, checkpoint_name, persisted, restored, scope_of

logger = logging.getLogger(__name__)


class Checkpoints:
    """Those of all autoscalers.

    Parameters
    ----------
    controller : Controller
        Writes them.
    view : View
        Those that there are, under the index `ALL`.
    """

    def __init__(self, controller: Controller, view: View) -> None:
        self._controller = controller
        self._view = view

    def load(self, aggregation: Aggregation, autoscaler: Object) -> list[Group]:
        """Load what was kept of an autoscaler's containers, and return the groups that it is in.

        What makes no sense is left out, and what was kept of kinds of nodes where there is no scope now.
        """
        meta, scope, loaded = autoscaler["metadata"], scope_of(autoscaler), []
        for each in self._view.by_index(ALL, ALL):
            if _of(each) != (meta["namespace"], meta["name"]):
                continue
            kept = each["spec"].get("scopeValue")
            if kept and not scope:
                continue
            kind = Kind(scope, restored(kept)) if kept else None
            group = Group(meta["uid"], each["spec"]["containerName"], from_checkpoint=True, kind=kind)
            try:
                load_checkpoint(aggregation, group, each.get("status") or {})
                loaded.append(group)
            except CheckpointError as error:
                logger.warning("%s/%s: %s", meta["namespace"], each["metadata"]["name"], error)
        return loaded

    async def write(
        self, aggregation: Aggregation, autoscaler: Object, groups: Groups, now: datetime
    ) -> None:
        """Keep what is known of an autoscaler's containers, and of those on each kind of node.

        What was kept of kinds that are not known any more is deleted.
        """
        meta = autoscaler["metadata"]
        of_kinds = {persisted(kind.value): each for kind, each in groups.by_kind(autoscaler).items()}
        for kept, containers in {"": groups.together(autoscaler), **of_kinds}.items():
            for container, its_groups in containers.items():
                status = checkpoint_status(aggregation, its_groups, now)
                await self._write(meta, container, kept, status)
        for each in self._view.by_index(ALL, ALL):
            kept = each["spec"].get("scopeValue") or ""
            if _of(each) == (meta["namespace"], meta["name"]) and kept not in {"", *of_kinds}:
                await self._controller.delete(VERTICAL_POD_AUTOSCALER_CHECKPOINTS, each)

    async def remove_others(self, autoscalers: Iterable[Object]) -> None:
        """Delete the checkpoints of autoscalers that are gone."""
        kept = {key_of(each) for each in autoscalers}
        for each in self._view.by_index(ALL, ALL):
            if _of(each) not in kept:
                await self._controller.delete(VERTICAL_POD_AUTOSCALER_CHECKPOINTS, each)

    async def _write(self, meta: Object, container: str, kept: str, status: Object) -> None:
        resource, name = VERTICAL_POD_AUTOSCALER_CHECKPOINTS, checkpoint_name(meta["name"], container, kept)
        known = self._view.get(meta["namespace"], name)
        if known is not None:
            # Replaced whole: a merge would leave the weights of buckets that are empty now.
            written = await self._controller.client.update(resource, {**known, "status": status})
            self._view.wrote(written)
            return
        checkpoint = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": name, "namespace": meta["namespace"]},
            "spec": {
                "vpaObjectName": meta["name"],
                "containerName": container,
                **({"scopeValue": kept} if kept else {}),
            },
            "status": status,
        }
        await self._controller.create(resource, checkpoint)


def _of(checkpoint: Object) -> Key:
    """Return the namespace and the name of a checkpoint's autoscaler."""
    return checkpoint["metadata"]["namespace"], checkpoint["spec"].get("vpaObjectName") or ""
