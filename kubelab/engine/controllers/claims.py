"""Which objects a controller may call its own: adoption and release by label selector.

Upstream: ``BaseControllerRefManager.ClaimObject`` of ``pkg/controller/controller_ref_manager.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.engine.apiserver.validation.label_selectors import matches
from kubelab.engine.controllers.owners import controller_of

OWNER_OR_ORPHAN = "controller's uid, or namespace of an orphan"
"""The name of the index that `owner_or_orphan` gives the values of."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What is an owner's, what it should adopt, and what it should let go of."""

    own: tuple[Object, ...]
    adopt: tuple[Object, ...]
    release: tuple[Object, ...]


def claim(owner: Object, candidates: Iterable[Object]) -> Claims:
    """Sort candidates by who controls them and by the owner's selector."""
    own, adopt, release = [], [], []
    selector, deleting = owner["spec"].get("selector"), bool(owner["metadata"].get("deletionTimestamp"))
    uid = owner["metadata"]["uid"]
    for obj in candidates:
        reference = controller_of(obj)
        selected = selects(selector, obj["metadata"].get("labels") or {})
        if reference is not None and reference["uid"] == uid:
            if selected:
                own.append(obj)
            elif not deleting:
                release.append(obj)
        elif reference is None and selected and not deleting and not obj["metadata"].get("deletionTimestamp"):
            adopt.append(obj)
    return Claims(tuple(own), tuple(adopt), tuple(release))


def selects(selector: Object | None, labels: Mapping[str, str]) -> bool:
    """Say whether a ``LabelSelector`` selects an object with these labels; an empty one selects nothing."""
    if not selector:
        return False
    return bool(selector.get("matchLabels") or selector.get("matchExpressions")) and matches(selector, labels)


def owner_or_orphan(obj: Object) -> tuple[str, ...]:
    """Return the uid of an object's controller, or its namespace if it has none, as an index's values."""
    reference = controller_of(obj)
    return (reference["uid"],) if reference else (f"{obj['metadata']['namespace']}/",)
