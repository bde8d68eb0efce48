"""The standard streams of one run of a container, and those who are attached to them."""

from __future__ import annotations

import contextlib
import errno
import os
import pty
from collections.abc import Callable

from kubelab.engine.nodes.loop import Loop
from kubelab.engine.nodes.plan import ContainerPlan
from kubelab.engine.nodes.process import Process, Streams, piped

_MAX_WAITING_BYTES = 1 << 20
"""What one who is attached may lag behind before the container has to wait for them."""


class Console:
    """A container's standard input, its output, and who watches it.

    Attributes
    ----------
    streams : Streams
        What the container's process gets.
    stdin : int or None
        What writes to the container's standard input (or terminal), while it is open.
    """

    def __init__(self, loop: Loop, plan: ContainerPlan) -> None:
        self._loop = loop
        self._once = plan.stdin_once and plan.stdin
        self._viewers: list[Viewer] = []
        self.process: Process | None = None
        self.stdin: int | None = None
        if plan.tty:
            master, slave = pty.openpty()
            self.streams = Streams(slave, slave, slave, {master: "stdout"}, terminal=True)
            self.stdin = os.dup(master)
        elif plan.stdin:
            read, self.stdin = os.pipe()
            self.streams = piped(read)
        else:
            self.streams = piped()

    def attach(self, viewer: Viewer) -> None:
        """Let somebody see what comes from now on."""
        self._viewers.append(viewer)

    def detach(self, viewer: Viewer) -> None:
        """Go on without somebody; a standard input for one only ends with them."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            if self._once and viewer.typing:
                self.close_stdin()
        self._pace()

    def close_stdin(self) -> None:
        """Let the container read the end of its input."""
        if self.stdin is not None:
            os.close(self.stdin)
            self.stdin = None

    def end_stdin_of(self, viewer: Viewer) -> None:
        """Take note that somebody's input has ended."""
        if self._once and viewer.typing:
            self.close_stdin()

    def show(self, stream: str, data: bytes) -> None:
        """Pass output on."""
        for viewer in list(self._viewers):
            viewer.show(stream, data)
        self._pace()

    def close(self) -> None:
        """Tell who watches that the run has ended."""
        self.process = None
        self.close_stdin()
        for viewer in self._viewers:
            viewer.finish()
        self._viewers.clear()

    def viewer(self, outputs: dict[str, int], finished: Callable[[], None], *, typing: bool) -> Viewer:
        """Return somebody who writes what they see into ``outputs``."""
        return Viewer(self._loop, outputs, self._pace, finished, typing=typing)

    def _pace(self) -> None:
        if self.process is None:
            return
        if any(viewer.waiting_bytes > _MAX_WAITING_BYTES for viewer in self._viewers):
            self.process.pause()
        else:
            self.process.resume()


class Viewer:
    """Somebody who is attached: output waits here until their pipe takes it.

    Parameters
    ----------
    outputs : dict of str to int
        A descriptor for each stream that they want; taken.
    taken : callable
        Called when some of what waited was taken.
    finished : callable
        Called once all was taken after `finish`.
    typing : bool
        Whether they also write to the container's input.
    """

    def __init__(
        self,
        loop: Loop,
        outputs: dict[str, int],
        taken: Callable[[], None],
        finished: Callable[[], None],
        *,
        typing: bool,
    ) -> None:
        self.typing = typing
        self._loop = loop
        self._outputs = outputs
        self._waiting = {stream: bytearray() for stream in outputs}
        self._watched: set[str] = set()
        self._taken = taken
        self._finished = finished
        self._finishing = False
        for fd in outputs.values():
            os.set_blocking(fd, False)

    @property
    def waiting_bytes(self) -> int:
        """How much was not taken yet."""
        return sum(map(len, self._waiting.values()))

    def show(self, stream: str, data: bytes) -> None:
        """Pass output of one stream on, if they want it."""
        if stream in self._outputs:
            self._waiting[stream] += data
            self._flush(stream)

    def finish(self) -> None:
        """Say that no more comes."""
        self._finishing = True
        self._check_finished()

    def close(self) -> None:
        """Let go of their descriptors."""
        for stream in list(self._outputs):
            self._drop(stream)

    def _flush(self, stream: str) -> None:
        waiting, fd = self._waiting[stream], self._outputs[stream]
        try:
            while waiting:
                del waiting[: os.write(fd, waiting)]
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            self._drop(stream)
            return
        self._watch(stream)
        self._check_finished()

    def _watch(self, stream: str) -> None:
        if self._waiting[stream] and stream not in self._watched:
            self._watched.add(stream)
            self._loop.write(self._outputs[stream], lambda: self._on_writable(stream))
        elif not self._waiting[stream] and stream in self._watched:
            self._watched.discard(stream)
            self._loop.unwatch(self._outputs[stream])

    def _on_writable(self, stream: str) -> None:
        self._flush(stream)
        self._taken()

    def _drop(self, stream: str) -> None:
        fd = self._outputs.pop(stream)
        self._waiting[stream].clear()
        if stream in self._watched:
            self._watched.discard(stream)
            self._loop.unwatch(fd)
        with contextlib.suppress(OSError):
            os.close(fd)
        self._check_finished()

    def _check_finished(self) -> None:
        if self._finishing and not self.waiting_bytes:
            self._finishing = False
            self._finished()
