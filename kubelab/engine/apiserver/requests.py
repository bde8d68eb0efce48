"""A request and its answer, the same over HTTP and in process."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import orjson

from kubelab.client import Object, Resource
from kubelab.engine.apiserver.integers import IntegerError, parse_int
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.status import failure, invalid
from kubelab.engine.apiserver.websocket import WebSocket

JSON = "application/json"
TRUE = ("1", "t", "T", "true", "TRUE", "True")
"""What Go's ``strconv.ParseBool`` takes for true."""


@dataclass(frozen=True, slots=True)
class User:
    """Who sends a request, as ``authentication.k8s.io/v1`` UserInfo describes them."""

    name: str
    groups: tuple[str, ...] = ("system:authenticated",)
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    audiences: tuple[str, ...] = ()


@dataclass(slots=True)
class Request:
    """One request; ``path`` is unescaped, names are not case-folded."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    user: User
    content_type: str = ""
    accept: str = ""
    user_agent: str = ""
    query_string: bytes = b""
    target: Target | None = None
    """What it is about, once that is known."""

    def values(self, name: str) -> tuple[str, ...]:
        """Return every value of a parameter that may be given several times, such as ``command``."""
        if not self.query_string:
            return (self.query[name],) if name in self.query else ()
        given = parse_qsl(self.query_string.decode("latin-1"), keep_blank_values=True)
        return tuple(value for key, value in given if key == name)

    def flag(self, name: str) -> bool:
        """Return whether a boolean parameter is set: to anything but ``false`` and ``0``, as upstream."""
        return name in self.query and self.query[name].lower() not in {"false", "0"}

    def integer(self, name: str) -> int | None:
        """Return an integer parameter, None if it is not given.

        Raises
        ------
        ApiError
            400 if it is not a number of 64 bits.
        """
        text = self.query.get(name)
        if text is None:
            return None
        try:
            return parse_int(text)
        except IntegerError as error:
            raise failure(400, "BadRequest", str(error)) from None


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about: a kind, and in it a namespace, an object, a subresource."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> Resource:
        """The kind's group, version and plural."""
        return self.kind.resource

    @property
    def key(self) -> tuple[str, str]:
        """The object's place in its collection."""
        return self.namespace, self.name


@dataclass(slots=True)
class Reply:
    """A whole answer, its body in one or more pieces."""

    status: int
    body: bytes = b""
    pieces: list[bytes] | None = None
    content_type: str = JSON
    warnings: tuple[str, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def whole(self) -> bytes:
        """Return the body in one piece."""
        return self.body if self.pieces is None else b"".join(self.pieces)


@dataclass(slots=True)
class Stream:
    """An answer that goes on: a watch or a log."""

    chunks: AsyncGenerator[bytes, None]
    content_type: str = JSON


@dataclass(slots=True)
class Upgrade:
    """An answer that needs a WebSocket.

    Attributes
    ----------
    protocols : tuple of str
        Subprotocols that are served.
    serve : callable
        Speaks with the client once one of them is agreed on.
    """

    protocols: tuple[str, ...]
    serve: Callable[[WebSocket], Awaitable[None]]


Answer = Reply | Stream | Upgrade


def reply(document: Object, status: int = 200, warnings: tuple[str, ...] = ()) -> Reply:
    """Return a JSON answer."""
    return Reply(status, orjson.dumps(document), warnings=warnings)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One invalid field of a request's options."""

    reason: str
    message: str
    field: str


def invalid_options(kind: str, reason: str, field: str, message: str) -> Exception:
    """Return the 422 for a wrong query parameter, such as a bad ``propagationPolicy``."""
    options = Resource("meta.k8s.io", "v1", kind, kind)
    return invalid(options, "", [FieldError(reason, message, field)])
