"""ControllerRevisions: the templates that a DaemonSet or StatefulSet had, for history and undo.

Upstream: ``pkg/controller/history`` and the ``constructHistory`` of the DaemonSet controller.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from kubelab.client import CONTROLLER_REVISIONS, Object, Resource
from kubelab.engine.controllers.hashing import template_hash
from kubelab.engine.controllers.owners import owner_reference

HASH_LABEL = "controller-revision-hash"
_LONGEST_PREFIX = 223


@dataclass(frozen=True, slots=True)
class History:
    """An owner's revisions, and the step that brings them up to date.

    Attributes
    ----------
    current : Object or None
        The revision of the template as it is; None if it is yet to be created.
    create : Object or None
        The revision to create.
    renumber : int or None
        The number that ``current`` should have: an older template that is in use again.
    old : tuple of Object
        The others, oldest first.
    """

    current: Object | None
    create: Object | None
    renumber: int | None
    old: tuple[Object, ...]


def history_of(
    owner: Object, resource: Resource, revisions: Iterable[Object], hash_label: str = HASH_LABEL
) -> History:
    """Compare an owner's template with its revisions; a new one gets its hash as a label."""
    listed = sorted(revisions, key=_age)
    data = snapshot(owner["spec"]["template"])
    same = [each for each in listed if each["data"] == data]
    current = same[-1] if same else None
    old = tuple(each for each in listed if each is not current)
    number = max((int(each["revision"]) for each in old), default=0) + 1
    if current is None:
        return History(None, build(owner, resource, number, hash_label), None, old)
    return History(current, None, number if int(current["revision"]) < number else None, old)


def snapshot(template: Object) -> Object:
    """Return what a revision keeps: a strategic merge patch that brings the template back."""
    kept = {key: value for key, value in template.items() if value is not None}
    return {"spec": {"template": {**kept, "$patch": "replace"}}}


def template_of(revision: Object) -> Object:
    """Return the template that a revision keeps."""
    kept = revision["data"]["spec"]["template"]
    return {key: copy.deepcopy(value) for key, value in kept.items() if key != "$patch"}


def build(owner: Object, resource: Resource, number: int, hash_label: str) -> Object:
    """Return the revision of an owner's template."""
    meta, template = owner["metadata"], owner["spec"]["template"]
    digest = template_hash(template, (owner.get("status") or {}).get("collisionCount"))
    labels = {**((template.get("metadata") or {}).get("labels") or {}), hash_label: digest}
    annotations = {"annotations": dict(meta["annotations"])} if meta.get("annotations") else {}
    return {
        "apiVersion": CONTROLLER_REVISIONS.api_version,
        "kind": CONTROLLER_REVISIONS.kind,
        "metadata": {
            "name": f"{meta['name'][:_LONGEST_PREFIX]}-{digest}",
            "namespace": meta["namespace"],
            "labels": labels,
            **annotations,
            "ownerReferences": [owner_reference(owner, resource)],
        },
        # A copy by way of JSON: what is stored is compared with what it is read back as.
        "data": orjson.loads(orjson.dumps(snapshot(template))),
        "revision": number,
    }


def beyond_limit(owner: Object, old: Sequence[Object], live: Iterable[str]) -> tuple[Object, ...]:
    """Return the oldest revisions beyond ``revisionHistoryLimit``.

    Parameters
    ----------
    old : sequence of ControllerRevisions
        Oldest first.
    live : iterable of str
        Names or hashes of revisions that a pod still has: those stay.
    """
    in_use = frozenset(live)
    unused = [
        each
        for each in old
        if each["metadata"]["name"] not in in_use and each["metadata"]["labels"].get(HASH_LABEL) not in in_use
    ]
    limit = int(owner["spec"].get("revisionHistoryLimit", 10))
    return tuple(unused[: max(0, len(unused) - limit)])


def _age(revision: Object) -> tuple[int, str, str]:
    meta = revision["metadata"]
    return int(revision["revision"]), meta["creationTimestamp"], meta["name"]
