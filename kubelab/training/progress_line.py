"""The line that `TrainJob.wait` shows, rewritten in place: with a bar in a terminal, as text in a notebook.

Elsewhere, such as in a pipe, there is none.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Protocol, Self

from kubelab import clock

_MIN_INTERVAL_S = 0.1
_BAR_WIDTH = 24


class _Screen(Protocol):
    def show(self, text: str, done: float | None) -> None: ...

    def close(self) -> None: ...


class ProgressLine:
    """A line of text that changes in place; only the thread that waits writes it."""

    def __init__(self, *, shown: bool = True) -> None:
        self._screen = _screen() if shown else None
        self._text = ""
        self._at_s = 0.0

    def update(self, text: str, *, done: float | None = None, last: bool = False) -> None:
        """Show a text, at most ten times a second unless it is the last one.

        Parameters
        ----------
        text : str
            Where things stand.
        done : float, optional
            How much of it is done, from 0 to 1, where that is known.
        last : bool
            Whether nothing comes after it.
        """
        now_s = clock.monotonic()
        if self._screen is None or text == self._text or (now_s - self._at_s < _MIN_INTERVAL_S and not last):
            return
        self._text, self._at_s = text, now_s
        self._screen.show(text, done)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._screen is not None:
            self._screen.close()


class _Terminal:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        # Without auto_refresh rich starts no thread.
        self._live = Live(console=Console(), auto_refresh=False)
        self._live.start()

    def show(self, text: str, done: float | None) -> None:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        line = Table.grid(padding=(0, 1))
        bar = () if done is None else (ProgressBar(total=1.0, completed=done, width=_BAR_WIDTH),)
        line.add_row(*bar, Text(text))
        self._live.update(line, refresh=True)

    def close(self) -> None:
        self._live.stop()


class _Notebook:
    def __init__(self) -> None:
        self._display: Any = None

    def show(self, text: str, done: float | None) -> None:  # noqa: ARG002 - the text tells it too
        from IPython.display import display

        bundle = {"text/plain": text}
        if self._display is None:
            show: Any = display
            self._display = show(bundle, raw=True, display_id=True)
        else:
            self._display.update(bundle, raw=True)

    def close(self) -> None:
        self._display = None


def _screen() -> _Screen | None:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None and hasattr(shell, "kernel"):
        return _Notebook()
    return _Terminal() if sys.stdout.isatty() else None
