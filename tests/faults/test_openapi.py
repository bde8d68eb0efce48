"""Requests that schemathesis makes from the served OpenAPI, well-formed or not: each is answered properly."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode

from tests.faults.conftest import Size, Tallies
from tests.faults.examined import Answer, Examined, examined

_FEW = ("/api/v1/namespaces/{namespace}/secrets", "/apis/rbac", "/apis/policy", "/apis/autoscaling/v1")
"""What is asked at small size: making requests for a Pod takes schemathesis seconds."""


@pytest.mark.timeout(1800)
def test_every_operation_answers_whatever_its_schema_allows_or_forbids(
    tmp_path: Path, size: Size, tallies: Tallies
) -> None:
    with examined(tmp_path) as server, requests.Session() as session:
        session.headers["Authorization"] = "Bearer secret"
        for document in _documents(server):
            schema = schemathesis.openapi.from_dict(document)
            for found in schema.get_all_operations():
                operation = found.ok()
                if size.full or operation.path.startswith(_FEW):
                    for mode in GenerationMode:
                        _send(server, session, operation, mode, size)
            server.is_well()
    tallies["schemathesis"] = server.tally


def _send(
    server: Examined, session: requests.Session, operation: Any, mode: GenerationMode, size: Size
) -> None:
    """Send cases of one operation; one without parameters or body has no wrong ones."""

    @settings(size.settings(few=3, many=8), suppress_health_check=list(HealthCheck))
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


def _aim(case: Case) -> None:
    """Let most requests reach an object's checks, and none wait for what changes."""
    if len(str(case.path_parameters)) % 4 and "namespace" in case.path_parameters:
        case.path_parameters["namespace"] = "default"
    if "name" in case.path_parameters:
        case.path_parameters["name"] = "made"
    if isinstance(case.query, dict):
        case.query.pop("watch", None)
    kind = case.operation.definition.raw.get("x-kubernetes-group-version-kind")
    if isinstance(case.body, dict) and kind:
        case.body["kind"] = kind["kind"]
        case.body["apiVersion"] = "/".join(filter(None, (kind["group"], kind["version"])))
        metadata = case.body.get("metadata")
        if isinstance(metadata, dict):
            metadata["name"] = "made"
            metadata.pop("namespace", None)


def _documents(server: Examined) -> list[dict[str, Any]]:
    paths = server.ask("GET", "/openapi/v3").json()["paths"]
    return [server.ask("GET", entry["serverRelativeURL"]).json() for entry in paths.values()]
