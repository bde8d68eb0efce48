"""Strategic merge patch: a merge patch that knows which lists are sets or keyed, and has directives.

The rules are those of apimachinery's ``pkg/util/strategicpatch`` (Kubernetes 1.37): ``$patch: replace`` and
``delete``, ``$retainKeys``, ``$deleteFromPrimitiveList/<field>`` and ``$setElementOrder/<field>``.
"""

from __future__ import annotations

from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.patches import rejected
from kubelab.engine.apiserver.schemas import Schema
from kubelab.engine.apiserver.status import bad_request, failure

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_DELETE = "$deleteFromPrimitiveList"
_ORDER = "$setElementOrder"


def strategic_merge_patch(obj: Object, patch: Any, schema: Schema) -> Object:
    """Apply a strategic merge patch to an object of a built-in kind.

    Parameters
    ----------
    obj : dict
        The object; left as it is.
    patch : dict
        What to change, with directives.
    schema : Schema
        The structure of the kind, which says how each list merges.

    Raises
    ------
    ApiError
        400 for a malformed directive or a list item without its merge key (upstream answers some of these
        with a 500), 422 for a patch of the wrong shape.
    """
    if not isinstance(patch, dict):
        raise rejected("the patch is not an object")
    return _merge_object(obj, patch, schema)


def _merge_object(original: Object, patch: Object, schema: Schema | None) -> Object:
    directive = patch.get(_PATCH)
    if directive == "replace":
        return {key: _content(value) for key, value in patch.items() if _stays(key, value)}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise failure(500, "", f"unknown patch type: {directive} in map: {_go_map(patch)}")
    result = _retain(original, patch)
    orders = {key.partition("/")[2]: value for key, value in patch.items() if key.startswith(f"{_ORDER}/")}
    for field in orders.keys() - patch.keys():
        if field in result:
            _merge_field(result, field, [], schema, orders[field])
    for key, value in patch.items():
        prefix, _, field = key.partition("/")
        if prefix == _DELETE:
            removed = _list_of(value, field)
            result[field] = [item for item in result.get(field) or [] if item not in removed]
        elif not key.startswith("$"):
            _merge_field(result, key, value, schema, orders.get(key))
    return result


def _merge_field(result: Object, key: str, value: Any, parent: Schema | None, order: Any) -> None:
    original = result.get(key)
    if not _stays(key, value):
        result.pop(key, None)
    elif isinstance(value, dict) and isinstance(original, dict):
        result[key] = _merge_object(original, value, parent.child(key) if parent else None)
    elif isinstance(value, list) and isinstance(original, list):
        named = value if order is None else _list_of(order, key)
        result[key] = _merge_list(original, value, parent.child(key) if parent else None, named)
    else:
        result[key] = _content(value)


def _merge_list(original: list[Any], patch: list[Any], schema: Schema | None, order: list[Any]) -> list[Any]:
    if any(isinstance(item, list) for item in patch):
        raise rejected("lists of lists are not supported")
    if schema is None or "merge" not in schema.patch_strategies:
        return [_content(item) for item in patch if _stays("", item)]
    if not all(isinstance(item, dict) for item in [*original, *patch]):
        return _in_order(_distinct([*original, *patch]), original, order, "")
    if any(item.get(_PATCH) == "replace" for item in patch):
        return [_content(item) for item in patch if item.get(_PATCH) != "replace"]
    key = schema.merge_key
    _check_items(patch, order, key)
    return _in_order(_merge_items(original, patch, schema), original, order, key)


def _merge_items(original: list[Object], patch: list[Object], schema: Schema) -> list[Object]:
    """Merge a keyed list: deletions first, known items change in place, new ones are appended."""
    key = schema.merge_key
    deleted = [change[key] for change in patch if change.get(_PATCH) == "delete"]
    result = [item for item in original if item.get(key) not in deleted]
    for change in patch:
        if change.get(_PATCH) == "delete":
            continue
        place = next((i for i, item in enumerate(result) if item.get(key) == change[key]), None)
        if place is None:
            result.append(_merge_object({}, change, schema.items))
        else:
            result[place] = _merge_object(result[place], change, schema.items)
    return result


def _distinct(items: list[Any]) -> list[Any]:
    """Return a list of scalars, each once."""
    if any(isinstance(item, dict | list) for item in items):
        raise rejected("a list holds both objects and other values")
    return list(dict.fromkeys(items))


def _retain(original: Object, patch: Object) -> Object:
    """Return a copy of the object with only the fields that ``$retainKeys`` lists, if it is there."""
    if _RETAIN not in patch:
        return dict(original)
    keep = patch[_RETAIN]
    named = {key for key in patch if not key.startswith("$")}
    if not isinstance(keep, list) or not all(key in keep for key in named):
        raise bad_request("invalid patch format of retainKeys")
    return {key: value for key, value in original.items() if key in keep}


def _in_order(merged: list[Any], original: list[Any], order: list[Any], key: str) -> list[Any]:
    """Order a merged list: what the patch names goes by the patch, the rest keeps its place before it.

    An item that the patch adds comes before what only the server has, as upstream's mergeSortedSlice does.
    """
    names = [_name(item, key) for item in order]
    places = [_name(item, key) for item in original]
    named = sorted(
        (item for item in merged if _name(item, key) in names), key=lambda item: names.index(_name(item, key))
    )
    rest = [item for item in merged if _name(item, key) not in names]
    result: list[Any] = []
    for item in named:
        name = _name(item, key)
        while rest and name in places and places.index(_name(rest[0], key)) < places.index(name):
            result.append(rest.pop(0))
        result.append(item)
    return result + rest


def _check_items(patch: list[Object], order: list[Any], key: str) -> None:
    """Refuse items without their key, and a ``$setElementOrder`` that does not follow the patch."""
    for item in patch:
        if item.get(key) is None:
            raise failure(500, "", f"map: {_go_map(item)} does not contain declared merge key: {key}")
    remaining = iter([_name(item, key) for item in order])
    changes = [item[key] for item in patch if item.get(_PATCH) != "delete"]
    if order is not patch and not all(name in remaining for name in changes):
        raise bad_request(f"The order in patch list:\n{patch}\n doesn't match {_ORDER} list:\n{order}\n")


def _name(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, dict) else item


def _list_of(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise bad_request(f"invalid patch format of primitive list: {field}")
    return value


def _content(value: Any) -> Any:
    """Return a value of the patch without directives and nulls, for where nothing was to merge with."""
    if isinstance(value, dict):
        return {key: _content(child) for key, child in value.items() if _stays(key, child)}
    if isinstance(value, list):
        return [_content(item) for item in value if _stays("", item)]
    return value


def _stays(key: str, value: Any) -> bool:
    deleted = isinstance(value, dict) and value.get(_PATCH) == "delete"
    return value is not None and not deleted and not key.startswith("$")


def _go_map(value: Object) -> str:
    return f"map[{' '.join(f'{key}:{value[key]}' for key in sorted(value))}]"
