"""Requests made from the served OpenAPI v3: mostly well-formed, some wrong in one place, some garbage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

_TEXTS = [
    "",
    "a",
    "web",
    "x" * 300,
    "é\u0000\ud7ff",
    "../..",
    "%2e",
    "-1",
    "1e400",
    "null",
    "🙂",
    "a=b",
    "100m",
]
_NUMBERS = [0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**40, 1.5, 1e308]
_ANYTHING: list[Any] = [None, True, [], {}, [[]], {"": {}}, *_TEXTS, *_NUMBERS]
_GARBAGE = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"NaN",
    b'{"metadata":{"name":NaN}}',
    b"\xff\xfe{}",
    b'{"metadata":{"name":"\xff"}}',
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"[" * 100_000,
    b'{"metadata":{"name":"n1"},"spec":' + b'{"a":' * 900 + b"1" + b"}" * 902,
    b'{"metadata":{"name":"n1","annotations":' + b"[" * 900 + b"]" * 900 + b"}}",
    b'[{"op":"add","path":"/metadata/labels","value":' + b"[" * 900 + b"]" * 900 + b"}]",
    b"k8s\x00" + b"\xff" * 40,
    b"&a [*a, *a]",
    b"a: &a [x]\nb: [*a,*a]",
    b"1" * 5000,
]
_MEDIA = [
    "application/json",
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
    "text/html",
    "",
]
_QUERY: dict[str, list[str]] = {
    "limit": ["-1", "0", "5", "99999999999999999999", "x"],
    "continue": ["x", "e30", "eyJ2IjoxfQ", "=", "\ud7ff", "bnVsbA", "W10", "eyJydiI6MSwic3RhcnQiOjF9"],
    "resourceVersion": ["0", "-1", "1", "x", "²", "9" * 30],
    "resourceVersionMatch": ["Exact", "NotOlderThan", "x"],
    "labelSelector": ["a=b", "a in (", "!", "a in (" + "x," * 5000 + "y)", "a==b,,", "(", "a>1", "=" * 50],
    "fieldSelector": ["metadata.name=x", "x", "spec.nodeName!=", "metadata.name=\\", "," * 40],
    "timeoutSeconds": ["1", "-1", "x", "9" * 40],
    "fieldManager": ["x", "x" * 200, "\n"],
    "fieldValidation": ["Strict", "Warn", "x"],
    "dryRun": ["All", "x", ""],
    "force": ["true", "x"],
    "gracePeriodSeconds": ["0", "-1", "x", "9" * 30],
    "propagationPolicy": ["Orphan", "x"],
    "tailLines": ["1", "-1", "9" * 30],
    "sinceTime": ["x", "9999-99-99T00:00:00Z", "0001-01-01T00:00:00+23:59"],
    "sinceSeconds": ["-1", "9" * 30],
    "container": ["x", "../x"],
    "sendInitialEvents": ["true", "false", "x"],
}
_METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Generated:
    """One request."""

    method: str
    path: str
    body: bytes | None
    content_type: str
    accept: str

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.content_type} {(self.body or b'')[:1500]!r}"


class Generator:
    """Yields requests over every operation of some OpenAPI v3 documents."""

    def __init__(self, documents: list[dict[str, Any]], random: Random) -> None:
        self.random = random
        self.operations = [
            (document, path, method, path_item[method])
            for document in documents
            for path, path_item in document["paths"].items()
            for method in _METHODS
            if method in path_item
        ]

    def requests(self, count: int) -> Iterator[Generated]:
        for _ in range(count):
            yield self.request()

    def request(self) -> Generated:
        chosen = self.random
        document, template, method, operation = chosen.choice(self.operations)
        body, media = None, ""
        if method in {"post", "put", "patch"} or (method == "delete" and chosen.random() < 0.3):
            media = chosen.choice(_MEDIA if chosen.random() < 0.2 or method == "patch" else _MEDIA[:1])
            body = self.body(document, operation, method)
        accept = chosen.choice(
            ["*/*", "application/json", "application/json;as=Table;v=v1;g=meta.k8s.io", "x"]
        )
        return Generated(method.upper(), self.path(template) + self.query(method), body, media, accept)

    def path(self, template: str) -> str:
        parts = []
        for part in template.split("/"):
            if part == "{namespace}":
                parts.append(self.random.choice(["default", "default", "kube-system", "absent", "%ff", "."]))
            elif part.startswith("{"):
                names = [
                    *(f"n{n}" for n in range(5)),
                    "absent",
                    "%zz",
                    "%00",
                    quote("é"),
                    "x" * 3000,
                    "..%2f",
                ]
                parts.append(self.random.choice(names))
            else:
                parts.append(part)
        return "/".join(parts)

    def query(self, method: str) -> str:
        names = self.random.sample(sorted(_QUERY), self.random.choice([0, 0, 1, 2, 3]))
        pairs = [f"{name}={quote(self.random.choice(_QUERY[name]), safe='')}" for name in names]
        if method == "get" and self.random.random() < 0.1:
            pairs += ["watch=true", "timeoutSeconds=1"]
        return "?" + "&".join(pairs) if pairs else ""

    def body(self, document: dict[str, Any], operation: dict[str, Any], method: str) -> bytes:
        if self.random.random() < 0.1:
            return self.random.choice(_GARBAGE)
        content = operation.get("requestBody", {}).get("content", {})
        schema = next((each["schema"] for each in content.values() if "schema" in each), {})
        if method == "patch" and self.random.random() < 0.3:
            return json.dumps([self.json_patch() for _ in range(self.random.randrange(3))]).encode()
        value = self.value(document, schema, 0)
        if isinstance(value, dict) and self.random.random() < 0.9:
            value["metadata"] = {**(value.get("metadata") or {}), "name": f"n{self.random.randrange(5)}"}
            value["metadata"].pop("namespace", None)
            value["metadata"].pop("resourceVersion", None)
            value.pop("apiVersion", None)
            value.pop("kind", None)
        return json.dumps(value).encode("utf-8", "surrogatepass")

    def json_patch(self) -> dict[str, Any]:
        return {
            "op": self.random.choice(["add", "remove", "replace", "test", "move", "copy", "x"]),
            "path": self.random.choice(
                ["/metadata/labels", "/spec/containers/0", "/-", "", "x", "/metadata/~2"]
            ),
            "from": self.random.choice(["/metadata", "/spec", "", None]),
            "value": self.random.choice(_ANYTHING),
        }

    def value(self, document: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
        if self.random.random() < 0.01:
            return self.random.choice(_ANYTHING)
        while "$ref" in schema or "allOf" in schema:
            reference = schema.get("$ref") or schema["allOf"][0].get("$ref", "")
            schema = document["components"]["schemas"].get(reference.rpartition("/")[2], {})
        if "enum" in schema:
            return self.random.choice(schema["enum"])
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if kind == "object":
            return self.members(document, schema, depth)
        if kind == "array":
            count = self.random.choice([0, 1, 1, 2]) if depth < 9 else 0
            return [self.value(document, schema.get("items", {}), depth + 1) for _ in range(count)]
        if kind in {"integer", "number"}:
            return self.random.choice([*range(5), 80, *_NUMBERS])
        if kind == "boolean":
            return self.random.random() < 0.5
        return self.random.choice(["web", "a", "100m", "2026-01-01T00:00:00Z", "*/5 * * * *", *_TEXTS])

    def members(self, document: dict[str, Any], schema: dict[str, Any], depth: int) -> dict[str, Any]:
        found = {}
        required = schema.get("required", [])
        for name, child in schema.get("properties", {}).items():
            if name in required or (depth < 9 and self.random.random() < (0.8 if depth == 0 else 0.25)):
                found[name] = self.value(document, child, depth + 1)
        if isinstance(schema.get("additionalProperties"), dict):
            for name in self.random.sample(["a", "b.c/d", "", "x" * 70, "é"], self.random.randrange(3)):
                found[name] = self.value(document, schema["additionalProperties"], depth + 1)
        return found
