"""Reasons why a field is not valid, worded as apimachinery's ``util/validation/field`` words them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Cause:
    """One invalid field.

    Attributes
    ----------
    reason : str
        ``FieldValueInvalid``, ``FieldValueRequired`` and so on.
    message : str
        Upstream's sentence, without the path.
    field : str
        Path of the field, such as ``spec.containers[0].name``.
    """

    reason: str
    message: str
    field: str


def invalid(field: str, value: Any, detail: str) -> Cause:
    """Return a cause for a value that breaks a rule."""
    return Cause("FieldValueInvalid", _with_detail(f"Invalid value: {shown(value)}", detail), field)


def required(field: str, detail: str = "") -> Cause:
    """Return a cause for a field that must be there."""
    return Cause("FieldValueRequired", _with_detail("Required value", detail), field)


def forbidden(field: str, detail: str) -> Cause:
    """Return a cause for a field that may not be there, or not change."""
    return Cause("FieldValueForbidden", _with_detail("Forbidden", detail), field)


def invalid_whole(field: str, detail: str) -> Cause:
    """Return the cause for a structure that is not shown (upstream: ``field.OmitValueType``)."""
    return Cause("FieldValueInvalid", f"Invalid value: {detail}", field)


def duplicate(field: str, value: Any) -> Cause:
    """Return a cause for the second of two values that must differ."""
    return Cause("FieldValueDuplicate", f"Duplicate value: {shown(value)}", field)


def not_found(field: str, value: Any) -> Cause:
    """Return a cause for a reference to what is not in the object."""
    return Cause("FieldValueNotFound", f"Not found: {shown(value)}", field)


def not_supported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """Return a cause for a value outside an enumeration."""
    listed = ", ".join(quoted(item) for item in supported)
    message = f"Unsupported value: {shown(value)}: supported values: {listed}"
    return Cause("FieldValueNotSupported", message, field)


def too_long(field: str, maximum: int) -> Cause:
    """Return a cause for text of more than so many bytes."""
    return Cause("FieldValueTooLong", f"Too long: may not be more than {maximum} bytes", field)


def too_many(field: str, actual: int, maximum: int) -> Cause:
    """Return a cause for a list with too many items."""
    items = "item" if maximum == 1 else "items"
    message = f"Too many: {actual}: must have at most {maximum} {items}"
    return Cause("FieldValueTooMany", message, field)


def wrong_type(field: str, value: Any, detail: str) -> Cause:
    """Return a cause for a value of another type than a CRD's schema asks for."""
    return Cause("FieldValueTypeInvalid", f"Invalid value: {shown(value)}: {detail}", field)


def shown(value: Any) -> str:
    """Return a value as upstream prints it: Go's ``%q`` for strings, JSON for structures."""
    if value is None:
        return "null"
    return quoted(value) if isinstance(value, str) else orjson.dumps(value).decode()


def quoted(text: str) -> str:
    """Return text in double quotes, escaped as JSON does (which is Go's ``%q`` for printable text)."""
    return orjson.dumps(text).decode()


def _with_detail(message: str, detail: str) -> str:
    return f"{message}: {detail}" if detail else message
