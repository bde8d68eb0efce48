"""JSON patch (RFC 6902) and JSON merge patch (RFC 7386), with kube-apiserver's errors.

Neither function changes its arguments. A merged document shares what did not change with the old one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson

from kubelab.client import Object
from kubelab.engine.apiserver.integers import IntegerError, parse_int
from kubelab.engine.apiserver.status import bad_request, failure
from kubelab.errors import ApiError

MAX_OPERATIONS = 10_000  # maxJSONPatchOperations in apiserver/pkg/endpoints/handlers/patch.go
MAX_COPIED_BYTES = 3 * 1024 * 1024  # JSONPatchMaxCopyBytes in apiserver/pkg/server/config.go

_MISSING = "missing value"
_BAD_INDEX = "invalid index referenced"


class _DoesNotApplyError(Exception):
    """One operation cannot be carried out; the text is evanphx/json-patch v4's."""


class _Budget:
    """How much the copies of one patch may still add: each can double the document."""

    def __init__(self) -> None:
        self._copied_bytes = 0

    def copy(self, value: Any) -> Any:
        text = orjson.dumps(value)
        self._copied_bytes += len(text)
        if self._copied_bytes > MAX_COPIED_BYTES:
            raise _DoesNotApplyError(
                "Unable to complete the copy, the accumulated size increase of copy is "
                f"{self._copied_bytes}, exceeding the limit {MAX_COPIED_BYTES}"
            )
        return orjson.loads(text)


class _Target(NamedTuple):
    """The object or list that holds a location, and its key or index there."""

    container: Any
    key: str


def json_patch(obj: Object, operations: Any) -> Object:
    """Apply the operations of a JSON patch one after the other.

    Parameters
    ----------
    obj : dict
        The document; left as it is.
    operations : list of dict
        ``{"op", "path", "value" or "from"}`` each.

    Returns
    -------
    dict
        The patched document.

    Raises
    ------
    ApiError
        400 if it is not a patch, 413 if it has more than 10,000 operations,
        422 if an operation does not apply, a test fails or copies add more than 3 MiB; the cause says which
        and why.
    """
    if not isinstance(operations, list) or not all(isinstance(item, dict) for item in operations):
        problem = "json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"
        raise bad_request(f"error decoding patch: {problem}")
    if len(operations) > MAX_OPERATIONS:
        raise _too_large(len(operations))
    document, budget = _copy(obj), _Budget()
    for operation in operations:
        try:
            document = _apply(document, operation, budget)
        except _DoesNotApplyError as error:
            raise rejected(str(error)) from None
    if not isinstance(document, dict):
        raise bad_request("the patch leaves no object")
    return document


def merge_patch(obj: Object, patch: Any) -> Object:
    """Merge a patch into a document: objects member by member, null removes, all else replaces.

    Raises
    ------
    ApiError
        400 if the patch is not an object.
    """
    if not isinstance(patch, dict):
        kinds = {list: "array", str: "string", bool: "bool", int: "number", float: "number"}
        found = kinds.get(type(patch), "null")
        problem = f"json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding patch: {problem}")
    merged: Object = _merge(obj, patch)
    return merged


def rejected(detail: str) -> ApiError:
    """Return the error of a patch that does not fit the object (422), with the reason as its cause.

    kube-apiserver drops the reason and leaves only its general sentence.
    """
    cause = {"reason": "FieldValueInvalid", "message": detail, "field": "patch"}
    message = "the server rejected our request due to an error in our request"
    return failure(422, "Invalid", message, {"causes": [cause]})


def _too_large(count: int) -> ApiError:
    message = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {count}"
    return failure(413, "RequestEntityTooLarge", f"Request entity is too large: {message}")


def _merge(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged


def _apply(document: Any, operation: Object, budget: _Budget) -> Any:
    op = operation.get("op", "unknown")
    if op not in ("add", "remove", "replace", "move", "copy", "test"):
        raise _DoesNotApplyError(f"Unexpected kind: {op}")
    path = _pointer(operation, "path", op)
    if op == "test":
        return _test(document, path, operation.get("value"))
    if op == "remove":
        return _remove(document, path)
    if op == "replace":
        return _replace(document, path, _copy(operation.get("value")))
    if op == "add":
        return _add(document, path, _copy(operation.get("value")), op, f'missing path: "{path}"')
    return _transfer(document, op, path, _pointer(operation, "from", op), budget)


def _transfer(document: Any, op: str, path: str, source: str, budget: _Budget) -> Any:
    if op == "move" and path.startswith(f"{source}/"):
        raise _DoesNotApplyError(f"move operation does not apply: {path} lies in {source}")
    if op == "copy" and not source:
        return _add(document, path, budget.copy(document), op, f"missing destination path: {path}")
    target = _find(document, source)
    if target is None:
        raise _DoesNotApplyError(
            f"{op} operation does not apply: doc is missing from path: {source}: {_MISSING}"
        )
    missing = isinstance(target.container, dict) and target.key not in target.container
    try:
        value = None if missing and op == "copy" else _read(target)  # so does evanphx/json-patch
        if op == "move":
            document = _remove(document, source)
    except _DoesNotApplyError as error:
        raise _DoesNotApplyError(f"error in {op} for path: '{source}': {error}") from None
    return _add(
        document, path, value if op == "move" else budget.copy(value), op, f"missing destination path: {path}"
    )


def _add(document: Any, path: str, value: Any, op: str, missing: str) -> Any:
    if path == "":
        return value
    target = _find(document, path)
    if target is None:
        raise _DoesNotApplyError(f"{op} operation does not apply: doc is {missing}: {_MISSING}")
    container, key = target
    if isinstance(container, dict):
        container[key] = value
        return document
    try:
        place = len(container) if key == "-" else _index(key, len(container) + 1)
    except _DoesNotApplyError as error:
        raise _DoesNotApplyError(f"error in {op} for path: '{path}': {error}") from None
    container.insert(place, value)
    return document


def _remove(document: Any, path: str) -> Any:
    target = _find(document, path)
    if target is None:
        raise _DoesNotApplyError(
            f'remove operation does not apply: doc is missing path: "{path}": {_MISSING}'
        )
    container, key = target
    try:
        _read(target)
    except _DoesNotApplyError as error:
        problem = str(error).replace("unable to get", "Unable to remove")
        raise _DoesNotApplyError(f"error in remove for path: '{path}': {problem}") from None
    container.pop(_index(key, len(container)) if isinstance(container, list) else key)
    return document


def _replace(document: Any, path: str, value: Any) -> Any:
    if path == "":
        return value
    target = _find(document, path)
    if target is None:
        raise _DoesNotApplyError(f"replace operation does not apply: doc is missing path: {path}: {_MISSING}")
    container, key = target
    container[_index(key, len(container)) if isinstance(container, list) else key] = value
    return document


def _test(document: Any, path: str, expected: Any) -> Any:
    target = _find(document, path) if path else None
    if path and target is None:
        raise _DoesNotApplyError(f"test operation does not apply: is missing path: {path}: {_MISSING}")
    try:
        actual = _read(target) if target else document
    except _DoesNotApplyError as error:
        if _MISSING not in str(error):
            raise _DoesNotApplyError(f"error in test for path: '{path}': {error}") from None
        actual = None
    if not _equal(actual, expected):
        raise _DoesNotApplyError(f"testing value {path} failed: test failed")
    return document


def _copy(value: Any) -> Any:
    return orjson.loads(orjson.dumps(value))


def _equal(left: Any, right: Any) -> bool:
    """Compare as JSON does: 1 equals 1.0, but not true."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _read(target: _Target) -> Any:
    container, key = target
    if isinstance(container, list):
        return container[_index(key, len(container))]
    if key not in container:
        raise _DoesNotApplyError(f"unable to get nonexistent key: {key}: {_MISSING}")
    return container[key]


def _find(document: Any, path: str) -> _Target | None:
    if not path:
        return None
    *parents, last = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
    container = document
    for token in parents:
        try:
            container = _read(_Target(container, token))
        except (_DoesNotApplyError, TypeError):
            return None
    return _Target(container, last) if isinstance(container, dict | list) else None


def _index(token: str, size: int) -> int:
    """Return a list index; -1 means the last, as in evanphx/json-patch v4."""
    try:
        index = parse_int(token, "Atoi")
    except IntegerError as error:
        raise _DoesNotApplyError(str(error)) from None
    if not -size <= index < size:
        raise _DoesNotApplyError(f"Unable to access invalid index: {index}: {_BAD_INDEX}")
    return index + size if index < 0 else index


def _pointer(operation: Object, field: str, op: str) -> str:
    pointer = operation.get(field)
    if not isinstance(pointer, str):
        raise _DoesNotApplyError(f"{op} operation failed to decode {field}: {_MISSING}")
    if pointer and not pointer.startswith("/"):
        raise _DoesNotApplyError(
            f'{op} operation does not apply: doc is missing path: "{pointer}": {_MISSING}'
        )
    return pointer
