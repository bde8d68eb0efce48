"""Reads container logs for ``kubectl logs``: tail, since, previous, follow, across rotated segments.

Unlike the kubelet, which shows the newest segment only, a read begins at the oldest that is left, so that
whoever collects metrics from the log loses nothing to a rotation.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from kubelab.clock import Clock, parse_rfc3339
from kubelab.engine.apiserver.pod_logs import LogOptions
from kubelab.engine.nodes.logfile import segment_path, segments

_POLL_S = 0.04
_CHUNK = 1 << 18


class _Tape:
    """Reads one run's segments in order, as far as they are written."""

    def __init__(self, directory: Path, restart: int) -> None:
        self._directory = directory
        self._restart = restart
        self._segment = (segments(directory, restart) or [0])[0]
        self._fd = -1
        self._rest = b""

    def lines(self) -> Iterator[bytes]:
        """Yield the entries written since the last call, without their newlines."""
        while True:
            if self._fd < 0 and not self._open():
                return
            data = os.read(self._fd, _CHUNK)
            if data:
                *lines, self._rest = (self._rest + data).split(b"\n")
                yield from lines
            elif not self._next():
                return

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> bool:
        try:
            self._fd = os.open(
                segment_path(self._directory, self._restart, self._segment), os.O_RDONLY | os.O_CLOEXEC
            )
        except FileNotFoundError:
            return False
        return True

    def _next(self) -> bool:
        """Go on to the next segment, if this one was rotated away."""
        later = [number for number in segments(self._directory, self._restart) if number > self._segment]
        if not later:
            return False
        data = os.read(self._fd, 1)  # the segment may have grown just before it was rotated
        if data:
            os.lseek(self._fd, -1, os.SEEK_CUR)
            return True
        self.close()
        self._segment = later[0]
        return self._open()


class LogReader:
    """Reads one run of a container.

    Parameters
    ----------
    directory : Path
        ``pods/<uid>/logs/<container>``.
    restart : int
        Which run.
    is_over : callable
        Whether the run has ended, which ends a follower once it has read everything.
    """

    def __init__(self, directory: Path, restart: int, is_over: Callable[[], bool], clock: Clock) -> None:
        self._tape = _Tape(directory, restart)
        self._is_over = is_over
        self._clock = clock
        self._in_line = False

    async def read(self, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield the log in chunks of whole lines."""
        left = options.limit_bytes
        try:
            async for chunk in self._chunks(options):
                if left is None:
                    yield chunk
                    continue
                yield chunk[:left]
                left -= len(chunk)
                if left <= 0:
                    return
        finally:
            self._tape.close()

    async def _chunks(self, options: LogOptions) -> AsyncIterator[bytes]:
        since = self._since(options)
        over = self._is_over()  # asked before reading: what is read after the end is all there is
        written = _since(self._tape.lines(), since)
        if options.tail_lines is not None:
            written = iter(_tail(written, options.tail_lines))
        for chunk in self._batches(written, timestamps=options.timestamps):
            yield chunk
        while options.follow and not over:
            await asyncio.sleep(_POLL_S)
            over = self._is_over()
            for chunk in self._batches(_since(self._tape.lines(), since), timestamps=options.timestamps):
                yield chunk

    def _batches(self, lines: Iterator[bytes], *, timestamps: bool) -> Iterator[bytes]:
        batch: list[bytes] = []
        size = 0
        for line in lines:
            batch.append(self._shown(line, timestamps=timestamps))
            size += len(batch[-1])
            if size >= _CHUNK:
                yield b"".join(batch)
                batch, size = [], 0
        if batch:
            yield b"".join(batch)

    def _shown(self, line: bytes, *, timestamps: bool) -> bytes:
        """Return an entry as kubectl shows it; a long line has one timestamp and one end."""
        when, _, tag, text = line.split(b" ", 3)
        head = when + b" " if timestamps and not self._in_line else b""
        self._in_line = tag != b"F"
        return head + text + (b"" if self._in_line else b"\n")

    def _since(self, options: LogOptions) -> datetime | None:
        if options.since_seconds is None:
            return options.since_time
        try:
            return self._clock.now() - timedelta(seconds=options.since_seconds)
        except OverflowError:  # longer than there are years
            return None


def _since(lines: Iterator[bytes], since: datetime | None) -> Iterator[bytes]:
    if since is None:
        yield from lines
        return
    for line in lines:
        if parse_rfc3339(line[:30].decode()) >= since:
            yield line


def _tail(lines: Iterator[bytes], count: int) -> list[bytes]:
    """Return the entries of the last ``count`` lines; a long line has several entries."""
    kept: deque[list[bytes]] = deque(maxlen=count)
    whole: list[bytes] = []
    for line in lines:
        whole.append(line)
        if _tag(line) == b"F":
            kept.append(whole)
            whole = []
    if whole:
        kept.append(whole)
    return [line for entries in kept for line in entries]


def _tag(line: bytes) -> bytes:
    return line.split(b" ", 3)[2]
