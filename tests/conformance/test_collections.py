"""Long lists and watches, on every engine: pages, order, and going on where one stopped."""

from __future__ import annotations

import json

from tests.conformance.kubectl import Kubectl
from tests.conformance.raw import MERGE, Call, Raw

MAPS = "/api/v1/namespaces/{ns}/configmaps"


def made(kubectl: Kubectl, *names: str) -> Raw:
    raw = Raw(kubectl.kubeconfig)
    for name in names:
        raw.send(Call("POST", MAPS, {"metadata": {"name": name}}), kubectl.namespace)
    return raw


def test_a_list_comes_in_pages_of_one_moment(kubectl: Kubectl) -> None:
    raw = made(kubectl, *"edcba")
    first = json.loads(raw.send(Call("GET", f"{MAPS}?limit=2"), kubectl.namespace).text)
    assert first["metadata"]["remainingItemCount"] == 3
    made(kubectl, "aa", "z")
    raw.send(Call("DELETE", f"{MAPS}/e"), kubectl.namespace)
    token = first["metadata"]["continue"]
    rest = json.loads(raw.send(Call("GET", f"{MAPS}?limit=9&continue={token}"), kubectl.namespace).text)
    names = [item["metadata"]["name"] for item in [*first["items"], *rest["items"]]]
    assert names == ["a", "b", "c", "d", "e"]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert "continue" not in rest["metadata"]


def test_a_watch_tells_changes_in_order_and_goes_on_where_it_stopped(kubectl: Kubectl) -> None:
    raw = made(kubectl, "old")
    start = json.loads(raw.send(Call("GET", MAPS), kubectl.namespace).text)["metadata"]["resourceVersion"]
    made(kubectl, "new")
    raw.send(Call("PATCH", f"{MAPS}/new", {"data": {"k": "v"}}, MERGE), kubectl.namespace)
    raw.send(Call("DELETE", f"{MAPS}/old"), kubectl.namespace)
    events = watched(raw, kubectl, start, 3)
    assert [(kind, name) for kind, name, _ in events] == [
        ("ADDED", "new"),
        ("MODIFIED", "new"),
        ("DELETED", "old"),
    ]
    versions = [int(version) for _, _, version in events]
    assert versions == sorted(versions)
    assert watched(raw, kubectl, events[0][2], 2) == events[1:]


def test_a_version_that_was_never_there_is_not_waited_for_for_ever(kubectl: Kubectl) -> None:
    raw = made(kubectl)
    answer = raw.send(Call("GET", f"{MAPS}?resourceVersion=99999999"), kubectl.namespace)
    assert answer.status == 504
    assert "Too large resource version" in answer.text


def watched(raw: Raw, kubectl: Kubectl, version: str, count: int) -> list[tuple[str, str, str]]:
    """Return what a watch of some seconds tells after a version."""
    call = Call("GET", f"{MAPS}?watch=1&resourceVersion={version}&timeoutSeconds=2")
    lines = raw.send(call, kubectl.namespace).text.splitlines()
    found = [json.loads(line) for line in lines]
    events = [
        (each["type"], each["object"]["metadata"]["name"], each["object"]["metadata"]["resourceVersion"])
        for each in found
    ]
    assert len(events) == count, lines
    return events
