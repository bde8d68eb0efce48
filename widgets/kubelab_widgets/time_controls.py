"""`TimeControls`: play, pause and step through a simulated cluster's time, for every panel that shows it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from kubelab import Cluster, clock
from kubelab.clock import rfc3339
from kubelab.simulated_cluster import SimulatedCluster

_TICK_S = 0.1
_CHUNK_S = 60.0
"""Of virtual time; a pause takes effect after at most so much of it."""

SPEEDS = (60, 600, 3600, 21600)
"""Virtual seconds a second."""


class TimeControls:
    """Lets a simulated cluster's time pass on a thread, which is there only while it does.

    Its state is told to listeners, on that thread or the caller's: they only pass it on.

    Attributes
    ----------
    speed : int
        Virtual seconds that pass in one second, as long as the machine keeps up.
    step_s : int
        Virtual seconds of one step.
    """

    def __init__(self, cluster: SimulatedCluster) -> None:
        self._cluster = weakref.proxy(cluster)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._listeners: list[Callable[[Exception | None], None]] = []
        self.speed = 600
        self.step_s = 60

    @property
    def playing(self) -> bool:
        """Whether time is to go on by itself."""
        return self._wanted.is_set()

    def state(self) -> dict[str, Any]:
        """Return what a page shows of it."""
        return {
            "now": rfc3339(self._cluster.now),
            "playing": self.playing,
            "speed": self.speed,
            "step_s": self.step_s,
            "speeds": list(SPEEDS),
        }

    def listen(self, listener: Callable[[Exception | None], None]) -> None:
        """Have it called when the state changes, with what went wrong or None."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Exception | None], None]) -> None:
        """Call it no more; when nobody listens, time stands still."""
        if listener in self._listeners:
            self._listeners.remove(listener)
        if not self._listeners:
            self.pause()

    def play(self, speed: int | None = None) -> None:
        """Let time go on until `pause`."""
        self.speed = speed or self.speed
        self._wanted.set()
        self._begin()

    def pause(self) -> None:
        """Let time stand still, after the chunk that is under way."""
        self._wanted.clear()
        self._tell()

    def step(self, seconds: int | None = None) -> None:
        """Let one step pass; nothing happens while time goes on already."""
        self.step_s = seconds or self.step_s
        if not self.playing:
            self._begin(self.step_s)

    def join(self) -> None:
        """Wait until no time passes; only after a pause or a step does it end."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def _begin(self, once_s: float = 0) -> None:
        with self._lock:
            if self._thread is not None:
                return
            self._thread = threading.Thread(
                target=self._pass, args=(once_s,), name="kubelab time", daemon=True
            )
            self._thread.start()

    def _pass(self, once_s: float) -> None:
        """Let time pass (on the thread)."""
        error: Exception | None = None
        try:
            if once_s:
                self._cluster.run(seconds=once_s)
            while not self._ended():
                self._tick()
        except Exception as raised:  # noqa: BLE001 - on a thread nobody else sees it; the panel shows it
            error = raised
            self._wanted.clear()
            self._thread = None
        self._tell(error)

    def _ended(self) -> bool:
        """Say whether to stop; whoever asks to play after that begins a new thread."""
        with self._lock:
            if not self._wanted.is_set():
                self._thread = None
            return self._thread is None

    def _tick(self) -> None:
        began, left_s = clock.monotonic(), self.speed * _TICK_S
        while left_s > 0 and self._wanted.is_set():
            self._cluster.run(seconds=min(left_s, _CHUNK_S))
            left_s -= _CHUNK_S
            if clock.monotonic() - began > _TICK_S:  # it cannot keep up: be seen and heard all the same
                break
        self._tell()
        threading.Event().wait(max(_TICK_S - (clock.monotonic() - began), 0.005))

    def _tell(self, error: Exception | None = None) -> None:
        for listener in list(self._listeners):
            listener(error)


_known: weakref.WeakKeyDictionary[SimulatedCluster, TimeControls] = weakref.WeakKeyDictionary()


def controls_of(cluster: Cluster) -> TimeControls | None:
    """Return the one set of controls of a simulated cluster; None where time goes by itself."""
    if not isinstance(cluster, SimulatedCluster):
        return None
    return _known.setdefault(cluster, TimeControls(cluster))
