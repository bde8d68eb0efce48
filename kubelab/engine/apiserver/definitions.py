"""Kubernetes' own OpenAPI definitions, from the data files of the ``kubernetes-validate`` package.

`definition` gives one type in a compact form that stays in memory (about 1 MB for all served kinds, without
prose); `documented` reads the whole file again for those who need descriptions.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from kubelab.engine.apiserver.version import KUBERNETES_VERSION
from kubelab.errors import KubelabError

JsonSchema = dict[str, Any]

_META = "io.k8s.apimachinery.pkg.apis.meta.v1."
OBJECT_META = _META + "ObjectMeta"
_EXTENSIONS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
RAW_EXTENSION = "io.k8s.apimachinery.pkg.runtime.RawExtension"

# Types that any JSON value fits; their contents are neither checked nor pruned.
FREE_FORM = frozenset(
    {
        RAW_EXTENSION,
        _META + "FieldsV1",
        _EXTENSIONS + "JSON",
        _EXTENSIONS + "JSONSchemaPropsOrArray",
        _EXTENSIONS + "JSONSchemaPropsOrBool",
        _EXTENSIONS + "JSONSchemaPropsOrStringArray",
    }
)
_SPECIAL: dict[str, JsonSchema] = {
    QUANTITY: {"type": ["string", "number"], "format": "quantity"},
    INT_OR_STRING: {"type": ["string", "integer"], "format": "int-or-string"},
    _META + "MicroTime": {"type": "string", "format": "micro-time"},
    **{name: {"x-kubernetes-preserve-unknown-fields": True} for name in FREE_FORM},
}


class MissingDefinitionsError(KubelabError):
    """The schema files of this Kubernetes version are not installed."""

    def __init__(self) -> None:
        super().__init__(
            f"the schemas of Kubernetes {KUBERNETES_VERSION} are not installed. "
            f"Install them: pip install 'kubernetes-validate=={KUBERNETES_VERSION}.*'"
        )


def documented() -> dict[str, JsonSchema]:
    """Read every definition with its descriptions, as published (8 ms, 8 MB; do not keep it).

    Raises
    ------
    MissingDefinitionsError
        If the package or this version's files are absent.
    """
    spec = find_spec("kubernetes_validate")  # its import takes seconds, its files are all we need
    if spec is None or not spec.submodule_search_locations:
        raise MissingDefinitionsError
    folder = Path(spec.submodule_search_locations[0], "kubernetes-json-schema")
    file = folder / f"v{KUBERNETES_VERSION}.0-local" / "_definitions.json"
    if not file.is_file():
        raise MissingDefinitionsError
    definitions: dict[str, JsonSchema] = orjson.loads(file.read_bytes())["$defs"]
    return definitions


def definition(name: str) -> JsonSchema:
    """Return the compact schema of a type, such as ``io.k8s.api.core.v1.Pod``.

    References in it are ``{"$ref": name}``; a nullable type is its plain type; quantities, int-or-strings and
    free-form values are spelled out.

    Raises
    ------
    KeyError
        If there is no such type.
    """
    return _compact_definitions()[name]


def short_name(name: str) -> str:
    """Return a type's name without its package: ``PodSpec``."""
    return name.rsplit(".", 1)[-1]


@cache
def _compact_definitions() -> dict[str, JsonSchema]:
    from kubelab.engine.apiserver.builtin_kinds import BUILTIN, EXTRA_DEFINITIONS

    whole = documented()
    wanted = [f"{package}.{row.kind}" for _, _, package, rows in BUILTIN for row in rows]
    compact: dict[str, JsonSchema] = {}
    pending = [*wanted, *EXTRA_DEFINITIONS, OBJECT_META]
    while pending:
        name = pending.pop()
        if name not in compact:
            compact[name] = _SPECIAL.get(name) or _compact(whole[name], pending)
    # Parsed anew, strings and small dictionaries lie together, and the large document is let go.
    return orjson.loads(orjson.dumps(compact))  # type: ignore[no-any-return]


def _compact(schema: JsonSchema, pending: list[str]) -> JsonSchema:
    """Drop prose and nulls from a schema; names of types that it refers to are added to ``pending``."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        pending.append(name)
        return {"$ref": name, **_extensions(schema)}
    result: JsonSchema = _extensions(schema)
    types = schema.get("type")
    result["type"] = types[0] if isinstance(types, list) else types
    for key in ("format", "required"):
        if key in schema:
            result[key] = schema[key]
    if "properties" in schema:
        result["properties"] = {
            name: _compact(child, pending) for name, child in schema["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            result[key] = _compact(schema[key], pending)
    if result["type"] == "object" and not result.keys() & {"properties", "additionalProperties"}:
        result["properties"] = {}
    return result


def _extensions(schema: JsonSchema) -> JsonSchema:
    return {
        key: value
        for key, value in schema.items()
        if key.startswith("x-kubernetes-") and key != "x-kubernetes-group-version-kind"
    }
