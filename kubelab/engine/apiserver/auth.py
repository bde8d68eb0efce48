"""Who sends a request: the owner of the cluster's token, a service account, or a user with a token."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from kubelab.engine.apiserver.requests import User
from kubelab.engine.apiserver.status import unauthorized

_MASTERS = "system:masters"

ADMIN = User("kubernetes-admin", (_MASTERS, "system:authenticated"))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
_OPEN = frozenset({"healthz", "livez", "readyz", "version"})
"""First parts of the paths that upstream's ``system:public-info-viewer`` lets anybody read."""


def in_process_user(name: str) -> User:
    """Return a part of the control plane, which may do everything."""
    return User(name, (_MASTERS, "system:authenticated"))


class Authenticator:
    """Reads Authorization headers.

    Parameters
    ----------
    token : str
        The administrator's bearer token.
    verifiers : callable
        From another token to its user, or None if it is not one that they know; asked in turn.
    """

    def __init__(self, token: str, *verifiers: Callable[[str], User | None]) -> None:
        self._admin = f"Bearer {token}".encode()
        self._token = token
        self._verifiers = verifiers

    def user(self, header: bytes, path: str) -> User:
        """Return who a request with this header is from.

        Raises
        ------
        ApiError
            401 if it cannot be told.
        """
        if hmac.compare_digest(header, self._admin):
            return ADMIN
        scheme, _, token = header.partition(b" ")
        if scheme.lower() == b"bearer":
            user = self.of_token(token.strip().decode("latin-1"))
            if user is not None:
                return user
        elif not header and path[1:].partition("/")[0] in _OPEN:
            return ANONYMOUS
        raise unauthorized()

    def of_token(self, token: str) -> User | None:
        """Return a token's user, or None if it is not valid."""
        if hmac.compare_digest(token.encode(), self._token.encode()):
            return ADMIN
        return next((user for verify in self._verifiers if (user := verify(token)) is not None), None)
