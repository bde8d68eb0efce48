"""Objects that live: made valid or nearly so, changed in every way there is, read, listed, and deleted.

Each example is one object's life on a server that all examples share; what goes wrong is shrunk to a short
life by hypothesis, and repeated by the seed that it prints.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from tests.faults.conftest import Size, Tallies
from tests.faults.examined import Answer, Examined, examined
from tests.faults.mutations import anything, json_patches, merge_patches, mutated
from tests.faults.valid_objects import KINDS, WIDGETS, valid

_MOST_GROWTH_BYTES = 300_000_000
"""Schemas compiled for every kind, and the watch history, which is bounded for each."""
_IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"))
_SELECTORS = (
    "a=b", "a!=b", "a in (b,c)", "!a", "a notin ()", "a in (", "(", "a==b,,", "=" * 50, "a>1", "a\u0000", "app",
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
    b'{"metadata":{"name":"a","name":"b"},"data":{"a":"1","a":"2"}}', b"1" * 5000, b"1e999", b"a: " + b"9" * 5000,
    b'{"a":' * 5000 + b"1" + b"}" * 5000, b"k8s\x00" + b"\xff" * 40, b"&a [*a, *a]", b"a: &a [x]\nb: [*a,*a]",
    b"? {a: b}\n: c", b"? [a]\n: c", b"2026-01-01: 1", b"a: .inf\nb: .nan", b"a: !!python/object:os.system x",
    b"a: !!binary x", b"<<: [1]", b"--- {}\n--- {}", b'{"metadata":{"name":"a"},"spec":' + b"[" * 900 + b"]" * 900 + b"}",
)  # fmt: skip
_MEDIA = (
    "application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "application/json-patch+json",
    "application/merge-patch+json", "application/strategic-merge-patch+json", "application/apply-patch+yaml",
    "application/apply-patch+cbor", "text/html", "application/json;charset=utf-16", ";", "application/json; q",
)  # fmt: skip
_JSON_PATCH, _MERGE, _STRATEGIC, _APPLY = _MEDIA[3:7]
_names = itertools.count()


class Life:
    """One object, and what a client does with it.

    Parameters
    ----------
    server : Examined
        Where it lives.
    data : hypothesis' data
        What chance there is.
    """

    def __init__(
        self, server: Examined, data: st.DataObject, resources: dict[tuple[str, str], Object]
    ) -> None:
        self.server = server
        self.draw = data.draw
        api_version, kind = self.draw(st.sampled_from(KINDS), "kind")
        self.found = resources[api_version, kind]
        self.start = valid(api_version, kind, f"n{next(_names)}")
        self.name = self.start["metadata"]["name"]
        group = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        namespace = "/namespaces/fuzz" if self.found["namespaced"] else ""
        self.collection = f"{group}{namespace}/{self.found['name']}"
        self.path = f"{self.collection}/{self.name}"
        self.live = self.start

    def live_it(self) -> None:
        """Create it, do some things, and delete it."""
        answer = self.create()
        if not answer.accepted or "get" not in self.found["verbs"]:
            return
        self.live = answer.json()
        self.name = self.live["metadata"]["name"]
        self.path = f"{self.collection}/{quote(self.name, safe='')}"
        acts = [self.update, self.json_patch, self.merge, self.apply, self.get, self.list, self.garbage]
        acts += [self.strategic] if self.found["group"] != "example.com" else []
        acts += [self.subresource] * bool(self.found["subresources"])
        for act in self.draw(st.lists(st.sampled_from(acts), min_size=1, max_size=5), "acts"):
            answer = act()
            if answer.accepted and act in acts[:4]:
                self.live = answer.json()
        self.delete()

    def create(self) -> Answer:
        keep = _IDENTITY if self.draw(st.integers(0, 9)) else ()
        body = self.draw(mutated(self.start, most=2, keep=keep))
        return self.ask("POST", self.collection, body, query=self.query(_WRITE_QUERY), verb="create")

    def update(self) -> Answer:
        body = self.draw(mutated(self.live, most=2, keep=_IDENTITY))
        return self.ask("PUT", self.path, body, query=self.query(_WRITE_QUERY), verb="update")

    def json_patch(self) -> Answer:
        return self.patch(self.draw(json_patches(self.live)), _JSON_PATCH, "JSON patch")

    def merge(self) -> Answer:
        return self.patch(self.draw(merge_patches(self.live)), _MERGE, "merge patch")

    def strategic(self) -> Answer:
        return self.patch(self.draw(merge_patches(self.live, directives=True)), _STRATEGIC, "strategic patch")

    def apply(self) -> Answer:
        body = self.draw(mutated(self.start, most=2, keep=_IDENTITY))
        if isinstance(body, dict) and isinstance(body.get("metadata"), dict):
            body["metadata"]["name"] = self.name
        force = self.draw(st.sampled_from(("&force=true", "", "&force=x")))
        manager = self.draw(st.sampled_from(("a", "b")))
        raw = yaml.safe_dump(body).encode("utf-8", "replace") if self.draw(st.booleans()) else body
        return self.ask("PATCH", f"{self.path}?fieldManager={manager}{force}", raw, _APPLY, verb="apply")

    def patch(self, body: Any, media: str, verb: str) -> Answer:
        return self.ask("PATCH", self.path, body, media, query=self.query(_WRITE_QUERY), verb=verb)

    def get(self) -> Answer:
        accept = {"Accept": self.draw(st.sampled_from(_ACCEPT))}
        return self.ask("GET", self.path, query=self.query({}), headers=accept, verb="get")

    def list(self) -> Answer:
        accept = {"Accept": self.draw(st.sampled_from(_ACCEPT))}
        return self.ask("GET", self.collection, query=self.query(_QUERY), headers=accept, verb="list")

    def garbage(self) -> Answer:
        method = self.draw(st.sampled_from(("PUT", "PATCH", "POST", "DELETE", "PATCH")))
        body = self.draw(st.sampled_from(_GARBAGE) | st.binary(max_size=40) | anything)
        media = self.draw(st.sampled_from(_MEDIA))
        path = self.collection if method == "POST" else self.path
        return self.ask(method, path, body, media, query={"fieldManager": "a"}, verb="garbage")

    def subresource(self) -> Answer:
        which = self.draw(st.sampled_from(self.found["subresources"]))
        path = f"{self.path}/{which}"
        if which in {"attach", "exec", "portforward", "log"}:
            query = {"container": "main", "tailLines": "9" * 30, "sinceTime": "0001-01-01T00:00:00+23:59"}
            return self.ask("GET", path, query=self.draw(st.sampled_from((query, {}))), verb="connect")
        bodies = {"binding": "Binding", "eviction": "Eviction", "token": "TokenRequest", "scale": "Scale"}
        if which in {"binding", "eviction", "token"}:
            start = {"kind": bodies[which], "metadata": {"name": self.name}, "spec": {"audiences": ["a"]}}
            start |= {"target": {"kind": "Node", "name": "b"}} if which == "binding" else {}
            return self.ask("POST", path, self.draw(mutated(start)), verb=which)
        verb, media, body = self.draw(
            st.one_of(
                st.tuples(st.just("PUT"), st.just(_MEDIA[0]), mutated(self.live, keep=_IDENTITY)),
                st.tuples(st.just("PATCH"), st.just(_MERGE), merge_patches(self.live)),
                st.tuples(st.just("PATCH"), st.just(_JSON_PATCH), json_patches(self.live)),
                st.tuples(st.just("GET"), st.just(""), st.none()),
            )
        )
        if which == "scale" and verb != "GET":
            replicas = self.draw(st.sampled_from((1, 0, -1, 2**31, "x", None)))
            body, media = {"spec": {"replicas": replicas}}, _MERGE if verb == "PATCH" else media
        return self.ask(verb, path, body, media, verb=f"{which} {verb.lower()}")

    def delete(self) -> None:
        options = {"preconditions": {"uid": self.live["metadata"].get("uid")}, "gracePeriodSeconds": 0}
        if not self.draw(st.integers(0, 3)):
            body = self.draw(mutated(options))
            self.ask("DELETE", self.path, body, query=self.query(_DELETE_QUERY), verb="delete")
        self.ask("DELETE", self.path, {"gracePeriodSeconds": 0}, verb="delete")

    def query(self, known: dict[str, st.SearchStrategy[str]]) -> dict[str, str]:
        names = self.draw(st.sets(st.sampled_from(sorted(known)), max_size=2)) if known else set()
        if self.draw(st.booleans()):
            return {}
        return {name: self.draw(known[name]) for name in sorted(names)}

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        media: str = "application/json",
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        verb: str,
    ) -> Answer:
        if query:
            path += "&?"["?" not in path] + "&".join(f"{key}={quote(value)}" for key, value in query.items())
        return self.server.ask(method, path, body, media, verb=verb, headers=headers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tallies: Tallies) -> Iterator[Examined]:
    with examined(tmp_path_factory.mktemp("lives")) as running:
        running.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "fuzz"}})
        assert running.ask(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS
        ).accepted
        yield running
        tallies["lives"] = running.tally


@pytest.fixture(scope="module")
def resources(server: Examined) -> dict[tuple[str, str], Object]:
    """What discovery says about each kind, with the names of its subresources."""
    found: dict[tuple[str, str], Object] = {}
    for version in sorted({version for version, _ in KINDS}):
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        for entry in server.ask("GET", path, verb="discovery").json()["resources"]:
            name, _, subresource = entry["name"].partition("/")
            if subresource:
                found[version, "/" + name]["subresources"].append(subresource)
            else:
                group = version.partition("/")[0]
                found[version, "/" + name] = found[version, entry["kind"]] = {
                    **entry,
                    "group": group,
                    "subresources": [],
                }
    return found


@pytest.mark.timeout(1800)
def test_no_life_makes_the_server_fail(
    server: Examined, resources: dict[tuple[str, str], Object], size: Size
) -> None:
    memory = psutil.Process(server.process.pid).memory_info
    before = memory().rss

    @size.settings(few=250, many=4500)
    @given(st.data())
    def live(data: st.DataObject) -> None:
        Life(server, data, resources).live_it()

    live()
    server.is_well()
    assert memory().rss - before < _MOST_GROWTH_BYTES
    verbs = (
        "create",
        "update",
        "JSON patch",
        "merge patch",
        "strategic patch",
        "apply",
        "get",
        "list",
        "delete",
    )
    shares = {verb: server.tally.share(verb) for verb in verbs}
    assert all(share > 1 / 4 for share in shares.values()), shares
    assert shares["create"] > 1 / 3, shares


def test_every_kind_has_an_object_that_is_accepted(
    server: Examined, resources: dict[tuple[str, str], Object]
) -> None:
    for api_version, kind in KINDS:
        found = resources[api_version, kind]
        group = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        path = f"{group}{'/namespaces/fuzz' * found['namespaced']}/{found['name']}"
        answer = server.ask("POST", path, valid(api_version, kind, f"v{next(_names)}"), verb="valid")
        assert answer.code == 201, (path, answer.body)
