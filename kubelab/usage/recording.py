"""Keeps a history of what containers use, as a client of metrics.k8s.io."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from datetime import timedelta

from kubelab.client import Client
from kubelab.clock import Clock
from kubelab.errors import ApiError, ConnectionFailedError
from kubelab.usage.history import KEPT, History
from kubelab.usage.samples import read_samples

logger = logging.getLogger(__name__)

EVERY_S = 60.0
"""Vertical Pod Autoscaler's recommender looks as often."""

_PRUNED_EVERY = timedelta(hours=1)


async def record(
    client: Client, history: History, clock: Clock, *, every_s: float = EVERY_S, simulated: bool = True
) -> None:
    """Add what metrics.k8s.io says, again and again until cancelled, also where it did not answer once.

    Parameters
    ----------
    every_s : float
        How often to look.
    simulated : bool
        Whether pods on simulated nodes count, of which there may be ten thousand.
    """
    pruned = clock.now()
    while True:
        try:
            await asyncio.to_thread(history.add, await read_samples(client, simulated=simulated))
        except (ApiError, ConnectionFailedError) as error:
            logger.debug("no samples this time: %s", error)
        except sqlite3.Error as error:
            logger.warning("what containers use could not be kept in %s: %s", history.path, error)
        if clock.now() - pruned >= _PRUNED_EVERY:
            pruned = clock.now()
            with contextlib.suppress(sqlite3.Error):
                history.prune(pruned - KEPT)
        await asyncio.sleep(every_s)
