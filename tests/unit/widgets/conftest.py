"""A page that only listens: what widgets would send over their comms is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import comm
import ipywidgets
import pytest
from comm.base_comm import BaseComm

from kubelab import clock, portal


class RecordedComm(BaseComm):
    """A comm without a page."""

    def __init__(self, page: Page, **options: Any) -> None:
        self.page = page
        super().__init__(**options)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        self.page.record(msg_type, data or {}, buffers or [])


class Page:
    """The messages of all comms, in order."""

    def __init__(self) -> None:
        self.opened: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        self.buffers: list[list[bytes]] = []
        self.times_s: list[float] = []
        self.closed = 0

    def record(self, msg_type: str, data: dict[str, Any], buffers: list[bytes]) -> None:
        if msg_type == "comm_open":
            self.opened.append(data)
        elif msg_type == "comm_close":
            self.closed += 1
        elif data.get("method") == "custom":
            self.updates.append(data["content"])
            self.buffers.append(buffers)
            self.times_s.append(clock.monotonic())

    def sections(self) -> dict[str, Any]:
        """What a page would show now."""
        shown: dict[str, Any] = {}
        for update in self.updates:
            shown.update(update.get("sections", {}))
        return shown

    def log(self) -> list[str]:
        lines: list[str] = []
        for update in self.updates:
            part = update.get("log")
            if part:
                lines = [*([] if part["reset"] else lines), *part["lines"]]
        return lines


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    recorded = Page()
    monkeypatch.setattr(comm, "create_comm", lambda **options: RecordedComm(recorded, **options))
    yield recorded
    ipywidgets.Widget.close_all()


@pytest.fixture
def say() -> Callable[..., None]:
    """Speak to a panel as its page does."""

    def send(panel: ipywidgets.Widget, **message: Any) -> None:
        panel._handle_custom_msg(message, [])
        portal.run(_turn())

    return send


async def _turn() -> None:
    """Let the loop take what was put on it."""
