"""Who sends a request: the owner of the cluster's token, or a service account with a token of its own."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable

from kubelab.client import Resource
from kubelab.engine.apiserver.requests import User
from kubelab.engine.apiserver.status import bad_request, forbidden, unauthorized

_MASTERS = "system:masters"
_USERS = Resource("", "v1", "users", "User", namespaced=False)

ADMIN = User("kubernetes-admin", (_MASTERS, "system:authenticated"))
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
_OPEN_PATHS = ("/healthz", "/livez", "/readyz", "/version")


def in_process_user(name: str) -> User:
    """Return a part of the control plane, which may do everything."""
    return User(name, (_MASTERS, "system:authenticated"))


class Authenticator:
    """Reads Authorization headers.

    Parameters
    ----------
    token : str
        The administrator's bearer token.
    verify : callable
        From a service account token to its user; None if it is not valid.
    """

    def __init__(self, token: str, verify: Callable[[str], User | None]) -> None:
        self._admin = f"Bearer {token}".encode()
        self._token = token
        self._verify = verify

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
        elif not header and path.startswith(_OPEN_PATHS):
            return ANONYMOUS
        raise unauthorized()

    def impersonated(self, user: User, headers: Iterable[tuple[bytes, bytes]]) -> User:
        """Return whom an administrator speaks for (``kubectl --as``).

        Raises
        ------
        ApiError
            403 if the user may not speak for others.
        """
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        names = [value for name, value in given if name == "impersonate-user"]
        groups = [value for name, value in given if name == "impersonate-group"]
        if not names:
            raise bad_request("requested groups without impersonating a user")
        if _MASTERS not in user.groups:
            problem = (
                f'User "{user.name}" cannot impersonate resource "users" in API group "" at the cluster scope'
            )
            raise forbidden(_USERS, names[0], problem)
        return User(names[0], (*(groups or _groups_of(names[0])), "system:authenticated"))

    def of_token(self, token: str) -> User | None:
        """Return a token's user, or None if it is not valid."""
        if hmac.compare_digest(token.encode(), self._token.encode()):
            return ADMIN
        return self._verify(token)


def _groups_of(name: str) -> list[str]:
    """Return the groups that a service account is in by its name."""
    parts = name.split(":")
    if parts[:2] == ["system", "serviceaccount"] and len(parts) == 4:
        return ["system:serviceaccounts", f"system:serviceaccounts:{parts[2]}"]
    return []
