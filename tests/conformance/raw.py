"""One request sent to an API server, and its answer without what no two servers have in common."""

from __future__ import annotations

import json
import re
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kubelab.http import Kubeconfig

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
ONCE_SERVED = "labelSelector=once-served"
"""The query of a list that waits until its kind is served."""

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"

_UNLIKE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"in record \(\d+\)"), "in record (VERSION)"),
    (re.compile(r'"\d+s"'), '"AGE"'),
    (re.compile(r"ResourceVersion in object meta: \d+"), "ResourceVersion in object meta: VERSION"),
    (re.compile(r"current: \d+"), "current: VERSION"),
    (re.compile(r"(Bad_)\w{5}"), r"\1RANDOM"),
    (re.compile(r'"continue":"[^"]+"'), '"continue":"TOKEN"'),
    (re.compile(r"10\.96\.\d+\.\d+"), "ADDRESS"),
    (re.compile(r'"resourceVersion":"\d+"'), '"resourceVersion":"VERSION"'),
)
_SERVER_MADE = (
    "managedFields",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "selfLink",
)


@dataclass(frozen=True)
class Call:
    """A request; ``{ns}`` in its path stands for the test's namespace."""

    method: str
    path: str
    body: Any = None
    content_type: str = JSON
    accept: str = JSON


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    text: str

    @property
    def document(self) -> Any:
        """What it says, without what the server made up."""
        return _plain(json.loads(self._like))

    @property
    def _like(self) -> str:
        text = self.text
        for pattern, stand_in in _UNLIKE:
            text = pattern.sub(stand_in, text)
        return text

    @property
    def comparable(self) -> Any:
        """A refusal to the byte, anything else as a document, or as the lines of a watch."""
        if self.status >= 400:
            return _on_one_line(self._like)
        if not self.text.startswith("{"):
            return _plain(yaml.safe_load(self._like))
        try:
            return self.document
        except ValueError:
            return [_plain(json.loads(line)) for line in self._like.splitlines()]


@dataclass(frozen=True)
class Raw:
    """A server, spoken to without any client's help."""

    kubeconfig: Path

    def send(self, call: Call, namespace: str = "", *, token: str | None = None) -> Said:
        """Send one request; return its answer, whatever its status, once the server is ready."""
        said = self._said(call, namespace, token)
        while _is_early(call, said):
            said = self._said(call, namespace, token)
        return said

    def _said(self, call: Call, namespace: str, token: str | None) -> Said:
        config = Kubeconfig.load(self.kubeconfig)
        body = call.body if isinstance(call.body, str | None) else json.dumps(call.body)
        body = body.replace("{ns}", namespace) if body else body
        headers = {"Accept": call.accept, "User-Agent": "conformance"}
        if bearer := config.token if token is None else token:
            headers["Authorization"] = f"Bearer {bearer}"
        if body is not None:
            headers["Content-Type"] = call.content_type
        request = urllib.request.Request(
            config.server + call.path.replace("{ns}", namespace),
            data=body.encode() if body is not None else None,
            headers=headers,
            method=call.method,
        )
        trust = ssl.create_default_context(cadata=config.ca_pem)
        try:
            with urllib.request.urlopen(request, context=trust, timeout=15) as answer:
                return Said(answer.status, answer.read().decode())
        except urllib.error.HTTPError as refusal:
            return Said(refusal.code, refusal.read().decode())


def _is_early(call: Call, said: Said) -> bool:
    """Tell whether the server does not serve a kind yet that was defined a moment ago."""
    missing = said.status == 404 and call.path.endswith(ONCE_SERVED)
    return missing or (said.status == 429 and "storage is (re)initializing" in said.text)


def _on_one_line(refusal: str) -> str:
    """Return a Status without the indentation that upstream gives it for some clients."""
    if not refusal.startswith("{\n"):
        return refusal
    text = json.dumps(json.loads(refusal), separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + "\n"


def _untyped(item: Any) -> Any:
    """Drop what the embedded engine leaves in an item of a list, since it copies stored bytes."""
    return {key: each for key, each in item.items() if key not in {"apiVersion", "kind"}}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "columnDefinitions" in value:
        columns = value["columnDefinitions"] or []
        value = {**value, "columnDefinitions": [{**each, "description": ""} for each in columns]}
    if str(value.get("kind", "")).endswith("List") and "items" in value:
        value = {**value, "items": [_untyped(each) for each in value["items"]]}
    shown = {
        key: "TIME" if key.endswith(("Time", "Timestamp")) and each else _plain(each)
        for key, each in value.items()
        if key not in _SERVER_MADE
    }
    return {key: each for key, each in shown.items() if each not in ({}, [], None)}
