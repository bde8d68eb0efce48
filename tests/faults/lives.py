"""Lives of objects as hypothesis strategies: made, changed in every way there is, read, listed, deleted."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson
import yaml
from hypothesis import strategies as st

from kubelab.client import Object
from tests.faults.mutations import anything, json_patches, merge_patches, mutated
from tests.faults.valid_objects import valid

NAME = "n0123456789"
"""Stands for the object's name in a plan; each life has a name of its own."""
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"))
_SELECTORS = (
    "a=b", "a!=b", "a in (b,c)", "!a", "a notin ()", "a in (", "(", "a==b,,", "=" * 50, "a>1", "a\u0000",
)  # fmt: skip
_QUERY: dict[str, st.SearchStrategy[str]] = {
    "limit": st.sampled_from(("-1", "0", "1", "5", "9" * 20, "9" * 5000, "x", "1_0")),
    "continue": st.sampled_from(("x", "e30", "eyJ2IjoxfQ", "=", "bnVsbA", "W10", "eyJydiI6MSwic3RhcnQiOjF9"))
    | st.builds(
        lambda rv, start: base64.urlsafe_b64encode(json.dumps({"rv": rv, "start": start}).encode()).decode(),
        st.sampled_from((0, 1, -1, 2**70, 1e308, None, "1", True, [])),
        st.sampled_from(("a\0", "a/b\0", "", "/", None, 1)),
    ),
    "resourceVersion": st.sampled_from(("0", "-1", "1", "x", "²", "٣", "9" * 5000)),
    "resourceVersionMatch": st.sampled_from(("Exact", "NotOlderThan", "x")),
    "labelSelector": st.sampled_from(_SELECTORS) | st.text(max_size=8),
    "fieldSelector": st.sampled_from(("metadata.name=x", "x", "spec.nodeName!=", "metadata.name=\\", ",,"))
    | st.text(max_size=8),
    "timeoutSeconds": st.sampled_from(("1", "-1", "x", "9" * 40)),
    "sendInitialEvents": st.sampled_from(("true", "false", "x")),
    "pretty": st.sampled_from(("true", "x")),
}
_WRITE_QUERY: dict[str, st.SearchStrategy[str]] = {
    "fieldManager": st.sampled_from(("x", "x" * 200, "\n")),
    "fieldValidation": st.sampled_from(("Strict", "Warn", "Ignore", "x")),
    "dryRun": st.sampled_from(("All", "x", "")),
}
_DELETE_QUERY: dict[str, st.SearchStrategy[str]] = {
    "gracePeriodSeconds": st.sampled_from(("0", "1", "-1", "x", "9" * 5000)),
    "propagationPolicy": st.sampled_from(("Orphan", "Background", "Foreground", "x")),
    "orphanDependents": st.sampled_from(("true", "x")),
    "dryRun": st.sampled_from(("All", "x")),
}
_ACCEPT = (
    "*/*",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json",
    "application/vnd.kubernetes.protobuf,application/json",
    "x",
    ";,;",
)
_GARBAGE = (
    b"", b"{", b"null", b"[]", b'"x"', b"NaN", b'{"metadata":{"name":NaN}}', b"\xff\xfe{}", b"[" * 100_000,
    b'{"metadata":{"name":"\xff"}}', b'{"metadata":{"name":"\\ud800"}}', b'metadata: {name: "\\ud800"}',
    b'{"metadata":{"name":"a","name":"b"},"data":{"a":"1","a":"2"}}', b"1" * 5000, b"1e999",
    b"a: " + b"9" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b"k8s\x00" + b"\xff" * 40, b"&a [*a, *a]", b"a: &a [x]\nb: [*a,*a]",
    b"? {a: b}\n: c", b"? [a]\n: c", b"2026-01-01: 1", b"a: .inf\nb: .nan", b"a: !!python/object:os.system x",
    b"a: !!binary x", b"<<: [1]", b"--- {}\n--- {}",
    b'{"metadata":{"name":"a"},"spec":' + b"[" * 900 + b"]" * 900 + b"}",
)  # fmt: skip
_MEDIA = (
    "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
    "application/json-patch+json",
    "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml",
    "application/apply-patch+cbor", "text/html", "application/json;charset=utf-16", ";",
    "application/json; q",
)  # fmt: skip
_JSON, _JSON_PATCH, _MERGE, _STRATEGIC, _APPLY = _MEDIA[0], *_MEDIA[3:7]
_POSTED: dict[str, Object] = {
    "binding": {"kind": "Binding", "target": {"kind": "Node", "name": "b"}},
    "eviction": {"kind": "Eviction", "deleteOptions": {"gracePeriodSeconds": 0}},
    "token": {"kind": "TokenRequest", "spec": {"audiences": ["a"], "expirationSeconds": 600}},
}


@dataclass(frozen=True)
class Planned:
    """A request to be sent; `verb` is what it is counted as."""

    verb: str
    method: str
    path: str
    body: bytes | None = None
    media: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """A kind, where it is served, and an object of it as the server answers it."""

    api_version: str
    kind: str
    namespaced: bool
    plural: str
    verbs: tuple[str, ...]
    subresources: tuple[str, ...]
    shown: Object

    @property
    def collection(self) -> str:
        group = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        return f"{group}{'/namespaces/fuzz' * self.namespaced}/{self.plural}"

    @property
    def start(self) -> Object:
        return valid(self.api_version, self.kind, NAME)

    @property
    def path(self) -> str:
        return f"{self.collection}/{self.start['metadata']['name']}"


@st.composite
def lives(draw: st.DrawFn, subjects: list[Subject]) -> list[Planned]:
    """Draw what is done with one object, from its creation to its deletion."""
    subject = draw(st.sampled_from(subjects))
    plan = [draw(_creations(subject))]
    if "get" in subject.verbs:
        acts = [_updates, _json_patches, _merges, _applies, _gets, _lists, _garbage]
        acts += [_strategic_merges] * (subject.plural != "widgets") + [_on_subresources] * bool(
            subject.subresources
        )
        plan += [draw(act(subject)) for act in draw(st.lists(st.sampled_from(acts), min_size=1, max_size=5))]
        plan += draw(st.lists(_deletions(subject), max_size=1))
        plan.append(Planned("delete", "DELETE", subject.path, b'{"gracePeriodSeconds":0}', _JSON))
    return plan


@st.composite
def _creations(draw: st.DrawFn, subject: Subject) -> Planned:
    keep = _IDENTITY if draw(st.integers(0, 9)) else ()
    body = draw(mutated(subject.start, most=2, keep=keep))
    return Planned("create", "POST", subject.collection + draw(_queries(_WRITE_QUERY)), _dumped(body), _JSON)


@st.composite
def _updates(draw: st.DrawFn, subject: Subject) -> Planned:
    body = draw(mutated(subject.shown, most=2, keep=_IDENTITY))
    return Planned("update", "PUT", subject.path + draw(_queries(_WRITE_QUERY)), _dumped(body), _JSON)


@st.composite
def _patches(
    draw: st.DrawFn, subject: Subject, verb: str, media: str, bodies: st.SearchStrategy[Any]
) -> Planned:
    body = _dumped(draw(bodies))
    return Planned(verb, "PATCH", subject.path + draw(_queries(_WRITE_QUERY)), body, media)


def _json_patches(subject: Subject) -> st.SearchStrategy[Planned]:
    return _patches(subject, "JSON patch", _JSON_PATCH, json_patches(subject.shown))


def _merges(subject: Subject) -> st.SearchStrategy[Planned]:
    return _patches(subject, "merge patch", _MERGE, merge_patches(subject.shown))


def _strategic_merges(subject: Subject) -> st.SearchStrategy[Planned]:
    return _patches(subject, "strategic patch", _STRATEGIC, merge_patches(subject.shown, directives=True))


@st.composite
def _applies(draw: st.DrawFn, subject: Subject) -> Planned:
    body = draw(mutated(subject.start, most=2, keep=_IDENTITY))
    as_yaml = draw(st.booleans())
    raw = yaml.safe_dump(body, allow_unicode=True).encode("utf-8", "replace") if as_yaml else _dumped(body)
    query = (
        f"?fieldManager={draw(st.sampled_from('ab'))}{draw(st.sampled_from(('&force=true', '', '&force=x')))}"
    )
    return Planned("apply", "PATCH", subject.path + query, raw, _APPLY)


@st.composite
def _gets(draw: st.DrawFn, subject: Subject) -> Planned:
    return Planned("get", "GET", subject.path, headers={"Accept": draw(st.sampled_from(_ACCEPT))})


@st.composite
def _lists(draw: st.DrawFn, subject: Subject) -> Planned:
    path = subject.collection + draw(_queries(_QUERY))
    return Planned("list", "GET", path, headers={"Accept": draw(st.sampled_from(_ACCEPT))})


@st.composite
def _garbage(draw: st.DrawFn, subject: Subject) -> Planned:
    method = draw(st.sampled_from(("PUT", "PATCH", "POST", "DELETE", "PATCH")))
    body = draw(st.sampled_from(_GARBAGE) | st.binary(max_size=40) | anything.map(_dumped))
    path = subject.collection if method == "POST" else subject.path
    return Planned("garbage", method, f"{path}?fieldManager=a", body, draw(st.sampled_from(_MEDIA)))


@st.composite
def _on_subresources(draw: st.DrawFn, subject: Subject) -> Planned:
    which = draw(st.sampled_from(subject.subresources))
    path = f"{subject.path}/{which}"
    if which in {"attach", "exec", "portforward", "log"}:
        query = "?container=main&tailLines=99999999999999999999&sinceTime=0001-01-01T00:00:00%2B23:59"
        return Planned("connect", "GET", path + draw(st.sampled_from((query, ""))))
    if which in _POSTED:
        body = draw(mutated({**_POSTED[which], "metadata": {"name": NAME}}))
        return Planned(which, "POST", path, _dumped(body), _JSON)
    if which == "scale":
        replicas = draw(st.sampled_from((1, 0, -1, 2**31, "x", None)))
        method, media = draw(st.sampled_from((("PUT", _JSON), ("PATCH", _MERGE), ("GET", ""))))
        return Planned(
            f"scale {method.lower()}", method, path, _dumped({"spec": {"replicas": replicas}}), media
        )
    method, media, bodies = draw(
        st.sampled_from(
            (
                ("PUT", _JSON, mutated(subject.shown, keep=_IDENTITY)),
                ("PATCH", _MERGE, merge_patches(subject.shown)),
                ("PATCH", _JSON_PATCH, json_patches(subject.shown)),
            )
        )
    )
    return Planned(f"{which} {method.lower()}", method, path, _dumped(draw(bodies)), media)


@st.composite
def _deletions(draw: st.DrawFn, subject: Subject) -> Planned:
    body = draw(mutated({"preconditions": {"resourceVersion": "1"}, "gracePeriodSeconds": 0}))
    return Planned("delete", "DELETE", subject.path + draw(_queries(_DELETE_QUERY)), _dumped(body), _JSON)


@st.composite
def _queries(draw: st.DrawFn, known: dict[str, st.SearchStrategy[str]]) -> str:
    """Draw a query, most often an empty one."""
    if draw(st.booleans()):
        return ""
    names = sorted(draw(st.sets(st.sampled_from(sorted(known)), max_size=2)))
    return "".join(
        f"{'&' if i else '?'}{name}={quote(draw(known[name]), safe='')}" for i, name in enumerate(names)
    )


def _dumped(value: Any) -> bytes:
    return orjson.dumps(value)
