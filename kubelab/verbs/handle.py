"""`Handle`: what every verb works with, the client and the namespace."""

from __future__ import annotations

import asyncio
from datetime import datetime

from kubelab import portal
from kubelab.client import Client, Object, Resource
from kubelab.clock import RealClock

_TOGETHER = 50
"""How many objects are created at once."""


class Handle:
    """A connection to a cluster.

    Attributes
    ----------
    client : Client
        The async API client; its coroutines run on `kubelab.portal`.
    namespace : str
        Where jobs go.
    engine : str
        What runs underneath.
    """

    client: Client
    namespace: str
    engine: str

    async def _create_all(self, resource: Resource, objects: list[Object]) -> None:
        for start in range(0, len(objects), _TOGETHER):
            batch = objects[start : start + _TOGETHER]
            await asyncio.gather(*(self.client.create(resource, obj) for obj in batch))

    def _now(self) -> datetime:
        return RealClock().now()

    def _list(self, resource: Resource, namespace: str | None = None) -> list[Object]:
        return portal.run(self.client.list(resource, namespace)).items
