"""The same requests to both engines, without any client's help: the answers must be the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.differences import ANSWERS
from tests.conformance.raw import Call, Raw, Said
from tests.conformance.raw_cases import CASES


@pytest.mark.parametrize("case", CASES)
def test_both_engines_answer_alike(servers: tuple[Raw, Raw], case: str) -> None:
    namespace = f"raw-{case.replace(' ', '-')}"
    account = {"metadata": {"name": "default"}}
    for server in servers:
        server.send(Call("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}}))
        server.send(Call("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account))
    unlike = {}
    for number, (embedded, real) in enumerate(_answers(servers, CASES[case], namespace)):
        call = CASES[case][number]
        if (embedded.status, embedded.comparable) != (real.status, real.comparable):
            unlike[number] = (
                f"{call.method} {call.path} {call.body}\n"
                f"embedded {embedded.status} {embedded.text}\nreal     {real.status} {real.text}"
            )
    known = set(ANSWERS.get(case, {}))
    news = [text for number, text in unlike.items() if number not in known]
    assert not news, "\n\n".join(["answers differ:", *news])
    assert set(unlike) == known, f"no longer different, take them off the list: {known - set(unlike)}"


def _answers(servers: tuple[Raw, Raw], calls: Sequence[Call], namespace: str) -> Iterator[tuple[Said, Said]]:
    """Send each call to both servers at once, and yield what they say."""
    with ThreadPoolExecutor(2, "server") as pool:
        for call in calls:
            embedded, real = (pool.submit(server.send, call, namespace) for server in servers)
            yield embedded.result(), real.result()
