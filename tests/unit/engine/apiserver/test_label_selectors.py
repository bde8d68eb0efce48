"""The grammar of label selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.engine.apiserver.label_queries import label_predicate
from kubelab.engine.apiserver.selectors import matches, selector_text
from kubelab.errors import ApiError

LABELS = {"app": "web", "tier": "front", "size": "10", "example.com/x": ""}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("app=web", True),
        ("app==web", True),
        ("app = web , tier=front", True),
        ("app!=web", False),
        ("absent!=web", True),
        ("app in (web,db)", True),
        ("app in (db)", False),
        ("app notin (db, cache)", True),
        ("absent notin (x)", True),
        ("app", True),
        ("absent", False),
        ("!absent", True),
        ("! app", False),
        ("example.com/x=", True),
        ("example.com/x", True),
        ("size>9", True),
        ("size<9", False),
        ("app in (web),tier!=back,!absent", True),
        ("app in (web),tier=back", False),
    ],
)
def test_a_selector_selects(text: str, selected: bool) -> None:
    test = label_predicate(text)
    assert test is not None
    assert test(LABELS) is selected


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_selector_selects_everything(text: str) -> None:
    assert label_predicate(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("=web", "found '=', expected: !, identifier, or 'end of string'"),
        ("app in web", "unable to parse requirement: found 'web' expected: '('"),
        ("app in (web", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("app in (web db)", "unable to parse requirement: found 'db', expected: ',' or ')'"),
        ("a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("app=a=b", "found '=', expected: ',' or 'end of string'"),
        ("app=a,", "found '', expected: identifier after ','"),
        ("!app=a", "found '=', expected: ',' or 'end of string'"),
        (
            "app>x",
            (
                'unable to parse requirement: values[0]: Invalid value: "x": '
                "for 'Gt', 'Lt' operators, the value must be an integer"
            ),
        ),
        ("/x", 'unable to parse requirement: <nil>: Invalid value: "/x": prefix part must be non-empty'),
    ],
)
def test_nonsense_is_refused_in_upstreams_words(text: str, told: str) -> None:
    with pytest.raises(ApiError) as refused:
        label_predicate(text)
    assert refused.value.code == 400
    assert refused.value.status["message"] == told


names = st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True)


@given(st.dictionaries(names, names, max_size=4), st.dictionaries(names, names, min_size=1, max_size=3))
def test_a_selector_object_and_its_text_agree(labels: dict[str, str], wanted: dict[str, str]) -> None:
    expressions = [
        {"key": key, "operator": "In", "values": [value, "other"]} for key, value in wanted.items()
    ]
    for selector in ({"matchLabels": wanted}, {"matchExpressions": expressions}):
        test = label_predicate(selector_text(selector))
        assert test is not None
        assert test(labels) is matches(selector, labels)
