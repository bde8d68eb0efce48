"""A server beside a dictionary: whatever is written, lists and watches show what the dictionary holds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kubelab.client import Object
from tests.faults.conftest import Size
from tests.faults.examined import Answer, Examined, examined
from tests.faults.valid_objects import WIDGETS, valid
from tests.told import Told

_COLLECTIONS = {
    "configmaps": ("v1", "ConfigMap"),
    "leases": ("coordination.k8s.io/v1", "Lease"),
    "widgets": ("example.com/v1", "Widget"),
}
_namespaces = itertools.count()
_plurals = st.sampled_from(sorted(_COLLECTIONS))
_names = st.sampled_from(("a", "b"))
_values = st.sampled_from(("1", "2", "3"))
_labels = st.sampled_from(("x", "y"))
_MERGE, _JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
_APPLY = "application/apply-patch+yaml"
_MARKER = "marker"


@dataclass(frozen=True)
class Known:
    """What the model remembers of an object."""

    value: str
    label: str
    version: int


Contents = dict[str, Known]


@dataclass(frozen=True)
class Seen:
    """A collection as a list showed it, to watch on from there."""

    plural: str
    label: str | None
    version: int
    contents: Contents


class Beside(RuleBasedStateMachine):
    """Clients' writes on a namespace of its own, and the model of it."""

    server: Examined
    seen = Bundle("seen")

    def __init__(self) -> None:
        super().__init__()
        self.namespace = f"model-{next(_namespaces)}"
        answer = self.server.ask("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self.version = int(answer.json()["metadata"]["resourceVersion"])
        self.model: dict[str, Contents] = {plural: {} for plural in _COLLECTIONS}

    @initialize(plurals=st.sets(_plurals))
    def begin(self, plurals: set[str]) -> None:
        for plural in sorted(plurals):
            self.create(plural, "a", "1", "x", dry=False)

    @rule(plural=_plurals, name=_names, value=_values, label=_labels, dry=st.booleans())
    def create(self, plural: str, name: str, value: str, label: str, dry: bool) -> None:
        body = self.body(plural, name, value, label)
        answer = self.ask("POST", plural, body=body, query="?dryRun=All" if dry else "")
        if name in self.model[plural]:
            assert answer.code == 409
        else:
            assert answer.code == 201
            if not dry:
                self.changed(plural, answer)

    @rule(plural=_plurals, name=_names, value=_values, label=_labels, stale=st.booleans())
    def update(self, plural: str, name: str, value: str, label: str, stale: bool) -> None:
        known = self.model[plural].get(name)
        body = self.body(plural, name, value, label)
        body["metadata"]["resourceVersion"] = str(known.version - stale) if known else "1"
        answer = self.ask("PUT", plural, name, body=body)
        if known is None:
            assert answer.code in {404, 409}
        elif stale:
            assert (answer.code, answer.json()["reason"]) == (409, "Conflict")
        else:
            assert answer.code == 200
            self.changed(plural, answer)

    @rule(
        plural=_plurals,
        name=_names,
        value=_values,
        label=_labels,
        kind=st.sampled_from((_MERGE, _JSON_PATCH)),
    )
    def patch(self, plural: str, name: str, value: str, label: str, kind: str) -> None:
        known = self.model[plural].get(name)
        change: Any = {"metadata": {"annotations": {"value": value}, "labels": {"app": label}}}
        if kind == _JSON_PATCH:
            change = [
                {"op": "replace", "path": "/metadata/annotations/value", "value": value},
                {"op": "replace", "path": "/metadata/labels/app", "value": label},
            ]
        answer = self.ask("PATCH", plural, name, body=change, media=kind)
        assert answer.code == (200 if known else 404)
        if known:
            self.changed(plural, answer)
            same = (known.value, known.label) == (value, label)
            assert (self.model[plural][name].version == known.version) is same

    @rule(plural=_plurals, name=_names, value=_values, label=_labels)
    def apply(self, plural: str, name: str, value: str, label: str) -> None:
        body = self.body(plural, name, value, label)
        answer = self.ask("PATCH", plural, name, body=body, media=_APPLY, query="?fieldManager=m&force=true")
        assert answer.code == (200 if name in self.model[plural] else 201)
        self.changed(plural, answer)

    @rule(plural=_plurals, name=_names, version=st.sampled_from((None, "right", "wrong")), dry=st.booleans())
    def delete(self, plural: str, name: str, version: str | None, dry: bool) -> None:
        known = self.model[plural].get(name)
        body: Object = {"dryRun": ["All"]} if dry else {}  # upstream reads the query only where there is none
        if version:
            wanted = known.version if known and version == "right" else 1
            body["preconditions"] = {"resourceVersion": str(wanted)}
        answer = self.ask("DELETE", plural, name, body=body)
        assert answer.code == (404 if known is None else 409 if version == "wrong" else 200)
        if answer.code == 200 and not dry:
            del self.model[plural][name]

    @rule(plural=_plurals, label=_labels)
    def delete_all(self, plural: str, label: str) -> None:
        assert self.ask("DELETE", plural, query=f"?labelSelector=app={label}").code == 200
        kept = {name: known for name, known in self.model[plural].items() if known.label != label}
        self.model[plural] = kept

    @rule(plural=_plurals, name=_names)
    def get(self, plural: str, name: str) -> None:
        answer, known = self.ask("GET", plural, name), self.model[plural].get(name)
        assert answer.code == (200 if known else 404)
        assert not known or _known(answer.json()) == known

    @rule(target=seen, plural=_plurals, label=st.none() | _labels, limit=st.sampled_from((0, 1, 2)))
    def list(self, plural: str, label: str | None, limit: int) -> Seen:
        contents, version, token = dict[str, Known](), 0, ""
        while True:
            query = f"?limit={limit}&continue={quote(token)}" + (
                f"&labelSelector=app={label}" if label else ""
            )
            answer = self.ask("GET", plural, query=query).json()
            version = int(answer["metadata"]["resourceVersion"])
            contents |= {item["metadata"]["name"]: _known(item) for item in answer["items"]}
            token = answer["metadata"].get("continue", "")
            if not token:
                break
        assert contents == self.selected(plural, label)
        assert version >= self.version
        self.version = version
        return Seen(plural, label, version, contents)

    @rule(seen=consumes(seen))
    def replay(self, seen: Seen) -> None:
        """Watch from a list on: its contents and the events make what is there now."""
        marker = self.body(seen.plural, _MARKER, "0", seen.label or "x")
        created = self.ask("POST", seen.plural, body=marker).json()
        contents, version = dict(seen.contents), seen.version
        for event in self.watched(seen):
            obj = event["object"]
            name, known = obj["metadata"]["name"], _known(obj)
            assert known.version > version
            version = known.version
            assert (
                event["type"] == ("MODIFIED" if name in contents else "ADDED") or event["type"] == "DELETED"
            )
            if event["type"] == "DELETED":
                del contents[name]
            else:
                contents[name] = known
            if version == int(created["metadata"]["resourceVersion"]):
                break
        del contents[_MARKER]
        assert contents == self.selected(seen.plural, seen.label)
        assert self.ask("DELETE", seen.plural, _MARKER).code == 200

    @precondition(lambda self: any(self.model.values()))
    @rule()
    def list_everywhere(self) -> None:
        for plural, (version, _) in _COLLECTIONS.items():
            listed = self.server.ask(
                "GET", f"{_prefix(version)}/{plural}?fieldSelector=metadata.namespace={self.namespace}"
            )
            found = {item["metadata"]["name"]: _known(item) for item in listed.json()["items"]}
            assert {name: known for name, known in found.items() if name != "kube-root-ca.crt"} == self.model[
                plural
            ]

    def teardown(self) -> None:
        for plural in _COLLECTIONS:
            self.replay(self.list(plural, None, 1))
            self.server.ask("DELETE", self.path(plural))

    def body(self, plural: str, name: str, value: str, label: str) -> Object:
        body = valid(*_COLLECTIONS[plural], name)
        body["metadata"] |= {"annotations": {"value": value}, "labels": {"app": label}}
        return body

    def ask(
        self,
        method: str,
        plural: str,
        name: str = "",
        *,
        body: Any = None,
        media: str = "application/json",
        query: str = "",
    ) -> Answer:
        path = self.path(plural) + (f"/{name}" if name else "") + query
        return self.server.ask(method, path, body, media)

    def path(self, plural: str) -> str:
        return f"{_prefix(_COLLECTIONS[plural][0])}/namespaces/{self.namespace}/{plural}"

    def changed(self, plural: str, answer: Answer) -> None:
        """Take over what an answer shows; its version is newer than any before, or the object's own."""
        obj = answer.json()
        name, known = obj["metadata"]["name"], _known(obj)
        before = self.model[plural].get(name)
        assert known.version > self.version or (before and before.version == known.version)
        self.version = max(self.version, known.version)
        self.model[plural][name] = known

    def selected(self, plural: str, label: str | None) -> Contents:
        return {name: known for name, known in self.model[plural].items() if label in {None, known.label}}

    def watched(self, seen: Seen) -> Iterator[Object]:
        query = f"?watch=true&timeoutSeconds=60&resourceVersion={seen.version}"
        query += f"&labelSelector=app={seen.label}" if seen.label else ""
        with closing(self.server.connect()) as connection:
            connection.request(
                "GET", self.path(seen.plural) + query, headers={"Authorization": "Bearer secret"}
            )
            with closing(connection.getresponse()) as answer:
                while line := answer.readline():
                    yield orjson.loads(line)
        raise AssertionError(f"the watch of {seen} ended before it showed what was created last")


def _known(obj: Object) -> Known:
    metadata = obj["metadata"]
    return Known(
        metadata.get("annotations", {}).get("value", ""),
        metadata.get("labels", {}).get("app", ""),
        int(metadata["resourceVersion"]),
    )


def _prefix(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


@pytest.mark.timeout(1800)
def test_lists_and_watches_show_what_was_written(tmp_path: Path, size: Size, told: Told) -> None:
    with examined(tmp_path) as server:
        assert server.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS).accepted
        machine = type("Machine", (Beside,), {"server": server})
        run_state_machine_as_test(
            machine,
            settings=settings(size.settings(few=15, many=150), stateful_step_count=60 if size.full else 25),
        )
    told["model"] = server.tally
