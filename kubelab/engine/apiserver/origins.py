"""Which Host and Origin a request may name: a page of another site must not reach the cluster.

A foreign site can point its own name at 127.0.0.1 (DNS rebinding); the browser then sends that name.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from kubelab.engine.apiserver.status import failure

_NAMES = frozenset(
    {
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "10.96.0.1",
    }
)
_MOST_REMEMBERED = 64


class Origins:
    """Checks headers, and remembers the good ones."""

    def __init__(self) -> None:
        self._known_hosts: set[bytes] = set()

    def check(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Refuse a request, or a WebSocket handshake, whose Host or Origin is not this machine's.

        Raises
        ------
        ApiError
            403 that names the header.
        """
        for name, value in headers:
            if name == b"host":
                if value not in self._known_hosts:
                    self._check_host(value)
            elif name == b"origin" and not _is_own(value.decode("latin-1").partition("://")[2]):
                raise _refusal("Origin", value)

    def _check_host(self, value: bytes) -> None:
        if not _is_own(value.decode("latin-1")):
            raise _refusal("Host", value)
        if len(self._known_hosts) < _MOST_REMEMBERED:
            self._known_hosts.add(value)


def _is_own(netloc: str) -> bool:
    try:
        host = (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
        return host in _NAMES or ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(header: str, value: bytes) -> Exception:
    message = (
        f"{header} {value.decode('latin-1')!r} is not this server's: "
        "reach it as 127.0.0.1, localhost or kubernetes.default.svc"
    )
    return failure(403, "Forbidden", message, {})
