"""The node's Events: written in the background; one that repeats counts up instead."""

from __future__ import annotations

import asyncio
import hashlib
import logging

from kubelab.client import EVENTS, Client, Object
from kubelab.clock import Clock, rfc3339
from kubelab.errors import AlreadyExistsError, ApiError, ConnectionFailedError, NotFoundError

logger = logging.getLogger(__name__)

_MAX_WAITING = 10_000
_MAX_MESSAGE = 1024


class Recorder:
    """Writes Events as the kubelet does.

    Parameters
    ----------
    node : str
        The node that is their source.
    """

    def __init__(self, client: Client, clock: Clock, node: str) -> None:
        self._client = client
        self._clock = clock
        self._node = node
        self._waiting: asyncio.Queue[Object] = asyncio.Queue(_MAX_WAITING)
        self._counts: dict[tuple[str, str], int] = {}

    def record(
        self, about: Object, type: str, reason: str, message: str, *, field: str = "", at: str = ""
    ) -> None:
        """Write an Event soon; ``about`` is an object with its metadata.

        Parameters
        ----------
        at : str
            RFC 3339 time at which it happened; now unless given.
        """
        event = self._event(about, type, reason, message[:_MAX_MESSAGE], field, at)
        if not self._waiting.full():
            self._waiting.put_nowait(event)

    async def run(self) -> None:
        """Write what is recorded, until cancelled."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < 50:
                batch.append(self._waiting.get_nowait())
            first = {event["metadata"]["name"]: event for event in reversed(batch)}
            await asyncio.gather(*(self._write(event) for event in first.values()))
            for event in batch:
                if first[event["metadata"]["name"]] is not event:
                    await self._write(event)

    async def _write(self, event: Object) -> None:
        meta = event["metadata"]
        key = (meta["namespace"], meta["name"])
        try:
            if key in self._counts:
                await self._count(event, self._counts[key] + 1)
            else:
                await self._client.create(EVENTS, event)
                self._counts[key] = 1
        except AlreadyExistsError:
            existing = await self._client.get(EVENTS, meta["name"], meta["namespace"])
            await self._count(event, int(existing.get("count") or 1) + 1)
        except NotFoundError:
            self._counts.pop(key, None)
        except (ApiError, ConnectionFailedError) as error:
            logger.debug("event %s is lost: %s", event["reason"], error)
        if len(self._counts) > _MAX_WAITING:
            self._counts.clear()

    async def _count(self, event: Object, count: int) -> None:
        meta = event["metadata"]
        change = {"count": count, "lastTimestamp": event["lastTimestamp"]}
        await self._client.patch(EVENTS, meta["name"], change, meta["namespace"])
        self._counts[meta["namespace"], meta["name"]] = count

    def _event(  # noqa: PLR0917 - the fields of an Event
        self, about: Object, type: str, reason: str, message: str, field: str, at: str
    ) -> Object:
        meta = about["metadata"]
        namespace = meta.get("namespace") or "default"
        involved = {
            "apiVersion": about.get("apiVersion", "v1"),
            "kind": about.get("kind", "Pod"),
            "name": meta["name"],
            "uid": meta.get("uid", ""),
            **({"namespace": namespace} if meta.get("namespace") else {}),
            **({"fieldPath": field} if field else {}),
        }
        same = "\0".join((meta.get("uid", ""), type, reason, message, field, self._node))
        when = at or rfc3339(self._clock.now())
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{meta['name'][:230]}.{hashlib.sha256(same.encode()).hexdigest()[:16]}",
                "namespace": namespace,
            },
            "involvedObject": involved,
            "type": type,
            "reason": reason,
            "message": message,
            "source": {"component": "kubelet", "host": self._node},
            "firstTimestamp": when,
            "lastTimestamp": when,
            "count": 1,
            "reportingComponent": "kubelet",
            "reportingInstance": self._node,
        }
