"""The structure of a kind's fields: types, how lists merge, which keys name their items.

A `Schema` is a cursor into a kind's schema, built-in or from a CRD; pruning, decoding, defaulting and the
patches walk objects with it.
"""

from __future__ import annotations

from functools import cached_property
from weakref import WeakKeyDictionary

from kubelab.engine.apiserver.definitions import OBJECT_META, JsonSchema, definition
from kubelab.engine.apiserver.kinds import Kind

_EMBEDDED: JsonSchema = {
    "apiVersion": {"type": "string"},
    "kind": {"type": "string"},
    "metadata": {"$ref": OBJECT_META},
}


class Schema:
    """The structure of one value of a kind.

    Parameters
    ----------
    raw : dict
        Compact JSON schema, as `definitions.definition` gives it or a CRD's ``openAPIV3Schema``.
    annotations : dict, optional
        Extensions that stand beside the reference to this schema, such as a list's patch strategy.
    definition_name : str, optional
        Name of the built-in type, where it is one.
    """

    def __init__(
        self, raw: JsonSchema, annotations: JsonSchema | None = None, definition_name: str = ""
    ) -> None:
        self.raw = raw
        self.definition_name = definition_name
        self._annotations = annotations or {}
        self._children: dict[str, Schema | None] = {}

    def __repr__(self) -> str:
        return f"<Schema {self.definition_name or self.type or 'any'}>"

    @property
    def type(self) -> str:
        """``object``, ``array``, ``string``, ``integer``, ``number``, ``boolean``; empty if any fits."""
        kind = self.raw.get("type", "")
        return kind if isinstance(kind, str) else ""

    @property
    def format(self) -> str:
        """The format: ``int32``, ``int64``, ``byte``, ``date-time``, ``micro-time``, ``quantity``, ..."""
        return str(self.raw.get("format", ""))

    @property
    def list_type(self) -> str:
        """How an array merges under server-side apply: ``atomic``, ``set`` or ``map``."""
        return str(self._extension("list-type") or "atomic")

    @cached_property
    def map_keys(self) -> tuple[str, ...]:
        """The fields that together identify an item of a ``map`` list."""
        keys = self._extension("list-map-keys")
        return tuple(keys) if isinstance(keys, list) else ()

    @property
    def map_type(self) -> str:
        """How an object merges under server-side apply: ``granular`` or ``atomic``."""
        return str(self._extension("map-type") or "granular")

    @cached_property
    def patch_strategies(self) -> tuple[str, ...]:
        """What a strategic merge patch does: any of ``merge``, ``replace``, ``retainKeys``."""
        return tuple(filter(None, str(self._extension("patch-strategy") or "").split(",")))

    @property
    def merge_key(self) -> str:
        """The field by which a strategic merge patch matches list items; empty if it does not."""
        return str(self._extension("patch-merge-key") or "")

    @property
    def preserves_unknown(self) -> bool:
        """Whether fields that the schema does not name are kept."""
        return bool(self.raw.get("x-kubernetes-preserve-unknown-fields"))

    @property
    def free_form(self) -> bool:
        """Whether nothing is known about the value."""
        return "type" not in self.raw and not self.raw.get("x-kubernetes-int-or-string")

    @cached_property
    def properties(self) -> dict[str, JsonSchema]:
        """The fields of an object that the schema names."""
        fields: dict[str, JsonSchema] = self.raw.get("properties") or {}
        return {**_EMBEDDED, **fields} if self.raw.get("x-kubernetes-embedded-resource") else fields

    @cached_property
    def items(self) -> Schema | None:
        """The structure of an array's items."""
        items = self.raw.get("items")
        return schema_at(items) if isinstance(items, dict) else None

    @cached_property
    def values(self) -> Schema | None:
        """The structure of a map's values, such as those of labels."""
        values = self.raw.get("additionalProperties")
        return schema_at(values) if isinstance(values, dict) else None

    def child(self, name: str) -> Schema | None:
        """Return the structure of a field or of a map's value; None if the schema does not know it."""
        try:
            return self._children[name]
        except KeyError:
            raw = self.properties.get(name)
            if raw is None:  # not remembered: a map has any number of keys
                return self.values
            self._children[name] = found = schema_at(raw)
            return found

    def _extension(self, name: str) -> object:
        key = f"x-kubernetes-{name}"
        value = self._annotations.get(key)
        return self.raw.get(key) if value is None else value


_definitions: dict[str, Schema] = {}
_kinds: WeakKeyDictionary[Kind, Schema] = WeakKeyDictionary()


def schema_at(raw: JsonSchema) -> Schema:
    """Return the cursor for a raw schema, following its reference if it is one."""
    name = raw.get("$ref")
    if name is None:
        return Schema(raw)
    if len(raw) > 1:
        return Schema(definition(name), raw, name)
    return definition_schema(name)


def definition_schema(name: str) -> Schema:
    """Return the structure of a built-in type, shared between all who ask."""
    if name not in _definitions:
        _definitions[name] = Schema(definition(name), definition_name=name)
    return _definitions[name]


def schema_of(kind: Kind) -> Schema:
    """Return the structure of a kind's objects, metadata included."""
    if kind.custom is None:
        return definition_schema(kind.definition)
    if kind not in _kinds:
        from kubelab.engine.apiserver.crds import schema_of_version

        raw = schema_of_version(kind.custom, kind.resource.version)
        _kinds[kind] = Schema({**raw, "properties": {**(raw.get("properties") or {}), **_EMBEDDED}})
    return _kinds[kind]
