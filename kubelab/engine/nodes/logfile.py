"""Writes a container's output as the CRI does: ``<time> <stream> <F|P> <line>``, in rotated segments.

A run of a container (one restart) writes ``<restart>.<segment>.log``; segments are never renamed, so a reader
that follows goes on to the next number and loses nothing.
Limits are the kubelet's defaults: containerLogMaxSize 10Mi, containerLogMaxFiles 5
(kubernetes/pkg/kubelet/apis/config/v1beta1/defaults.go, v1.33).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from kubelab.clock import Clock

MAX_SEGMENT_BYTES = 10 * 1024 * 1024
MAX_SEGMENTS = 5
MAX_LINE_BYTES = 16 * 1024


def segment_path(directory: Path, restart: int, segment: int) -> Path:
    """Return where one segment of one run is."""
    return directory / f"{restart}.{segment:06d}.log"


def segments(directory: Path, restart: int) -> list[int]:
    """Return the numbers of the segments of a run that are still there, oldest first."""
    return sorted(int(path.name.split(".")[1]) for path in directory.glob(f"{restart}.*.log"))


class LogFile:
    """The log of one run of a container.

    Parameters
    ----------
    directory : Path
        ``pods/<uid>/logs/<container>``.
    restart : int
        Which run: the restart count when it started.
    """

    def __init__(
        self, directory: Path, restart: int, clock: Clock, *, max_bytes: int = MAX_SEGMENT_BYTES
    ) -> None:
        self._directory = directory
        self._restart = restart
        self._clock = clock
        self._max_bytes = max_bytes
        self._rest = {"stdout": b"", "stderr": b""}
        directory.mkdir(parents=True, exist_ok=True)
        self._segment = (segments(directory, restart) or [0])[-1]
        self._fd = self._open()
        self._size = os.fstat(self._fd).st_size

    def write(self, stream: str, data: bytes) -> None:
        """Append what was read from one stream; an unfinished line waits for its end."""
        *lines, rest = (self._rest[stream] + data).split(b"\n")
        entries = [entry for line in lines for entry in _entries(line, final=True)]
        if len(rest) >= MAX_LINE_BYTES:
            *parts, (_, rest) = _entries(rest, final=False)
            entries += parts
        self._rest[stream] = rest
        self._append(stream, entries)

    def close(self) -> None:
        """Write what has no newline, and close."""
        for stream, rest in self._rest.items():
            self._append(stream, [(b"P", rest)] if rest else [])
        os.close(self._fd)

    def _append(self, stream: str, entries: list[tuple[bytes, bytes]]) -> None:
        if not entries:
            return
        head = _rfc3339_nano(self._clock.now()) + b" " + stream.encode() + b" "
        data = b"".join(head + tag + b" " + line + b"\n" for tag, line in entries)
        while data:
            data = data[os.write(self._fd, data) :]
        self._size = os.fstat(self._fd).st_size
        if self._size >= self._max_bytes:
            self._rotate()

    def _rotate(self) -> None:
        os.close(self._fd)
        self._segment += 1
        self._fd = self._open()
        self._size = 0
        for old in segments(self._directory, self._restart)[:-MAX_SEGMENTS]:
            segment_path(self._directory, self._restart, old).unlink(missing_ok=True)

    def _open(self) -> int:
        path = segment_path(self._directory, self._restart, self._segment)
        return os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)


def _entries(line: bytes, *, final: bool) -> Iterator[tuple[bytes, bytes]]:
    """Cut a long line as the CRI does: all parts but a line's last are tagged P."""
    parts = [line[at : at + MAX_LINE_BYTES] for at in range(0, len(line), MAX_LINE_BYTES)] or [b""]
    for part in parts[:-1]:
        yield b"P", part
    yield (b"F" if final else b"P"), parts[-1]


def _rfc3339_nano(moment: datetime) -> bytes:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode()
