"""How long a Job waits before it replaces a failed pod."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kubelab.engine.controllers.job.pods import Pod

# pkg/controller/job: DefaultJobPodFailureBackOff and MaxJobPodFailureBackOff.
BASE_S = 10.0
MAX_S = 600.0


def remaining_s(failed: Sequence[Pod], succeeded: Sequence[Pod], now: datetime) -> float:
    """Return the seconds until the next pod: 10 s after a first failure, then doubling up to 10 min.

    Failures before the last success do not count. Nothing is kept in memory: the pods are the record.
    """
    last_success = max((pod.finished_at for pod in succeeded if pod.finished_at), default=None)
    ends = [
        pod.finished_at
        for pod in failed
        if pod.finished_at and (last_success is None or pod.finished_at > last_success)
    ]
    return _left_s(len(ends), max(ends), now) if ends else 0.0


def remaining_for_index_s(last_failed: Pod | None, now: datetime) -> float:
    """Return the seconds until an index may be tried again, after its last failure."""
    if last_failed is None or last_failed.finished_at is None:
        return 0.0
    failures = last_failed.index_failures + last_failed.index_ignored_failures + 1
    return _left_s(failures, last_failed.finished_at, now)


def _left_s(failures: int, last: datetime, now: datetime) -> float:
    delay_s = min(BASE_S * 2.0 ** min(failures - 1, 20), MAX_S)
    return max(0.0, delay_s - (now - last).total_seconds())
