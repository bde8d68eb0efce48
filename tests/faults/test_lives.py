"""Objects that live: made valid or nearly so, changed in every way there is, read, listed, and deleted.

An example is one object's life, planned before it begins, so that it does not depend on the lives before it
on the same server. What goes wrong is shrunk by hypothesis, and repeated by what it prints.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import psutil
import pytest
from hypothesis import given

from kubelab.client import Object
from tests.faults.conftest import Size
from tests.faults.examined import Examined, examined
from tests.faults.lives import NAME, Planned, Subject, lives
from tests.faults.valid_objects import KINDS, WIDGETS, valid
from tests.told import Told

_MOST_GROWTH_BYTES = 300_000_000
"""Schemas compiled for every kind, and the watch history, which is bounded for each."""
_VERBS = (
    "create", "update", "JSON patch", "merge patch", "strategic patch", "apply", "get", "list", "delete",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, told: Told) -> Iterator[Examined]:
    with examined(tmp_path_factory.mktemp("lives")) as running:
        assert running.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "fuzz"}}).accepted
        assert running.ask(
            "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", WIDGETS
        ).accepted
        yield running
    told["lives"] = running.tally


@pytest.fixture(scope="module")
def subjects(server: Examined) -> list[Subject]:
    """Every kind, with a valid object of it that was accepted."""
    return list(subjects_of(server))


def subjects_of(server: Examined) -> Iterator[Subject]:
    for api_version, kind in KINDS:
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        served = server.ask("GET", path, verb="discovery").json()["resources"]
        entry = next(each for each in served if each["kind"] == kind and "/" not in each["name"])
        below = [each["name"].partition("/") for each in served]
        found = Subject(
            api_version,
            kind,
            entry["namespaced"],
            entry["name"],
            tuple(entry["verbs"]),
            tuple(name for plural, _, name in below if plural == entry["name"] and name),
            shown={},
        )
        answer = server.ask("POST", found.collection, valid(api_version, kind, NAME), verb="valid")
        assert answer.code == 201, answer
        if "get" in found.verbs:  # some kinds are served twice
            server.ask("DELETE", found.path, {"gracePeriodSeconds": 0}, verb="valid")
        yield Subject(**{**vars(found), "shown": _shown(answer.json())})


def _shown(obj: Object) -> Object:
    """Return an object without what the server alone decides."""
    for field in ("uid", "resourceVersion", "generation", "creationTimestamp"):
        obj["metadata"].pop(field, None)
    return obj


def live(server: Examined, plan: list[Planned], name: str) -> None:
    """Send the requests of a life; one that does not begin is over at once."""
    for request in plan:
        body = request.body and request.body.replace(NAME.encode(), name.encode())
        path = request.path.replace(NAME, name)
        answer = server.ask(
            request.method, path, body, request.media, verb=request.verb, headers=request.headers
        )
        if request.verb == "create" and not answer.accepted:
            return


@pytest.mark.timeout(1800)
def test_no_life_makes_the_server_fail(server: Examined, subjects: list[Subject], size: Size) -> None:
    memory, names = psutil.Process(server.process.pid).memory_info, itertools.count()
    before = memory().rss

    @size.settings(few=900, many=4500)
    @given(lives(subjects))
    def send(plan: list[Planned]) -> None:
        live(server, plan, f"n{next(names)}")

    send()
    server.is_well()
    assert memory().rss - before < _MOST_GROWTH_BYTES
    shares = {verb: server.tally.share(verb) for verb in _VERBS}
    assert min(shares.values()) > 1 / 4, shares
    assert shares["create"] > 1 / 3, shares
