"""Events: short notes on an object for people, written in the background."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime

from kubelab.client import EVENTS, Client, Object
from kubelab.clock import Clock
from kubelab.errors import AlreadyExistsError, ApiError, ConnectionFailedError, NotFoundError
from kubelab.notes import EventType, Note, event_of

__all__ = ["BURST", "REFILL_S", "EventRecorder", "EventType", "Note"]

logger = logging.getLogger(__name__)

# client-go's EventCorrelator: a source may write 25 events on an object, then one in five minutes.
BURST = 25
REFILL_S = 300.0
_REMEMBERED = 4096


@dataclass(slots=True)
class _Allowance:
    left: float
    at: datetime


@dataclass(slots=True)
class _Pending:
    component: str
    about: Object
    note: Note
    at: datetime


class EventRecorder:
    """Writes Events without delaying who records them; repeated ones only count up.

    Parameters
    ----------
    client : Client
        Where to write.
    clock : Clock
        Gives the time stamps.
    """

    def __init__(self, client: Client, clock: Clock) -> None:
        self.client = client
        self.clock = clock
        self._pending: asyncio.Queue[_Pending] = asyncio.Queue()
        self._allowances: dict[tuple[str, str], _Allowance] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._order: deque[tuple[str, str]] = deque()

    def record(self, component: str, about: Object, note: Note) -> None:
        """Note something about an object; dropped if its source already said too much."""
        now = self.clock.now()
        if self._allowed((component, about["metadata"].get("uid", "")), now):
            self._pending.put_nowait(_Pending(component, about, note, now))

    async def run(self) -> None:
        """Write what was recorded, until cancelled."""
        while True:
            pending = await self._pending.get()
            try:
                await self._write(pending)
            except (ApiError, ConnectionFailedError) as error:
                logger.debug("event %s was not written: %s", pending.note.reason, error)
            except Exception:
                logger.exception("event %s was not written", pending.note.reason)

    def _allowed(self, source: tuple[str, str], now: datetime) -> bool:
        if len(self._allowances) > _REMEMBERED:
            self._allowances.clear()
        allowance = self._allowances.setdefault(source, _Allowance(BURST, now))
        elapsed_s = (now - allowance.at).total_seconds()
        allowance.left = min(BURST, allowance.left + elapsed_s / REFILL_S)
        allowance.at = now
        if allowance.left < 1:
            return False
        allowance.left -= 1
        return True

    async def _write(self, pending: _Pending) -> None:
        event = event_of(pending.about, pending.note, component=pending.component, now=pending.at)
        namespace, name = event["metadata"]["namespace"], event["metadata"]["name"]
        key = (namespace, name)
        if key in self._counts:
            self._counts[key] += 1
            again = {"count": self._counts[key], "lastTimestamp": event["lastTimestamp"]}
            try:
                await self.client.patch(EVENTS, name, again, namespace)
            except NotFoundError:
                self._counts[key] = 1
            else:
                return
        try:
            await self.client.create(EVENTS, event)
        except AlreadyExistsError:
            existing = await self.client.get(EVENTS, name, namespace)
            count = int(existing.get("count") or 1) + 1
            await self.client.patch(
                EVENTS, name, {"count": count, "lastTimestamp": event["lastTimestamp"]}, namespace
            )
            self._remember(key, count)
        else:
            self._remember(key, 1)

    def _remember(self, key: tuple[str, str], count: int) -> None:
        if key not in self._counts:
            self._order.append(key)
        self._counts[key] = count
        if len(self._order) > _REMEMBERED:
            self._counts.pop(self._order.popleft(), None)
