"""The vectors are those of robfig/cron v3.0.1 (``spec_test.go``), on whole minutes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.engine.apiserver.validation.cron import FIELDS, schedule_problem
from kubelab.engine.controllers.cronjob.schedule import parse

NEW_YORK = ZoneInfo("America/New_York")


def next_utc(schedule: str, after: str) -> str | None:
    found = parse(schedule, UTC).next(datetime.fromisoformat(after).replace(tzinfo=UTC))
    return found.strftime("%Y-%m-%dT%H:%M") if found else None


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        ("0/15 * * * *", "2012-07-09T14:45", "2012-07-09T15:00"),
        ("0/15 * * * *", "2012-07-09T14:59:59", "2012-07-09T15:00"),
        ("20-35/15 * * * *", "2012-07-09T15:45", "2012-07-09T16:20"),
        ("20-35/15 * * * *", "2012-07-09T23:46", "2012-07-10T00:20"),
        ("0 0 1 Apr *", "2012-07-09T23:35", "2013-04-01T00:00"),
        ("0 0 * Apr Mon", "2012-07-09T23:35", "2013-04-01T00:00"),
        ("0 0 29 Feb ?", "2012-07-09T23:35", "2016-02-29T00:00"),
        ("0 0 30 Feb ?", "2012-07-09T23:35", None),
        ("0 0 31 Apr ?", "2012-07-09T23:35", None),
        ("* * 1,15 * Sun", "2012-07-15T00:00", "2012-07-15T00:01"),
        ("* * 1,15 * Sun", "2012-07-14T12:00", "2012-07-15T00:00"),
        ("* * 1,15 * Sun", "2012-07-15T23:59", "2012-07-22T00:00"),
        ("* * * * Mon", "2012-07-15T00:00", "2012-07-16T00:00"),
        ("* * */10 * Sun", "2012-07-09T12:00", "2012-07-11T00:00"),
        ("* * 1,15 * *", "2012-07-09T00:00", "2012-07-15T00:00"),
        ("@hourly", "2012-07-09T14:45", "2012-07-09T15:00"),
        ("@weekly", "2012-07-09T14:45", "2012-07-15T00:00"),
        ("@yearly", "2012-07-09T14:45", "2013-01-01T00:00"),
    ],
)
def test_the_next_time_is_that_of_robfig_cron(schedule: str, after: str, expected: str | None) -> None:
    assert next_utc(schedule, after) == expected


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # Clocks go from 2:00 to 3:00 on 11 March 2012, and from 2:00 back to 1:00 on 4 November.
        ("30 2 11 Mar ?", "2012-03-11T00:00-05:00", "2013-03-11T02:30-04:00"),
        ("0 * * * ?", "2012-03-11T01:00-05:00", "2012-03-11T03:00-04:00"),
        ("0 3 * * ?", "2012-03-11T01:00-05:00", "2012-03-11T03:00-04:00"),
        ("0 1 * * ?", "2012-11-04T00:00-04:00", "2012-11-04T01:00-04:00"),
        ("0 1 * * ?", "2012-11-04T01:00-04:00", "2012-11-04T01:00-05:00"),
        ("0 0 * * ?", "2012-11-04T00:00-04:00", "2012-11-05T00:00-05:00"),
    ],
)
def test_a_change_of_the_clocks_leaves_an_hour_out_or_repeats_it(
    schedule: str, after: str, expected: str
) -> None:
    assert parse(schedule, NEW_YORK).next(datetime.fromisoformat(after)) == datetime.fromisoformat(expected)


def test_an_interval_is_counted_from_the_last_time() -> None:
    assert next_utc("@every 1h30m", "2012-07-09T14:45") == "2012-07-09T16:15"


def _field(lowest: int, highest: int) -> st.SearchStrategy[str]:
    number = st.integers(lowest, highest)
    spans = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    stepped = st.tuples(spans | st.just("*"), st.integers(1, 10)).map("{0[0]}/{0[1]}".format)
    return st.lists(number.map(str) | spans | stepped | st.just("*"), min_size=1, max_size=3).map(",".join)


schedules = st.tuples(*(_field(low, high) for low, high, _ in FIELDS)).map(" ".join)
moments = st.integers(0, 10 * 365 * 86_400).map(
    lambda seconds: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(schedules, moments)
def test_the_next_time_is_due_and_none_before_it(schedule: str, after: datetime) -> None:
    assert schedule_problem(schedule) == ""
    parsed = parse(schedule, UTC)
    found = parsed.next(after)
    if found is None:
        return
    assert found > after
    assert parsed.next(found - timedelta(seconds=1)) == found
    between = after + (found - after) / 2
    assert parsed.next(between) == found
