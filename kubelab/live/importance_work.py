"""`ImportanceWork`: parameter importances, computed beside the event loop and not more often than needed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence

from kubelab.errors import KubelabError
from kubelab.live.throttle import Throttle
from kubelab.sweeps.view import SweepView
from kubelab.tuning import Problem, TrialRecord, importances

INTERVAL_S = 2.0
"""The least time between two computations; one of 200 trials takes about 0.1 s."""

Compute = Callable[[Problem, Sequence[TrialRecord]], Mapping[str, float]]

_log = logging.getLogger(__name__)


class ImportanceWork:
    """Computes importances in a thread, when trials have ended since the last time.

    Belongs to one event loop.

    Parameters
    ----------
    on_done : callable
        Called on the loop after each computation.
    compute : callable
        What computes them.
    interval_s : float
        The least time between two computations, in seconds.
    """

    def __init__(
        self,
        on_done: Callable[[], None],
        *,
        compute: Compute = importances,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.latest: Mapping[str, float] = {}
        self._on_done = on_done
        self._compute = compute
        self._throttle = Throttle(self._begin, interval_s)
        self._view: SweepView | None = None
        self._ended = 0
        self._task: asyncio.Task[None] | None = None

    def offer(self, view: SweepView) -> None:
        """Compute for this view, now or a little later, if more trials have ended than were counted."""
        ended = sum(record.has_ended for record in view.records)
        if ended != self._ended:
            self._ended, self._view = ended, view
            self._throttle.request()

    async def stop(self) -> None:
        """Compute no more; a computation under way is waited for."""
        self._throttle.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._throttle.cancel()

    def _begin(self) -> None:
        if self._task is not None and not self._task.done():
            self._throttle.request()
        elif self._view is not None:
            view, self._view = self._view, None
            self._task = asyncio.get_running_loop().create_task(self._work(view))

    async def _work(self, view: SweepView) -> None:
        try:
            self.latest = await asyncio.to_thread(self._compute, view.problem, view.records)
        except KubelabError as error:  # such as Optuna not installed: the rest is shown without
            _log.info("importances of sweep %s are not shown: %s", view.name, error)
        except Exception:  # noqa: BLE001 - a panel goes on without it
            _log.exception("importances of sweep %s could not be computed", view.name)
        self._on_done()
