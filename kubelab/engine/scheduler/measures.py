"""What the scheduler counts and times, under upstream's names (``pkg/scheduler/metrics``, v1.37)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal

from kubelab.engine.measures import Measures, Reading, exponential
from kubelab.engine.scheduler.queue import SchedulingQueue, Waiting

Result = Literal["scheduled", "unschedulable", "error"]

_PROFILE = "default-scheduler"
_MOST_ATTEMPTS = 15
_ATTEMPT_SECONDS = exponential(0.0001, 4, 10)
"""Upstream's begin at 1 ms, which is longer than most attempts take here."""
_POD_SECONDS = exponential(0.01, 4, 10)
_QUEUES = ("active", "backoff", "unschedulable")


class SchedulerMeasures:
    """The scheduler's measures.

    Parameters
    ----------
    queue : SchedulingQueue
        Whose pods are counted when somebody asks.
    gated : callable
        Returns how many pods their scheduling gates hold back.
    """

    def __init__(self, measures: Measures, queue: SchedulingQueue, gated: Callable[[], int]) -> None:
        self._queue = queue
        self._gated = gated
        labels = ("result", "profile")
        self._attempts = measures.counters(
            "scheduler_schedule_attempts_total", "Attempts to place a pod, by how they ended.", labels
        )
        self._seconds = measures.histograms(
            "scheduler_scheduling_attempt_duration_seconds",
            "Time of an attempt, with the binding.",
            _ATTEMPT_SECONDS,
            labels,
        )
        self._pod_seconds = measures.histograms(
            "scheduler_pod_scheduling_sli_duration_seconds",
            "Time from a pod's coming into the queue to its having a node.",
            _POD_SECONDS,
            ("attempts",),
        )
        measures.read(
            "gauge", "scheduler_pending_pods", "Pods without a node, by queue.", ("queue",), self._pending
        )

    def tried(self, waiting: Waiting, result: Result, seconds: float) -> None:
        """Count an attempt that took so long."""
        self._attempts.of(result, _PROFILE).value += 1
        self._seconds.of(result, _PROFILE).observe(seconds)
        if result == "scheduled":
            attempts = waiting.attempts + 1
            shown = str(attempts) if attempts < _MOST_ATTEMPTS else f"{_MOST_ATTEMPTS}+"
            self._pod_seconds.of(shown).observe(self._queue.now() - waiting.queued_at)

    def _pending(self) -> Iterable[Reading]:
        places = Counter(waiting.place for waiting in self._queue.pods.values())
        yield from (((name,), places[name]) for name in _QUEUES)
        yield ("gated",), self._gated()
