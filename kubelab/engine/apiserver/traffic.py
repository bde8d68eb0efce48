"""Requests, counted and timed under upstream's names.

Upstream: ``k8s.io/apiserver/pkg/endpoints/metrics`` (v0.37). Unlike there, a request that RBAC refuses is
counted too. What is the same for many requests is looked up once, by a key that costs little to make.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NamedTuple

from kubelab.clock import monotonic
from kubelab.engine.apiserver.requests import Request, Target
from kubelab.engine.measures import Counter, Histogram, Measures

_SECONDS = (0.001, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Fewer than upstream's, and one below its least: here most answers take less."""

_LABELS = ("verb", "dry_run", "group", "version", "resource", "subresource", "scope", "component")
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
_CONNECT = frozenset({"log", "exec", "attach", "portforward", "proxy"})
_PATHS = frozenset({"/healthz", "/livez", "/readyz", "/metrics", "/version"})
_APPLY = "application/apply-patch"
_KEYS_KEPT = 4096


class _Measured(NamedTuple):
    answers: Counter
    seconds: Histogram


class Traffic:
    """Measures what passes through the server.

    Attributes
    ----------
    reading, changing : int
        Requests under way that only look, and those that change something; answers that go on for long
        are in neither.
    """

    def __init__(self, measures: Measures) -> None:
        self.reading = 0
        self.changing = 0
        self._long: dict[tuple[str, ...], int] = {}
        self._known: dict[tuple[object, ...], _Measured] = {}
        self._answers = measures.counters(
            "apiserver_request_total",
            "Requests answered, by what they asked for and how.",
            (*_LABELS, "code"),
        )
        self._seconds = measures.histograms(
            "apiserver_request_duration_seconds",
            "Time from a request's arrival to its answer.",
            _SECONDS,
            _LABELS,
        )
        self.events = measures.counters(
            "apiserver_watch_events_total",
            "Events sent to clients that watch.",
            ("group", "version", "resource"),
        )
        measures.read(
            "gauge",
            "apiserver_current_inflight_requests",
            "Requests being answered now, without watches and logs.",
            ("request_kind",),
            lambda: [(("readOnly",), self.reading), (("mutating",), self.changing)],
        )
        measures.read(
            "gauge",
            "apiserver_longrunning_requests",
            "Watches and logs that are being followed now.",
            tuple(label for label in _LABELS if label != "dry_run"),
            lambda: list(self._long.items()),
        )

    def answered(self, request: Request, target: Target | None, status: int, began: float) -> None:
        """Count an answer, and its time since ``began``."""
        if target is None:
            key: tuple[object, ...] = (request.method, request.path in _PATHS and request.path, status)
        else:
            key = (
                request.method,
                target.kind,
                not target.namespace,
                not target.name,
                target.subresource,
                status,
                (request.query.get("watch"), request.query.get("dryRun")) if request.query else None,
                request.method == "PATCH" and request.content_type.startswith(_APPLY),
            )
        known = self._known.get(key)
        if known is None:
            known = self._learn(key, request, target, status)
        known.answers.value += 1
        known.seconds.observe(monotonic() - began)

    async def follow(
        self, request: Request, target: Target | None, chunks: AsyncGenerator[bytes, None], began: float
    ) -> AsyncGenerator[bytes, None]:
        """Pass on an answer that goes on; it is counted once it has ended."""
        verb, _, *others = _labels(request, target)
        labels = (verb, *others)
        self._long[labels] = self._long.get(labels, 0) + 1
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    yield chunk
        finally:
            self._long[labels] -= 1
            self.answered(request, target, 200, began)

    def _learn(
        self, key: tuple[object, ...], request: Request, target: Target | None, status: int
    ) -> _Measured:
        labels = _labels(request, target)
        if len(self._known) >= _KEYS_KEPT:
            self._known.clear()
        known = self._known[key] = _Measured(
            self._answers.of(*labels, str(status)), self._seconds.of(*labels)
        )
        return known


def _labels(request: Request, target: Target | None) -> tuple[str, ...]:
    """Return the values of a request's labels; none is a text of the client's choosing."""
    if target is None:
        path = request.path if request.path in _PATHS else ""
        return (_verb(request, "", ""), "", "", "", "", path, "", "" if path else "apiserver")
    resource = target.resource
    scope = _scope(request, target)
    return (
        _verb(request, scope, target.subresource),
        _dry_run(request),
        resource.group,
        resource.version,
        resource.plural,
        target.subresource,
        scope,
        "apiserver",
    )


def _scope(request: Request, target: Target) -> str:
    if target.name or request.method == "POST":
        return "resource"
    return "namespace" if target.namespace else "cluster"


def _verb(request: Request, scope: str, subresource: str) -> str:
    method = request.method
    if subresource in _CONNECT:
        return "CONNECT"
    if method in {"GET", "HEAD"}:
        if scope and request.flag("watch"):
            return "WATCH"
        return "LIST" if scope in {"namespace", "cluster"} else "GET"
    if method == "PATCH" and request.content_type.startswith(_APPLY):
        return "APPLY"
    return method if method in _METHODS else "other"


def _dry_run(request: Request) -> str:
    asked = request.query.get("dryRun", "")
    return asked if asked in {"", "All"} else "invalid"
