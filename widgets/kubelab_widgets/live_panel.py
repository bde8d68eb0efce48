"""What panels of live state share: messages to and from the page, and one slow action at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import traitlets

from kubelab import portal
from kubelab.errors import KubelabError
from kubelab.live import Throttle
from kubelab_widgets.outbox import Outbox
from kubelab_widgets.panel import Panel

Notice = dict[str, Any]
"""What the page says in words: ``text``, and where they apply ``level`` and ``field``."""


class LivePanel(Panel):
    """A panel that sends what changed to its page, and does on a thread what the page asks for.

    Subclasses give `prepare`, `act`, `done` and `detach`. All but `prepare` run on the portal's loop.
    """

    initial = traitlets.Dict().tag(sync=True)

    def __init__(self) -> None:
        self._outbox = Outbox()
        self._action: threading.Thread | None = None
        self._unanswered = False
        self._throttle = Throttle(self._flush)
        self.prepare()
        super().__init__(initial=self._outbox.sections)
        self.on_msg(self._receive)

    def prepare(self) -> None:
        """Begin to watch, and put what the page shows first into the outbox."""
        raise NotImplementedError

    def act(self, message: dict[str, Any]) -> None:
        """Do what the page asks for; what takes long goes through `begin`."""
        raise NotImplementedError

    def done(self, result: object) -> Notice | None:
        """Go on after an action that succeeded; return what to say about it, if anything."""
        raise NotImplementedError

    async def detach(self) -> None:
        """Stop watching."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stop watching; what is shown goes on."""
        self.join()
        portal.run(self._stop())

    def join(self) -> None:
        """Wait for an action under way."""
        action = self._action
        if action is not None:
            action.join()

    def begin(self, verb: str, work: Callable[[], object]) -> None:
        """Run something slow on a thread of its own; one thing at a time."""
        if self._action is not None:
            return
        self._outbox.put(busy=verb, notice=None)
        self._action = threading.Thread(
            target=self._work, args=(work,), name=f"kubelab panel {verb}", daemon=True
        )
        self._action.start()

    def notice_of(self, error: Exception) -> Notice:
        """Return what to say about an action that failed."""
        if isinstance(error, KubelabError):
            return {"text": str(error)}
        return {"text": f"{type(error).__name__}: {error}"}

    def answered(self, name: str, *, yes: bool) -> None:
        """Say that the API server has not answered, and take it back once it has."""
        if not yes:
            text = f"no answer about {name} from the API server yet; still trying."
            self._outbox.put(notice={"text": text})
        elif self._unanswered:
            self._outbox.put(notice=None)
        self._unanswered = not yes

    def update(self) -> None:
        """Send what is new, soon."""
        self._throttle.request()

    def _receive(self, _widget: object, message: dict[str, Any], _buffers: object) -> None:
        """Take a message from the page, on whatever thread it came: only pass it on."""
        portal.loop().call_soon_threadsafe(self._act, message)

    def _act(self, message: dict[str, Any]) -> None:
        if not self._closed:
            self.act(message)
            self.update()

    def _work(self, work: Callable[[], object]) -> None:
        """Do it (on the thread), and tell the loop how it went."""
        result: object = None
        notice: Notice | None = None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - errors in a widget's callback are shown nowhere else
            notice = self.notice_of(error)
        portal.loop().call_soon_threadsafe(self._done, result, notice)

    def _done(self, result: object, notice: Notice | None) -> None:
        self._action = None
        if notice is None and not self._closed:
            notice = self.done(result)
        self._outbox.put(busy=None, notice=notice)
        self.update()

    async def _stop(self) -> None:
        self._throttle.cancel()
        await self.detach()

    def _flush(self) -> None:
        message = self._outbox.take() if self.comm is not None else None
        if message is not None:
            content, buffers = message
            self.send(content, buffers)
