"""From client-side to server-side apply: the annotation that ``kubectl apply`` leaves behind.

kubectl may change on the server side what its own client-side apply set before, without a conflict; upstream:
``lastappliedmanager.go`` and ``lastappliedupdater.go`` of apimachinery's ``pkg/util/managedfields``.
"""

from __future__ import annotations

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.conflicts import Conflict
from kubelab.engine.apiserver.fieldsets import FieldSet
from kubelab.engine.apiserver.merging import compare
from kubelab.engine.apiserver.schemas import Schema
from kubelab.engine.apiserver.typed import field_set

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER = "kubectl-client-side-apply"
_PATH = ("f:metadata", "f:annotations", f"f:{ANNOTATION}")


def fields(schema: Schema, live: Object) -> FieldSet:
    """Return what client-side apply set of a live object, the annotation with it.

    kubectl takes over the fields of the manager that has the annotation, and then gives up those that are not
    in its manifest: what the server or others set, such as a pod's node, must not be among them.
    """
    last = _last(live)
    return field_set(last, schema) | {_PATH} if last is not None else frozenset()


def explains(schema: Schema, live: Object, conflicts: list[Conflict]) -> bool:
    """Tell whether all conflicts are about what ``kubectl apply`` itself wrote before, on the client side."""
    last = _last(live)
    if last is None:
        return False
    change = compare(last, live, schema)
    own = field_set(last, schema) - change.modified - change.added - change.removed
    return all(item.path in own for item in conflicts)


def renew(obj: Object, applied: Object) -> None:
    """Keep the annotation of client-side apply up to date where there is one."""
    if not _text(obj):
        return
    text = orjson.dumps(applied, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    metadata = obj["metadata"]
    obj["metadata"] = {**metadata, "annotations": {**metadata["annotations"], ANNOTATION: text}}


def _last(obj: Object) -> Object | None:
    try:
        last = orjson.loads(_text(obj))
    except orjson.JSONDecodeError:
        return None
    return last if isinstance(last, dict) else None


def _text(obj: Object) -> str:
    return str(((obj.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION, ""))
