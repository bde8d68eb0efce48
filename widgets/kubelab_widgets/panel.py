"""What every panel shares: its life from the cell that makes it to the one that closes it."""

from __future__ import annotations

import weakref
from html import escape
from types import TracebackType
from typing import Any, Self

import anywidget

Cell = tuple[str, int] | None
"""The cell that is running, by its id, and its execution count."""


class Panel(anywidget.AnyWidget):
    """A widget that replaces itself when its cell runs again, and that `close` removes entirely.

    Subclasses give ``_esm`` and ``_css`` as text, `describe` and `fallback`, and stop what they
    started in `stop`.
    """

    _closed = True
    """Until it is made: one whose options were refused has nothing to close."""

    def __init__(self, **traits: Any) -> None:
        self._closed = False
        self.made_in = running_cell()
        super().__init__(**traits)
        _replace(self)

    def describe(self) -> str:
        """Return what stands between the brackets of the repr; the same in every run."""
        raise NotImplementedError

    def fallback(self) -> str:
        """Return HTML that shows the panel's state where no kernel is: reports, saved notebooks."""
        return f"<p>{escape(repr(self))}</p>"

    def stop(self) -> None:
        """Stop watching and let go of threads; called once."""

    def close(self) -> None:
        """Remove the panel from the page and from memory; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        _open.discard(self)
        self.stop()
        layout = self.layout
        super().close()
        layout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.describe()}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        return {**data, "text/plain": repr(self), "text/html": self.fallback()}, metadata


_open: weakref.WeakSet[Panel] = weakref.WeakSet()


def open_panels() -> list[Panel]:
    """Return the panels that are not closed."""
    return list(_open)


def _replace(panel: Panel) -> None:
    """Close what an earlier run of the same cell made: output that a new run has wiped away."""
    made_in = panel.made_in
    if made_in is not None:
        for other in open_panels():
            if other.made_in and other.made_in[0] == made_in[0] and other.made_in[1] != made_in[1]:
                other.close()
    _open.add(panel)


def running_cell() -> Cell:
    """Return which cell is running, where the front-end says so (JupyterLab and nbclient do)."""
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    request = getattr(shell, "parent_header", None)
    if shell is None or not request:
        return None
    cell = (request.get("metadata") or {}).get("cellId")
    return (str(cell), int(shell.execution_count)) if cell else None
