"""Kubernetes' protobuf, as kubectl's own commands send it: ``kubectl create configmap``, ``auth whoami``.

Only requests are decoded; every client that sends protobuf also accepts JSON. Field numbers stand in
``protobuf_fields.txt``, which ``tests/conformance/protobuf-fields`` writes from the Go types of Kubernetes
1.37; what the fields are is said by the same schemas as for JSON. The rules of the envelope are those of
apimachinery's ``pkg/runtime/serializer/protobuf``.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from kubelab.client import Object
from kubelab.clock import rfc3339, rfc3339_micro
from kubelab.engine.apiserver.builtin_kinds import BUILTIN, EXTRA_DEFINITIONS
from kubelab.engine.apiserver.schemas import Schema, definition_schema
from kubelab.engine.apiserver.status import bad_request

_MAGIC = b"k8s\x00"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"


class _Field(NamedTuple):
    """One field of a message; an embedded one has the name of its type, and JSON has its fields instead."""

    name: str
    keeps_zero: bool = False
    embedded: bool = False


class _MalformedError(ValueError):
    """The bytes end too early, or hold something that protobuf does not have."""


def decode(body: bytes) -> Object:
    """Return the object in a protobuf body, as JSON would have it.

    Raises
    ------
    ApiError
        400 if it is not one, or of a kind that is not known here.
    """
    if not body.startswith(_MAGIC):
        message = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        raise bad_request(message)
    try:
        envelope = dict(_parts(body[len(_MAGIC) :]))
        type_meta = dict(_parts(envelope.get(1, b"")))
        version, kind = (bytes(type_meta.get(number, b"")).decode() for number in (1, 2))
        obj = _message(_definition(version, kind), envelope.get(2, b""))
    except (ValueError, TypeError) as error:
        raise bad_request(f"the protobuf body cannot be decoded: {error}") from None
    return {"apiVersion": version, "kind": kind, **obj}


def _message(name: str, data: bytes, schema: Schema | None = None) -> Object:
    """Return a message; an embedded one is decoded by the schema of what contains it."""
    fields, schema = _field_names()[name], schema or definition_schema(name)
    result: Object = {}
    for number, value in _parts(data):
        field = fields.get(number)
        if field is None:
            continue
        if field.embedded:
            result.update(_message(field.name, value, schema))
            continue
        child = schema.child(field.name)
        if child is None:
            continue
        if child.type == "array":
            result.setdefault(field.name, []).extend(_items(child, value))
        elif child.type == "object" and child.values is not None:
            result.setdefault(field.name, {}).update([_entry(child.values, value)])
        else:
            found = _value(child, value)
            if field.keeps_zero or found or isinstance(found, dict):
                result[field.name] = found
    return result


def _items(schema: Schema, value: int | bytes) -> Iterator[Any]:
    items = schema.items
    if items is None:
        raise _MalformedError("a list of unknown items")
    if items.type == "integer" and isinstance(value, bytes):  # packed
        position = 0
        while position < len(value):
            number, position = _varint(value, position)
            yield _signed(number)
    else:
        yield _value(items, value)


def _entry(values: Schema, data: int | bytes) -> tuple[str, Any]:
    parts = dict(_parts(_bytes(data)))
    key, value = bytes(parts.get(1, b"")).decode(), parts.get(2, b"")
    if values.type == "array":  # a named list type, such as ExtraValue, is a message with one repeated field
        return key, [item for _, part in _parts(value) for item in _items(values, part)]
    return key, _value(values, value)


def _value(schema: Schema, value: int | bytes) -> Any:
    special = _SPECIAL.get("raw" if schema.free_form else schema.format)
    if special is not None:
        return special(_bytes(value))
    if schema.type == "object":
        return _message(schema.definition_name, _bytes(value))
    if isinstance(value, int):
        return bool(value) if schema.type == "boolean" else _signed(value)
    return value.decode()


def _raw(data: bytes) -> Any:
    return orjson.loads(dict(_parts(data)).get(1, b"null"))


def _quantity(data: bytes) -> str:
    return bytes(dict(_parts(data)).get(1, b"0")).decode()


def _int_or_string(data: bytes) -> int | str:
    parts = dict(_parts(data))
    return bytes(parts.get(3, b"")).decode() if parts.get(1) else _signed(parts.get(2, 0))


def _byte_text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _time(data: bytes, show: Callable[[datetime], str] = rfc3339) -> str | None:
    parts = dict(_parts(data))
    if not parts:  # Go's zero time
        return None
    moment = datetime.fromtimestamp(_signed(parts.get(1, 0)), UTC)
    return show(moment.replace(microsecond=parts.get(2, 0) // 1000))


# Types with a JSON form of their own, by the format that the compact definitions give them.
_SPECIAL: dict[str, Callable[[bytes], Any]] = {
    "raw": _raw,
    "quantity": _quantity,
    "int-or-string": _int_or_string,
    "byte": _byte_text,
    "date-time": _time,
    "micro-time": partial(_time, show=rfc3339_micro),
}


# --- the wire -----------------------------------------------------------------------------------------


def _parts(data: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and the raw value of each field: an integer, or bytes."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        value: int | bytes
        match tag & 7:
            case 0:
                value, position = _varint(data, position)
            case 2:
                size, start = _varint(data, position)
                position = start + size
                value = data[start:position]
            case 1 | 5 as width:
                size = 8 if width == 1 else 4
                value, position = data[position : position + size], position + size
            case other:
                raise _MalformedError(f"wire type {other}")
        if position > len(data):
            raise _MalformedError("unexpected EOF")
        yield tag >> 3, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise _MalformedError("unexpected EOF")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _MalformedError("integer overflow")


def _signed(value: Any) -> int:
    number = int(value)
    return number - (1 << 64) if number >= 1 << 63 else number


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise _MalformedError("a number where a message should be")
    return value


# --- the types ----------------------------------------------------------------------------------------


@cache
def _field_names() -> dict[str, dict[int, _Field]]:
    lines = Path(__file__).with_name("protobuf_fields.txt").read_text().splitlines()
    return {name: dict(map(_field, fields)) for name, *fields in map(str.split, lines)}


def _field(text: str) -> tuple[int, _Field]:
    number, _, name = text.partition("=")
    if name.startswith("~"):
        return int(number), _Field(name[1:], embedded=True)
    return int(number.rstrip("!")), _Field(name, keeps_zero=number.endswith("!"))


@cache
def _packages() -> dict[str, str]:
    return {f"{group}/{version}" if group else version: package for group, version, package, _ in BUILTIN}


def _definition(version: str, kind: str) -> str:
    """Return the name of a kind's type; options are the same in every group."""
    names = [f"{_packages().get(version, '')}.{kind}", f"{_META}.{kind}", *EXTRA_DEFINITIONS]
    for name in names:
        if name in _field_names() and name.rsplit(".", 1)[1] == kind:
            return name
    raise _MalformedError(f'no kind "{kind}" is registered for version "{version}"')
