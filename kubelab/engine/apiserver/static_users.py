"""Users with tokens of their own, from a file: what upstream reads with ``--token-auth-file``.

Each line is ``token,user,uid,"group1,group2"``; uid and groups may be left out. The file is read again when
it has changed, so that a user can be added to a running cluster.
"""

from __future__ import annotations

import csv
import hmac
from pathlib import Path

from kubelab.engine.apiserver.requests import User

_AUTHENTICATED = "system:authenticated"


class StaticUsers:
    """The users of ``users.csv`` in the cluster's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int] | None = None
        self._users: dict[bytes, User] = {}

    def verify(self, token: str) -> User | None:
        """Return whose token it is, or None."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        if self._seen != (status.st_mtime_ns, status.st_size):
            self._users = _read(self.path)
            self._seen = (status.st_mtime_ns, status.st_size)
        given = token.encode()
        return next((user for own, user in self._users.items() if hmac.compare_digest(own, given)), None)


def _read(path: Path) -> dict[bytes, User]:
    users: dict[bytes, User] = {}
    with path.open(newline="") as file:
        for row in csv.reader(file):
            if len(row) < 2 or not row[0].strip() or row[0].startswith("#"):
                continue
            token, name, uid, groups = (*(cell.strip() for cell in row[:4]), "", "")[:4]
            named = tuple(group.strip() for group in groups.split(",") if group.strip())
            users[token.encode()] = User(name, (*named, _AUTHENTICATED), uid)
    return users
