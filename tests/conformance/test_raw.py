"""The same requests to both engines, without any client's help: the answers must be the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.conformance.differences import ANSWERS
from tests.conformance.engines import served
from tests.conformance.raw import Call, Raw
from tests.conformance.raw_cases import CASES
from tests.realapi import build


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Raw, Raw]]:
    """The embedded API server and the real one."""
    try:
        build.assets()
    except build.UnavailableError as error:
        pytest.skip(str(error))
    with ExitStack() as stack:
        embedded, real = (
            Raw(stack.enter_context(served(engine, tmp_path_factory.mktemp(engine))))
            for engine in ("embedded", "binaries")
        )
        yield embedded, real


@pytest.mark.parametrize("case", CASES)
def test_both_engines_answer_alike(servers: tuple[Raw, Raw], case: str) -> None:
    namespace = f"raw-{case.replace(' ', '-')}"
    account = {"metadata": {"name": "default"}}
    for server in servers:
        server.send(Call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}))
        server.send(Call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account))
    unlike = {}
    for number, call in enumerate(CASES[case]):
        embedded, real = (server.send(call, namespace) for server in servers)
        if (embedded.status, embedded.comparable) != (real.status, real.comparable):
            unlike[number] = (
                f"{call.method} {call.path} {call.body}\n"
                f"embedded {embedded.status} {embedded.text}\nreal     {real.status} {real.text}"
            )
    known = set(ANSWERS.get(case, {}))
    news = [text for number, text in unlike.items() if number not in known]
    assert not news, "\n\n".join(["answers differ:", *news])
    assert set(unlike) == known, f"no longer different, take them off the list: {known - set(unlike)}"
