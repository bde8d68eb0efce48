"""Warnings reach the client as headers that every HTTP library can read."""

from __future__ import annotations

import pytest

from kubelab.engine.apiserver.warning_headers import warning_headers
from kubelab.http import HttpTransport, Kubeconfig


def test_a_warning_is_quoted() -> None:
    assert warning_headers(['unknown field "a\\b"']) == [
        (b"warning", rb'299 - "unknown field \"a\\b\""'),
    ]


@pytest.mark.parametrize("letter", ["\x00", "\n", "\r", "\x1f", "\x7f", "\x85"])
def test_a_warning_with_a_control_character_is_left_out(letter: str) -> None:
    assert [value for _, value in warning_headers([f"a{letter}b", "é"])] == ['299 - "é"'.encode()]


def test_the_same_is_said_once() -> None:
    assert len(warning_headers(["a", "a"])) == 1


def test_many_warnings_are_shortened_and_then_left_out() -> None:
    headers = warning_headers([f"{number:04}{'x' * 996}" for number in range(10_000)])
    assert len(headers) == 16
    assert all(len(value) == 256 + len('299 - ""') for _, value in headers)


@pytest.mark.parametrize("field", ["\\u001f", "a\\r\\nSet-Cookie: b", "\\n"])
async def test_a_field_with_a_control_character_gets_an_answer(kubeconfig: Kubeconfig, field: str) -> None:
    transport = HttpTransport(kubeconfig)
    body = f'{{"metadata":{{"name":"odd"}},"{field}":1}}'.encode()
    path = "/api/v1/namespaces/default/configmaps"
    answer = await transport.request("POST", path, {}, body)
    assert (answer.status, b'"odd"' in answer.body) == (201, True)
    await transport.close()
