"""Options of lists and watches, and the tokens that continue a list."""

from __future__ import annotations

import pytest

from kubelab.engine.apiserver.auth import in_process_user
from kubelab.engine.apiserver.continuation import position, token_of
from kubelab.engine.apiserver.list_options import ListOptions
from kubelab.engine.apiserver.requests import Request
from kubelab.errors import ApiError


def options(**query: str) -> ListOptions:
    names = {"token": "continue"}
    asked = {names.get(name, name): value for name, value in query.items()}
    return ListOptions.of(Request("GET", "/api/v1/pods", asked, b"", in_process_user("system:me")))


def test_a_watch_from_the_beginning_begins_with_what_is_there() -> None:
    assert options(watch="1").initial is True
    assert options(watch="1", resourceVersion="0").initial is True
    assert options(watch="1", resourceVersion="5").initial is None


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({"resourceVersionMatch": "Exact"}, 1),
        ({"resourceVersionMatch": "Nope"}, 2),
        ({"resourceVersionMatch": "Exact", "resourceVersion": "0"}, 1),
        ({"resourceVersionMatch": "Nope", "token": "x"}, 3),
        ({"sendInitialEvents": "true"}, 1),
        ({"watch": "1", "resourceVersionMatch": "Exact"}, 2),
        ({"watch": "1", "token": "x"}, 1),
    ],
)
def test_every_contradiction_is_named(query: dict[str, str], causes: int) -> None:
    with pytest.raises(ApiError) as refused:
        options(**query)
    assert refused.value.code == 422
    assert len(refused.value.status["details"]["causes"]) == causes


@pytest.mark.parametrize("text", ["", "x", "1.5", "99999999999999999999"])
def test_a_limit_is_a_number_of_64_bits(text: str) -> None:
    with pytest.raises(ApiError, match=r"strconv\.ParseInt"):
        options(limit=text)


def test_a_token_leads_back_to_its_key() -> None:
    assert position(token_of(7, ("default", "a"))) == (7, ("default", "a"))


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("a.b", "illegal base64 data at input byte 1"),
        ("e30", "server does not recognize this encoded version "),
        ("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0", "encoded start key empty"),
        ("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiIvLi4vYiJ9", "/../b"),
    ],
)
def test_what_is_no_token_is_refused(token: str, problem: str) -> None:
    with pytest.raises(ApiError) as refused:
        position(token)
    told = f"invalid continue token: continue key is not valid: {problem}"
    assert refused.value.status["message"].startswith(told)
