"""YAML that would end the process or fill its memory is a bad request."""

from __future__ import annotations

import pytest

from kubelab.engine.apiserver.yaml_documents import parse_yaml
from kubelab.errors import ApiError


def test_aliases_are_unfolded() -> None:
    assert parse_yaml(b"a: &x [1, 2]\nb: *x\n1: true") == {"a": [1, 2], "b": [1, 2], "1": True}


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"{a: " * 100_000, b"- " * 100_000, b"[" * 600 + b"]" * 600]
)
def test_deep_nesting_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match="deeper than 500 levels") as refused:
        parse_yaml(body)
    assert refused.value.code == 400


def test_aliases_of_aliases_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(ApiError, match="excessive aliasing"):
        parse_yaml("\n".join(lines).encode())


@pytest.mark.parametrize("body", [b"&a [*a]", b"a: [", b"\xff", b"*unknown", b"? {}\n: 1", b"a: 2026-13-45"])
def test_other_faults_are_a_bad_request(body: bytes) -> None:
    with pytest.raises(ApiError, match="error decoding YAML"):
        parse_yaml(body)
