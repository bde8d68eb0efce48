"""Reading and writing pipes and terminals from asyncio."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable

_CHUNK = 1 << 15


class Descriptor:
    """One descriptor, taken; each side of it is used by one task at a time."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        os.set_blocking(fd, False)
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Event | None = None
        self._finishing = False

    async def read(self) -> bytes:
        """Return what is there, waiting for some; nothing at the end."""
        while self.fd >= 0:
            try:
                return os.read(self.fd, _CHUNK)
            except BlockingIOError:
                if self._finishing:
                    return b""
                await self._readable()
            except OSError as error:
                if error.errno != errno.EIO:  # a terminal that nobody has open any more
                    raise
                return b""
        return b""

    def finish(self) -> None:
        """Take what is there already for all that there is."""
        self._finishing = True
        if self._waiting:
            self._waiting.set()

    async def write(self, data: bytes) -> None:
        """Write it all; what nobody reads any more is lost."""
        rest = memoryview(data)
        while rest and self.fd >= 0:
            try:
                rest = rest[os.write(self.fd, rest) :]
            except BlockingIOError:
                await self._writable()
            except OSError:
                return

    def close(self) -> None:
        """Close it, once."""
        if self.fd >= 0:
            self._loop.remove_reader(self.fd)
            self._loop.remove_writer(self.fd)
            os.close(self.fd)
            self.fd = -1

    async def _readable(self) -> None:
        self._waiting = asyncio.Event()
        await self._ready(self._waiting, self._loop.add_reader, self._loop.remove_reader)

    async def _writable(self) -> None:
        await self._ready(asyncio.Event(), self._loop.add_writer, self._loop.remove_writer)

    async def _ready(
        self, ready: asyncio.Event, watch: Callable[..., object], unwatch: Callable[[int], object]
    ) -> None:
        fd = self.fd
        watch(fd, ready.set)
        try:
            await ready.wait()
        finally:
            if self.fd == fd:
                unwatch(fd)
