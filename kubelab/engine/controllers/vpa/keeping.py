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
from kubelab.engine.controllers.vpa.feeding import Group
from kubelab.engine.controllers.vpa.world import ALL
from kubelab.informer import Key, key_of
from kubelab.rightsizing.aggregation import Aggregation
from kubelab.rightsizing.checkpoints import CheckpointError, checkpoint_status, load_checkpoint

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

    def load(self, aggregation: Aggregation, autoscaler: Object) -> list[str]:
        """Load what was kept of an autoscaler's containers, and return their names.

        What makes no sense is left out.
        """
        meta, loaded = autoscaler["metadata"], []
        for each in self._view.by_index(ALL, ALL):
            if _of(each) != (meta["namespace"], meta["name"]):
                continue
            container = each["spec"]["containerName"]
            try:
                group = Group(meta["uid"], container, from_checkpoint=True)
                load_checkpoint(aggregation, group, each.get("status") or {})
                loaded.append(container)
            except CheckpointError as error:
                logger.warning("%s/%s: %s", meta["namespace"], each["metadata"]["name"], error)
        return loaded

    async def write(
        self, aggregation: Aggregation, autoscaler: Object, containers: Iterable[str], now: datetime
    ) -> None:
        """Keep what is known of an autoscaler's containers."""
        meta = autoscaler["metadata"]
        for container in containers:
            groups = [Group(meta["uid"], container, kept) for kept in (False, True)]
            await self._write(meta, container, checkpoint_status(aggregation, groups, now))

    async def remove_others(self, autoscalers: Iterable[Object]) -> None:
        """Delete the checkpoints of autoscalers that are gone."""
        kept = {key_of(each) for each in autoscalers}
        for each in self._view.by_index(ALL, ALL):
            if _of(each) not in kept:
                await self._controller.delete(VERTICAL_POD_AUTOSCALER_CHECKPOINTS, each)

    async def _write(self, meta: Object, container: str, status: Object) -> None:
        resource, name = VERTICAL_POD_AUTOSCALER_CHECKPOINTS, f"{meta['name']}-{container}"
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
            "spec": {"vpaObjectName": meta["name"], "containerName": container},
            "status": status,
        }
        await self._controller.create(resource, checkpoint)


def _of(checkpoint: Object) -> Key:
    """Return the namespace and the name of a checkpoint's autoscaler."""
    return checkpoint["metadata"]["namespace"], checkpoint["spec"].get("vpaObjectName") or ""
