"""Requests that schemathesis makes from the served OpenAPI, well-formed or not: each is answered properly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from tests.faults.conftest import Size
from tests.faults.examined import Answer, Examined, examined
from tests.faults.valid_objects import KINDS, valid
from tests.told import Told

_FEW = ("/api/v1/namespaces/{namespace}/secrets", "/apis/policy/v1/namespaces/{namespace}")
"""What is asked at small size: making requests for a Pod takes schemathesis seconds."""
_PLACE = {"namespace": "default", "name": "made"}


@pytest.mark.timeout(1800)
def test_every_operation_answers_whatever_its_schema_allows_or_forbids(
    tmp_path: Path, size: Size, told: Told
) -> None:
    with examined(tmp_path) as server, requests.Session() as session:
        session.headers["Authorization"] = "Bearer secret"
        for document in _documents(server):
            for found in schemathesis.openapi.from_dict(document).get_all_operations():
                operation = found.ok()
                if size.full or operation.path.startswith(_FEW):
                    _prepare(server, operation)
                    for mode in _modes(operation):
                        _send(server, session, operation, mode, size)
            server.is_well()
    told["schemathesis"] = server.tally


def _modes(operation: Any) -> list[GenerationMode]:
    """Return what can be asked: an operation without query and body has no wrong request."""
    return list(GenerationMode) if operation.query or operation.body else [GenerationMode.POSITIVE]


def _send(
    server: Examined, session: requests.Session, operation: Any, mode: GenerationMode, size: Size
) -> None:
    @size.settings(few=4, many=4)
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Case) -> None:
        _aim(case)
        began = time.monotonic()
        response = case.call(
            f"https://127.0.0.1:{server.port}", session=session, verify=str(server.ca), timeout=60
        )
        answer = Answer(response.status_code, response.content, response.headers.get("Content-Type", ""))
        server.tally.add(f"{mode.value} {case.method.lower()}", answer)
        server.examine(answer, time.monotonic() - began, case.as_curl_command())

    try:
        send()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE


def _prepare(server: Examined, operation: Any) -> None:
    """Create what an operation on a named object is about."""
    api_version, kind = _type(operation)
    if "{name}" in operation.path and (api_version, kind) in KINDS:
        collection = operation.path.partition("/{name}")[0].format_map(_PLACE)
        server.ask("POST", collection, valid(api_version, kind, _PLACE["name"]), verb="prepare")


def _aim(case: Case) -> None:
    """Let requests reach an object and its checks, and none wait for what changes."""
    for name, value in _PLACE.items():
        if name in case.path_parameters:
            case.path_parameters[name] = value
    if isinstance(case.query, dict):
        case.query.pop("watch", None)
    if isinstance(case.body, dict):
        case.body["apiVersion"], case.body["kind"] = _type(case.operation)
        if isinstance(case.body.setdefault("metadata", {}), dict):
            case.body["metadata"]["name"] = _PLACE["name"]
            case.body["metadata"].pop("namespace", None)


def _type(operation: Any) -> tuple[str, str]:
    found = operation.definition.raw["x-kubernetes-group-version-kind"]
    return "/".join(filter(None, (found["group"], found["version"]))), found["kind"]


def _documents(server: Examined) -> list[dict[str, Any]]:
    paths = server.ask("GET", "/openapi/v3", verb="discovery").json()["paths"]
    return [
        server.ask("GET", entry["serverRelativeURL"], verb="discovery").json() for entry in paths.values()
    ]
