"""CustomResourceDefinitions: names, versions, and structural schemas.

Upstream: ``pkg/apis/apiextensions/validation`` and ``pkg/apiserver/schema/validation.go`` of
apiextensions-apiserver.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_supported,
    required,
)
from kubelab.engine.apiserver.validation.metadata import unchanged

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
_JUNCTIONS = ("allOf", "anyOf", "oneOf")
_VALUE_ONLY = frozenset({"type", "default", "additionalProperties", "nullable", "description", "title"})
_FORBIDDEN_KEYWORDS = (
    "definitions",
    "dependencies",
    "$ref",
    "patternProperties",
    "additionalItems",
    "id",
    "$schema",
)
_LIST_TYPES = ("atomic", "map", "set")
_MAP_TYPES = ("atomic", "granular")


def validate_definition(crd: Object) -> Iterator[Cause]:
    """Check a CustomResourceDefinition."""
    spec = crd.get("spec") or {}
    expected = f"{(spec.get('names') or {}).get('plural', '')}.{spec.get('group', '')}"
    name = crd.get("metadata", {}).get("name", "")
    if name != expected:
        yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    if spec.get("group") and "." not in spec["group"]:
        yield invalid("spec.group", spec["group"], "should be a domain with at least one dot")
    if spec.get("preserveUnknownFields"):
        detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
        detail += "spec.versions[*].schema instead"
        yield invalid("spec.preserveUnknownFields", True, detail)
    yield from _validate_names(spec.get("names") or {})
    yield from _validate_versions(spec.get("versions") or [])
    if (spec.get("conversion") or {}).get("strategy") == "Webhook":
        detail = "this server converts with strategy None only"
        yield invalid("spec.conversion.strategy", "Webhook", detail)


def validate_definition_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a definition keeps its group, kind, plural and scope once it is established."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    yield from unchanged(after.get("group"), before.get("group"), "spec.group")
    plurals = (after.get("names") or {}).get("plural"), (before.get("names") or {}).get("plural")
    yield from unchanged(*plurals, "spec.names.plural")
    conditions = (old.get("status") or {}).get("conditions") or []
    if any(c.get("type") == "Established" and c.get("status") == "True" for c in conditions):
        yield from unchanged(after.get("scope"), before.get("scope"), "spec.scope")
        kind = (after.get("names") or {}).get("kind"), (before.get("names") or {}).get("kind")
        yield from unchanged(*kind, "spec.names.kind")
    declared = {version.get("name") for version in after.get("versions") or ()}
    for i, stored in enumerate((old.get("status") or {}).get("storedVersions") or ()):
        if stored not in declared:
            detail = (
                f"missing from spec.versions; {stored} was previously a storage version, and must remain in "
            )
            detail += "spec.versions until a storage migration ensures no data remains persisted in "
            detail += f"{stored} and removes {stored} from status.storedVersions"
            yield invalid(f"status.storedVersions[{i}]", stored, detail)


def _validate_names(given: Object) -> Iterator[Cause]:
    for field in ("kind", "listKind", "singular"):
        value = given.get(field)
        for problem in names.dns1035_label(value if field == "singular" else value.lower()) if value else ():
            yield invalid(f"spec.names.{field}", value, problem)
    if given.get("kind") and given.get("kind") == given.get("listKind"):
        yield invalid("spec.names.listKind", given["listKind"], "kind and listKind may not be the same")
    for field in ("shortNames", "categories"):
        for i, value in enumerate(given.get(field) or ()):
            for problem in names.dns1035_label(value):
                yield invalid(f"spec.names.{field}[{i}]", value, problem)


def _validate_versions(versions: list[Object]) -> Iterator[Cause]:
    seen: set[str] = set()
    schemas = [(version.get("schema") or {}).get("openAPIV3Schema") for version in versions]
    shared = all(schema == schemas[0] for schema in schemas)  # upstream then keeps it in one place
    for i, version in enumerate(versions):
        path, name = f"spec.versions[{i}]", version.get("name", "")
        if name in seen:
            yield duplicate(f"{path}.name", name)
        seen.add(name)
        schema = schemas[i]
        if schema is None:
            yield required(f"{path}.schema.openAPIV3Schema", "schemas are required")
            continue
        if not shared:
            yield from _validate_schema(schema, f"{path}.schema.openAPIV3Schema")
        elif i == 0:
            yield from _validate_schema(schema, "spec.validation.openAPIV3Schema")
        inside = "spec" if len(versions) == 1 else path
        yield from _validate_scale(version, f"{inside}.subresources.scale")
        yield from _validate_columns(version, f"{inside}.additionalPrinterColumns")
    if versions and sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid("spec.versions", versions, "must have exactly one version marked as storage version")


def _validate_schema(schema: Object, path: str) -> Iterator[Cause]:
    from kubelab.engine.apiserver.custom import schema_problem

    structural = list(validate_structural(schema, path))
    yield from structural
    problem = "" if structural else schema_problem(schema)
    if problem:
        yield invalid(path, "", problem)


def _validate_columns(version: Object, path: str) -> Iterator[Cause]:
    for i, column in enumerate(version.get("additionalPrinterColumns") or ()):
        if column.get("type") not in _COLUMN_TYPES:
            told = f"must be one of {','.join(_COLUMN_TYPES)}"
            yield invalid(f"{path}[{i}].type", column.get("type", ""), told)
        if not str(column.get("jsonPath", "")).startswith("."):
            told = "must be a simple json path starting with ."
            yield invalid(f"{path}[{i}].JSONPath", column.get("jsonPath", ""), told)


def _validate_scale(version: Object, path: str) -> Iterator[Cause]:
    scale = (version.get("subresources") or {}).get("scale")
    if scale is None:
        return
    for field, start in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        value = scale.get(field)
        if not value:
            yield required(f"{path}.{field}")
        elif not value.startswith(start):
            yield invalid(f"{path}.{field}", value, f"should be a json path under {start[:-1]}")


def validate_structural(schema: Object, path: str, *, root: bool = True) -> Iterator[Cause]:
    """Check that a schema is structural: every value has one type, known without evaluating logic."""
    if root and schema.get("type") != "object":
        type_ = schema.get("type")
        yield (
            invalid(f"{path}.type", type_, "must be object at the root")
            if type_
            else required(f"{path}.type", "must not be empty at the root")
        )
    elif not root:
        yield from _validate_type(schema, path)
    yield from _validate_keywords(schema, path)
    yield from _validate_extensions(schema, path)
    yield from _validate_default(schema, path)
    for name, child in (schema.get("properties") or {}).items():
        if isinstance(child, dict) and not (root and name in {"apiVersion", "kind", "metadata"}):
            yield from validate_structural(child, f"{path}.properties[{name}]", root=False)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from validate_structural(schema[key], f"{path}.{key}", root=False)
    for junction in _JUNCTIONS:
        for i, part in enumerate(schema.get(junction) or ()):
            yield from _validate_value_only(part, schema, f"{path}.{junction}[{i}]")
    if isinstance(schema.get("not"), dict):
        yield from _validate_value_only(schema["not"], schema, f"{path}.not")


def _validate_type(schema: Object, path: str) -> Iterator[Cause]:
    type_ = schema.get("type")
    flexible = any(
        schema.get(key)
        for key in ("x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "$ref")
    )
    if not type_:
        if not flexible:
            yield required(f"{path}.type", "must not be empty for specified object fields")
    elif type_ not in _TYPES:
        yield not_supported(f"{path}.type", type_, _TYPES)
    if type_ and schema.get("x-kubernetes-int-or-string"):
        yield forbidden(f"{path}.type", "must be empty if x-kubernetes-int-or-string is true")
    if type_ == "array" and not isinstance(schema.get("items"), dict):
        yield required(f"{path}.items", "must be specified")


def _validate_default(schema: Object, path: str) -> Iterator[Cause]:
    from kubelab.engine.apiserver.custom import obeys

    if schema.get("default") is None:
        return
    try:
        good = obeys(schema, schema["default"])
    except ValueError:
        return  # the schema is at fault, and named
    if not good:
        yield invalid(f"{path}.default", schema["default"], "must be a valid value of its own schema")


def _validate_keywords(schema: Object, path: str) -> Iterator[Cause]:
    from kubelab.engine.apiserver.custom import schema_problem

    for keyword in _FORBIDDEN_KEYWORDS:
        if keyword in schema:
            yield forbidden(f"{path}.{keyword}", f"{keyword} is not supported")
    if schema.get("properties") and schema.get("additionalProperties"):
        detail = "additionalProperties and properties are mutual exclusive"
        yield forbidden(f"{path}.additionalProperties", detail)
    if schema.get("additionalProperties") is False:
        yield forbidden(f"{path}.additionalProperties", "additionalProperties cannot be set to false")
    if schema.get("pattern") and schema_problem({"pattern": schema["pattern"]}):
        detail = "must be a valid regular expression, but isn't"
        yield invalid(f"{path}.pattern", schema["pattern"], detail)
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{path}.uniqueItems", detail)


def _validate_extensions(schema: Object, path: str) -> Iterator[Cause]:
    list_type, keys = schema.get("x-kubernetes-list-type"), schema.get("x-kubernetes-list-map-keys") or []
    if list_type is not None and list_type not in _LIST_TYPES:
        yield not_supported(f"{path}.x-kubernetes-list-type", list_type, _LIST_TYPES)
    if list_type == "map" and not keys:
        detail = "must not be empty if x-kubernetes-list-type is map"
        yield required(f"{path}.x-kubernetes-list-map-keys", detail)
    items = schema.get("items")
    if list_type == "map" and isinstance(items, dict) and items.get("type", "object") != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        yield invalid(f"{path}.items.type", items["type"], detail)
    fields = (items.get("properties") or {}) if isinstance(items, dict) else {}
    for i, key in enumerate(keys):
        if key not in fields:
            detail = "entries must all be names of item properties"
            yield invalid(f"{path}.x-kubernetes-list-map-keys[{i}]", key, detail)
    map_type = schema.get("x-kubernetes-map-type")
    if map_type is not None and map_type not in _MAP_TYPES:
        yield not_supported(f"{path}.x-kubernetes-map-type", map_type, _MAP_TYPES)
    yield from _validate_rules(
        schema.get("x-kubernetes-validations") or [], f"{path}.x-kubernetes-validations"
    )


def _validate_rules(rules: list[Object], path: str) -> Iterator[Cause]:
    from kubelab.cel.program import compile_problem

    for i, rule in enumerate(rules):
        for field in ("rule", "messageExpression"):
            expression = rule.get(field)
            if field == "rule" and not (expression or "").strip():
                yield required(f"{path}[{i}].rule", "rule is not specified")
            elif expression and (problem := compile_problem(expression)):
                yield invalid(f"{path}[{i}].{field}", expression, problem)


def _validate_value_only(schema: Any, outer: Object, path: str) -> Iterator[Cause]:
    """Check that a schema within logic adds no structure of its own."""
    int_or_string = bool(outer.get("x-kubernetes-int-or-string"))
    for keyword in sorted(_VALUE_ONLY & schema.keys()):
        if not (keyword == "type" and int_or_string):
            yield forbidden(f"{path}.{keyword}", "must be empty to be structural")
    for name, child in (schema.get("properties") or {}).items():
        known = (outer.get("properties") or {}).get(name)
        if known is None and not outer.get("x-kubernetes-preserve-unknown-fields"):
            at = path.rsplit(".", 1)[0]
            yield required(f"{at}.properties[{name}]", f"because it is defined in {path}.properties[{name}]")
        yield from _validate_value_only(child, known or {}, f"{path}.properties[{name}]")
