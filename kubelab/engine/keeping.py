"""Keeps parts of the control plane running: one that fails is started again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 10.0


async def keep(name: str, run: Callable[[], Awaitable[None]]) -> None:
    """Run a part for good, after a failure again with a growing delay."""
    delay_s = _FIRST_DELAY_S
    while True:
        try:
            await run()
        except Exception:
            logger.exception("%s failed and starts again in %.1f s", name, delay_s)
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, _LONGEST_DELAY_S)
