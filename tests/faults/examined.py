"""An API server in a process of its own, and one client that examines every answer it gets.

No 5xx that upstream would not give too, no answer without end, no refusal but a ``Status``, no traceback in
the server's log.
"""

from __future__ import annotations

import contextlib
import http.client
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tests.faults.test_journal_kill import SERVER

_PATIENCE_S = 60
_SLOW_S = 10
"""Slower than this nothing may be, on a machine that does other work too."""
_LIKE_UPSTREAM = (
    "resourceVersion should not be set on objects to be created",
    "failed to create typed patch object",
    "unknown patch type: ",
    "does not contain declared merge key",
    "strconv.ParseUint",
    "serves no logs",
)
"""What kube-apiserver answers with a 500 too."""


@dataclass(frozen=True)
class Answer:
    """What a request was answered with."""

    code: int
    body: bytes
    media: str = "application/json"

    @property
    def accepted(self) -> bool:
        return self.code < 300

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Tally:
    """How many requests of each verb were sent, and how many of them accepted."""

    sent: dict[str, int] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, verb: str, answer: Answer) -> None:
        self.sent[verb] = self.sent.get(verb, 0) + 1
        self.accepted[verb] = self.accepted.get(verb, 0) + answer.accepted

    def share(self, verb: str) -> float:
        return self.accepted.get(verb, 0) / max(self.sent.get(verb, 0), 1)

    def __str__(self) -> str:
        shares = ", ".join(f"{verb} {self.share(verb):.0%} of {self.sent[verb]:,}" for verb in self.sent)
        return f"{sum(self.sent.values()):,} requests in {self.seconds:.0f} s; accepted: {shares}"


class Examined:
    """A running server.

    Attributes
    ----------
    port : int
        Where it listens on 127.0.0.1.
    tally : Tally
        What was sent so far.
    """

    def __init__(self, folder: Path) -> None:
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SERVER, str(folder)], stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.ca = folder / "tls/ca.crt"
        self._context = ssl.create_default_context(cafile=str(self.ca))
        self._client = self.connect()
        self.tally = Tally()

    def connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=self._context, timeout=_PATIENCE_S)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        media: str = "application/json",
        *,
        verb: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request, and fail unless its answer is one that it may have."""
        raw = body if isinstance(body, bytes | None) else orjson.dumps(body)
        sent = {"Authorization": "Bearer secret", **(headers or {})}
        if media and body is not None:
            sent["Content-Type"] = media
        told, began = f"{method} {path} {sent} {(raw or b'')[:3000]!r}", time.monotonic()
        try:
            self._client.request(method, path, raw, sent)
            answer = self._client.getresponse()
            got = Answer(answer.status, answer.read(), answer.headers.get("Content-Type", ""))
        except (OSError, http.client.HTTPException) as error:
            self._client.close()
            raise AssertionError(f"{error!r} after {time.monotonic() - began:.0f} s for {told}") from error
        self.tally.add(verb or method, got)
        self.examine(got, time.monotonic() - began, told)
        return got

    def examine(self, answer: Answer, seconds: float, told: str) -> None:
        """Fail unless an answer is one that a client may get."""
        problem = problem_of(answer)
        assert not problem, f"{problem}: {answer.code} {answer.body[:500]!r} for {told}"
        assert seconds < _SLOW_S, f"answered {answer.code} after {seconds:.0f} s: {told}"

    def is_well(self) -> None:
        """Fail if the server no longer answers, or had an exception that nobody caught."""
        assert self.ask("GET", "/readyz", verb="readyz").code == 200
        assert self.process.poll() is None
        log = self._log.read_text(errors="replace")
        assert "Traceback" not in log, log[-5000:]

    def close(self) -> None:
        self._client.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def problem_of(answer: Answer) -> str:
    """Return what is wrong with an answer; empty if nothing is."""
    if answer.code < 400:
        return ""
    try:
        status = answer.json()
        well_formed = (status["kind"], status["status"], status["code"]) == ("Status", "Failure", answer.code)
    except (ValueError, TypeError, KeyError):
        return "the refusal is no Status"
    if not well_formed:
        return "the refusal is no Status of its code"
    message = status["message"]
    if answer.code >= 500 and status.get("reason") != "Timeout":
        return "" if any(text in message for text in _LIKE_UPSTREAM) else "a failure of the server's own"
    return ""


@contextlib.contextmanager
def examined(folder: Path) -> Iterator[Examined]:
    """Run a server, and see at the end that it is well."""
    server = Examined(folder)
    began = time.monotonic()
    try:
        yield server
        server.is_well()
    finally:
        server.tally.seconds = time.monotonic() - began
        server.close()
