"""How long a failed group is left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kubelab.autoscaling.backoff import FIRST, RESET, after_failure

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_each_failure_after_a_back_off_doubles_it_up_to_half_an_hour() -> None:
    backoff, now, minutes = None, NOW, []
    for _ in range(5):
        backoff = after_failure(backoff, now, "OutOfCapacity", "none left")
        minutes.append(backoff.duration / timedelta(minutes=1))
        now = backoff.until
    assert minutes == [5, 10, 20, 30, 30]


def test_failure_within_a_back_off_does_not_double_it() -> None:
    first = after_failure(None, NOW, "timeout", "")
    again = after_failure(first, NOW + timedelta(minutes=1), "timeout", "")
    assert again.duration == FIRST
    assert again.until == NOW + timedelta(minutes=6)


def test_three_quiet_hours_make_it_begin_anew() -> None:
    first = after_failure(None, NOW, "timeout", "")
    second = after_failure(first, first.until, "timeout", "")
    assert after_failure(second, second.failed_at + RESET, "timeout", "").duration == FIRST
