"""Windows as OpenCost's API takes them."""

from datetime import UTC, datetime

import pytest

from kubelab.costs.windows import WindowError, parse_window, steps

NOW = datetime(2026, 1, 14, 10, 30, tzinfo=UTC)  # a Wednesday


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 1, number, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("today", day(14), NOW),
        ("yesterday", day(13), day(14)),
        ("week", day(11), NOW),
        ("lastweek", day(4), day(11)),
        ("month", day(1), NOW),
        ("lastmonth", datetime(2025, 12, 1, tzinfo=UTC), day(1)),
        ("7d", day(8), NOW),
        ("1w", day(8), NOW),
        ("2h", day(14, 9), NOW),
        ("30m", day(14, 10), NOW),
        ("2026-01-02T00:00:00Z,2026-01-03T12:00:00Z", day(2), day(3, 12)),
        ("1767312000,1767398400", day(2), day(3)),
        ("2026-01-14T00:00:00Z,2026-01-20T00:00:00Z", day(14), NOW),
    ],
)
def test_a_window_is_what_opencost_makes_of_it_up_to_now(text: str, start: datetime, end: datetime) -> None:
    found = parse_window(text, NOW)
    assert (found.start, found.end) == (start, end)


def test_at_midnight_a_day_is_the_one_that_has_ended() -> None:
    assert parse_window("1d", day(14)).start == day(13)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2027-01-01T00:00:00Z,2027-02-01T00:00:00Z", "it has not begun; it is 2026-01-14 10:30 UTC"),
        ("2026-01-03T00:00:00Z,2026-01-02T00:00:00Z", "it ends before it begins"),
        ("soon", "it cannot be read"),
        ("0d", "it is no length"),
        ("then,now", "'then' is no time"),
        ("", "it cannot be read"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_in_words(text: str, problem: str) -> None:
    with pytest.raises(WindowError, match="makes no sense") as raised:
        parse_window(text, NOW)
    assert problem in str(raised.value)
    assert raised.value.text == text


def test_steps_follow_each_other_and_the_last_is_as_short_as_it_comes() -> None:
    found = list(steps(parse_window("2d", NOW), "1d"))
    assert [(each.start, each.end) for each in found] == [(day(13), day(14)), (day(14), NOW)]
    assert [(each.start, each.end) for each in steps(parse_window("2d", NOW), None)] == [(day(13), NOW)]


@pytest.mark.parametrize("step", ["0h", "often", "1m"])
def test_steps_that_make_no_sense_are_refused(step: str) -> None:
    with pytest.raises(WindowError):
        list(steps(parse_window("30d", NOW), step))
