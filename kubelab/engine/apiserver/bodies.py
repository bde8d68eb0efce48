"""Request bodies: JSON, YAML or protobuf, checked against what the URL says they should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from kubelab.client import Object, Resource
from kubelab.engine.apiserver import decoding
from kubelab.engine.apiserver.builtin_kinds import BUILTIN
from kubelab.engine.apiserver.duplicates import duplicate_fields
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.requests import JSON, Request, Target
from kubelab.engine.apiserver.status import bad_request, invalid, unsupported_media_type
from kubelab.engine.apiserver.validation.causes import invalid as invalid_field
from kubelab.engine.apiserver.yaml_documents import parse_yaml, repeated_keys
from kubelab.errors import ApiError

LIMIT_BYTES = 3 * 1024 * 1024
"""The largest body that is read (upstream: MaxRequestBodyBytes)."""

_NO_KIND = "couldn't get version/kind; json parse error: "
_SHOWN_BYTES = 30
_CUT_SHORT = "unexpected end of JSON input"
_TYPE_META = (
    'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
)

YAML = "application/yaml"
_YAMLS = frozenset({YAML, "text/yaml", "application/x-yaml"})
PROTOBUF = "application/vnd.kubernetes.protobuf"

_OLDER_VERSIONS = {"Eviction": ("policy/v1beta1",)}
"""Those that upstream still reads below an object."""


def parse(body: bytes, content_type: str) -> Any:
    """Return the document in a body; one without a Content-Type is JSON.

    Raises
    ------
    ApiError
        400 if it is malformed, 415 if it is neither JSON, YAML nor protobuf.
    """
    media = content_type.partition(";")[0].strip()
    if media in {"", JSON, "application/octet-stream"}:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            if media == JSON or not body:
                problem = _CUT_SHORT if _is_cut_short(error) else str(error)
                raise bad_request(f"{_NO_KIND}{problem}") from None
            return parse_yaml(body)
    if media in _YAMLS:
        return parse_yaml(body)
    if media == PROTOBUF:
        from kubelab.engine.apiserver import protobuf

        return protobuf.decode(body)
    raise unsupported_media_type([JSON, YAML, PROTOBUF])


def _parse_as(name: str, body: bytes, content_type: str) -> Object:
    """Return the document in a body that should be of a kind.

    Raises
    ------
    ApiError
        400 if it is not an object, 415 if it is neither JSON, YAML nor protobuf.
    """
    try:
        document = parse(body, content_type)
    except ApiError as error:
        if error.code != 400:
            raise
        raise bad_request(_unrecognized(name, body, error.status["message"])) from None
    if not isinstance(document, dict):
        raise bad_request(_unrecognized(name, body, not_an_object(document)))
    return document


def _unrecognized(name: str, body: bytes, problem: str) -> str:
    shown = "<empty>"
    if body:
        part = body[:_SHOWN_BYTES]
        shown = part.decode(errors="replace") if body.startswith(b"{") else part.hex()
        shown += " ..." * (len(body) > _SHOWN_BYTES)
    return f"the object provided is unrecognized (must be of type {name}): {problem} ({shown})"


def _is_cut_short(error: orjson.JSONDecodeError) -> bool:
    return "unexpected end" in error.msg or "zero-length" in error.msg


def not_an_object(document: Any) -> str:
    """Return what Go says of a body that is JSON, but no object."""
    return f"{_NO_KIND}json: cannot unmarshal {go_type(document)} into Go value of type {_TYPE_META}"


def go_type(document: Any) -> str:
    """Return how Go's JSON decoder calls what is no object."""
    names = {bool: "bool", int: "number", float: "number", str: "string", type(None): "null"}
    return names.get(type(document), "array")


def decode(request: Request, kind: Kind) -> tuple[Object, tuple[str, ...]]:
    """Return the object in a request for a kind, without what its schema does not know, and warnings.

    Raises
    ------
    ApiError
        400 if it is not an object of that kind, or has unknown fields and ``fieldValidation=Strict``.
    """
    obj = _parse_as(kind.resource.kind, request.body, request.content_type)
    check_type(kind, obj)
    return checked(request, kind, obj, _duplicates(request))


def decode_as(resource: Resource, definition: str, request: Request) -> Object:
    """Return the object in a request for a subresource, such as an Eviction.

    Parameters
    ----------
    resource : Resource
        The kind that it should be of; older versions of it will do.
    definition : str
        Name of its type in Kubernetes' OpenAPI document.

    Raises
    ------
    ApiError
        400 if it is not an object of that kind, 415 if it is neither JSON, YAML nor protobuf.
    """
    obj = _parse_as(resource.kind, request.body, request.content_type)
    version, name = obj.get("apiVersion") or resource.api_version, obj.get("kind") or resource.kind
    known = name == resource.kind and version in (resource.api_version, *_OLDER_VERSIONS.get(name, ()))
    if not known:
        raise wrong_kind(name, version, resource)
    check_fields(definition, obj)
    return obj


def check_fields(definition: str, obj: Object) -> None:
    """Check the types of an object's fields.

    Raises
    ------
    ApiError
        400 for a field that cannot be decoded.
    """
    problem = decoding.wrong_type_in(definition, obj)
    if problem:
        version, name = definition.split(".")[-2:]
        raise bad_request(f'{name} in version "{version}" cannot be handled as a {name}: {problem}')


def check_type(kind: Kind, obj: Object) -> None:
    """Give an object its apiVersion and kind where it has none.

    Raises
    ------
    ApiError
        400 if it is of another kind.
    """
    resource = kind.resource
    version, name = obj.setdefault("apiVersion", resource.api_version), obj.setdefault("kind", resource.kind)
    if version != resource.api_version and kind.custom is None:
        raise bad_request(decoding.decoding_message(kind, _not_registered(name, version), version))
    if version != resource.api_version:
        raise bad_request(
            f"the API version in the data ({version}) does not match the expected API version "
            f"({resource.api_version})"
        )
    if name != resource.kind and kind.custom is not None:
        cause = invalid_field("kind", name, f"must be {resource.kind}")
        raise invalid(replace(resource, kind=name), (obj.get("metadata") or {}).get("name", ""), [cause])
    if name != resource.kind:
        raise wrong_kind(name, version, resource)
    if obj.setdefault("metadata", {}) is None:
        obj["metadata"] = {}


def wrong_kind(name: str, api_version: str, resource: Resource) -> ApiError:
    """Return the 400 for a body that is of another kind than the path."""
    group, _, version = str(api_version).rpartition("/")
    problem = _not_registered(name, api_version)
    if any(
        row.kind == name for found, at, _, rows in BUILTIN if (found, at) == (group, version) for row in rows
    ):
        internal = resource.group.partition(".")[0] or "core"
        problem = f"converting ({version}.{name}) to ({internal}.{resource.kind}): unknown conversion"
    return bad_request(f'{name} in version "{version}" cannot be handled as a {resource.kind}: {problem}')


def _not_registered(name: str, version: str) -> str:
    return f'no kind "{name}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'


def checked(
    request: Request, kind: Kind, obj: Object, duplicates: Sequence[str] = ()
) -> tuple[Object, tuple[str, ...]]:
    """Return an object without unknown fields, with a warning for each unless they are refused.

    Raises
    ------
    ApiError
        400 for a wrong type, or for unknown or duplicate fields under ``fieldValidation=Strict``.
    """
    if not duplicates and decoding.fits(kind, obj):
        return obj, ()
    wrong = decoding.wrong_type(kind, obj)
    if wrong:
        raise bad_request(wrong)
    level = request.query.get("fieldValidation") or "Warn"
    problems = [*duplicates, *decoding.unknown_fields(kind, obj)] if level != "Ignore" else []
    if problems and level == "Strict":
        raise bad_request(decoding.strict_decoding_message(kind, problems))
    return decoding.prune(kind, obj), tuple(problems)


def _duplicates(request: Request) -> list[str]:
    """Return the fields given twice, of a request that asks to be told: looking for them takes its time."""
    media = request.content_type.partition(";")[0].strip()
    if request.query.get("fieldValidation") not in {"Strict", "Warn"}:
        return []
    if media in _YAMLS:
        told = repeated_keys(request.body)
        return [told] if told else []
    return duplicate_fields(request.body) if media == JSON else []


def check_place(target: Target, obj: Object) -> None:
    """Put an object where the URL says it is.

    Raises
    ------
    ApiError
        400 if its own namespace or name says otherwise.
    """
    metadata = obj["metadata"]
    if not target.resource.namespaced:
        metadata.pop("namespace", None)
    elif metadata.setdefault("namespace", target.namespace) != target.namespace:
        if metadata["namespace"]:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        metadata["namespace"] = target.namespace
    if target.name and metadata.setdefault("name", target.name) != target.name:
        raise bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({target.name})"
        )
