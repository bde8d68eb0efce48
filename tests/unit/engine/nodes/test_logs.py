"""Reading container logs: tail, since, limits, timestamps, rotation, following."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from kubelab.clock import RealClock
from kubelab.engine.apiserver import LogOptions
from kubelab.engine.nodes.logfile import MAX_LINE_BYTES, MAX_SEGMENTS, LogFile, segments
from kubelab.engine.nodes.logs import LogReader

from .conftest import Lab


class SteppingClock:
    """A second later at each look."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment


def _write(directory: Path, *chunks: bytes, max_bytes: int = 1 << 20) -> None:
    log = LogFile(directory, 0, SteppingClock(), max_bytes=max_bytes)
    for chunk in chunks:
        log.write("stdout", chunk)
    log.close()


async def _read(directory: Path, options: LogOptions) -> bytes:
    reader = LogReader(directory, 0, lambda: True, SteppingClock())
    return b"".join([chunk async for chunk in reader.read(options)])


async def test_entries_have_the_cri_form(tmp_path: Path) -> None:
    _write(tmp_path, b"one\ntw", b"o\n")
    lines = (tmp_path / "0.000000.log").read_text().splitlines()
    assert lines == [
        "2026-01-01T00:00:01.000000000Z stdout F one",
        "2026-01-01T00:00:02.000000000Z stdout F two",
    ]


async def test_tail_returns_the_last_lines(tmp_path: Path) -> None:
    _write(tmp_path, b"a\nb\nc\n")
    assert await _read(tmp_path, LogOptions(tail_lines=2)) == b"b\nc\n"
    assert await _read(tmp_path, LogOptions(tail_lines=0)) == b""


async def test_since_and_timestamps(tmp_path: Path) -> None:
    _write(tmp_path, b"a\n", b"b\n")
    since = datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
    text = await _read(tmp_path, LogOptions(since_time=since, timestamps=True))
    assert text == b"2026-01-01T00:00:02.000000000Z b\n"


async def test_since_before_all_years_is_since_the_beginning(tmp_path: Path) -> None:
    _write(tmp_path, b"a\n")
    for seconds in (10**12, 2**63 - 1):
        assert await _read(tmp_path, LogOptions(since_seconds=seconds)) == b"a\n"


async def test_limit_cuts_at_a_byte(tmp_path: Path) -> None:
    _write(tmp_path, b"abc\ndef\n")
    assert await _read(tmp_path, LogOptions(limit_bytes=5)) == b"abc\nd"


async def test_long_lines_have_one_timestamp(tmp_path: Path) -> None:
    _write(tmp_path, b"x" * (MAX_LINE_BYTES + 10) + b"\n")
    text = await _read(tmp_path, LogOptions(timestamps=True))
    assert text == b"2026-01-01T00:00:01.000000000Z " + b"x" * (MAX_LINE_BYTES + 10) + b"\n"


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_what_was_written_is_read_whatever_the_chunks(
    tmp_path_factory: object, data: bytes, cuts: list[int]
) -> None:
    directory = tmp_path_factory.mktemp("log")  # type: ignore[attr-defined]
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    _write(directory, *(data[a:b] for a, b in itertools.pairwise(places)))
    assert asyncio.run(_read(directory, LogOptions())) == data


async def test_reader_follows_across_rotations_without_losing_a_line(tmp_path: Path) -> None:
    log = LogFile(tmp_path, 0, RealClock(), max_bytes=2_000)
    over = False
    reader = LogReader(tmp_path, 0, lambda: over, RealClock())
    got: list[bytes] = []

    async def follow() -> None:
        async for chunk in reader.read(LogOptions(follow=True)):
            got.append(chunk)  # noqa: PERF401 - watched while it grows

    following = asyncio.create_task(follow())
    for number in range(200):
        log.write("stdout", f"step={number}\n".encode())
        if number % 20 == 0:
            while f"step={number}\n".encode() not in b"".join(got):  # noqa: ASYNC110 - what is tested polls
                await asyncio.sleep(0.005)
    log.close()
    over = True
    await following
    assert b"".join(got).split() == [f"step={number}".encode() for number in range(200)]
    assert len(segments(tmp_path, 0)) <= MAX_SEGMENTS


async def test_follow_ends_when_the_container_ends(one_lab: Lab) -> None:
    await one_lab.create("short", "sh", "-c", "for i in 1 2 3; do echo $i; sleep 0.1; done")
    await one_lab.running("short")
    async with asyncio.timeout(10):
        assert await one_lab.log("short", follow=True) == ["1", "2", "3"]


async def test_log_of_a_waiting_container_is_refused(one_lab: Lab) -> None:
    await one_lab.create("stranger", "true", image="example.com/x")
    await one_lab.when("stranger", lambda pod: pod["status"].get("containerStatuses"))
    try:
        await one_lab.log("stranger")
    except Exception as error:  # noqa: BLE001 - its wording is what is tested
        assert "is waiting to start" in str(error)
    else:
        raise AssertionError
