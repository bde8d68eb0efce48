"""Conflicts of server-side apply: fields that other managers have, in upstream's words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from kubelab.engine.apiserver.fieldsets import Path, describe
from kubelab.engine.apiserver.managedfields import Manager
from kubelab.engine.apiserver.status import failure
from kubelab.errors import ConflictError


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that another manager has, and that this apply would change."""

    manager: Manager
    path: Path

    @property
    def owner(self) -> str:
        """The other manager, as messages name it."""
        name = f'"{self.manager.name}"'
        if self.manager.subresource:
            name += f' with subresource "{self.manager.subresource}"'
        return name if self.manager.applies else f"{name} using {self.manager.api_version}"


class ApplyConflict(ConflictError):  # noqa: N818 - upstream calls it so
    """Other managers have fields that this apply would change (409).

    Attributes
    ----------
    conflicts : list of Conflict
        Each field and who has it.
    """

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts = sorted(conflicts, key=lambda item: (item.owner, item.path))
        causes = [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {item.owner}",
                "field": describe(item.path),
            }
            for item in self.conflicts
        ]
        message = _message(self.conflicts)
        super().__init__(failure(409, "Conflict", message, {"causes": causes}).status)


def _message(conflicts: list[Conflict]) -> str:
    if len(conflicts) == 1:
        only = conflicts[0]
        return f"Apply failed with 1 conflict: conflict with {only.owner}: {describe(only.path)}"
    lines: list[str] = []
    for owner, group in groupby(conflicts, key=lambda item: item.owner):
        lines += [f"conflicts with {owner}:", *(f"- {describe(item.path)}" for item in group)]
    return f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
