"""Speaking for others (``kubectl --as``): each thing that is claimed needs the verb ``impersonate`` on it.

Upstream: apiserver's ``pkg/endpoints/filters/impersonation``.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from kubelab.client import Resource
from kubelab.engine.apiserver.authorization import Authorizer, Question
from kubelab.engine.apiserver.requests import User
from kubelab.engine.apiserver.status import bad_request, forbidden

_AUTHENTICATION = "authentication.k8s.io"
_EXTRA = "impersonate-extra-"
_ACCOUNT = ("system", "serviceaccount")


class Impersonation:
    """From a request's user and headers to whom it is really for."""

    def __init__(self, authorizer: Authorizer) -> None:
        self.authorizer = authorizer

    def impersonated(self, user: User, headers: Iterable[tuple[bytes, bytes]]) -> User:
        """Return whom a user speaks for.

        Raises
        ------
        ApiError
            400 if no user is named, 403 if the user may not speak for one of them.
        """
        given = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
        names = [value for name, value in given if name == "impersonate-user"]
        groups = [value for name, value in given if name == "impersonate-group"]
        uids = [value for name, value in given if name == "impersonate-uid"]
        extra: dict[str, tuple[str, ...]] = {}
        for name, value in given:
            if name.startswith(_EXTRA):
                key = unquote(name.removeprefix(_EXTRA))
                extra[key] = (*extra.get(key, ()), value)
        if not names:
            raise bad_request("requested groups, uid or extra without impersonating a user")
        self._check_user(user, names[0])
        for group in groups:
            self._check(user, "", "groups", group)
        for uid in uids:
            self._check(user, _AUTHENTICATION, "uids", uid)
        for key, values in extra.items():
            for value in values:
                self._check(user, _AUTHENTICATION, "userextras", value, key)
        everybody = "system:unauthenticated" if names[0] == "system:anonymous" else "system:authenticated"
        claimed = groups or _groups_of(names[0])
        groups_of_all = tuple(dict.fromkeys((*claimed, everybody)))
        return User(names[0], groups_of_all, uids[0] if uids else "", extra)

    def _check_user(self, user: User, name: str) -> None:
        parts = tuple(name.split(":"))
        if len(parts) == 4 and parts[:2] == _ACCOUNT:
            self._check(user, "", "serviceaccounts", parts[3], namespace=parts[2])
        else:
            self._check(user, "", "users", name)

    def _check(
        self, user: User, group: str, plural: str, name: str, subresource: str = "", *, namespace: str = ""
    ) -> None:
        question = Question("impersonate", group, plural, subresource, namespace, name)
        if self.authorizer.decide(user, question)[0]:
            return
        asked = f"{plural}/{subresource}" if subresource else plural
        where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
        action = f'cannot impersonate resource "{asked}" in API group "{group}"'
        resource = Resource(group, "v1", plural, plural, namespaced=bool(namespace))
        raise forbidden(resource, name, f'User "{user.name}" {action} {where}')


def _groups_of(name: str) -> list[str]:
    """Return the groups that a service account is in by its name."""
    parts = tuple(name.split(":"))
    if parts[:2] == _ACCOUNT and len(parts) == 4:
        return ["system:serviceaccounts", f"system:serviceaccounts:{parts[2]}"]
    return []
