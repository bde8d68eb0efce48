"""Names, keys and values, with upstream's sentences."""

# ruff: noqa: E501 - upstream's sentences are kept whole

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.cron import schedule_problem
from kubelab.engine.apiserver.validation.fields import FIELDS

TEXT_RULES = {
    f"{type_}.{field}": rule
    for type_, rules in FIELDS.items()
    for field, rule in rules.items()
    if "pattern" in rule.schema
}
LABEL = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)


@given(LABEL)
def test_a_label_is_a_label_and_a_subdomain(text: str) -> None:
    assert names.dns1123_label(text) == []
    assert names.dns1123_subdomain(text) == []


@given(st.lists(LABEL, min_size=1, max_size=3))
def test_labels_joined_by_dots_are_a_subdomain(parts: list[str]) -> None:
    assert names.dns1123_subdomain(".".join(parts)) == []


@given(st.text(max_size=70))
def test_what_is_refused_is_explained(text: str) -> None:
    good = len(text) <= 63 and bool(text) and text == text.lower() and text.isascii()
    good = good and text.replace("-", "a").isalnum() and text[0] != "-" and text[-1] != "-"
    assert (names.dns1123_label(text) == []) is good


@pytest.mark.parametrize("field", sorted(TEXT_RULES))
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_the_quick_check_lets_through_is_good(field: str, data: st.DataObject) -> None:
    rule = TEXT_RULES[field]
    text = data.draw(st.from_regex(re.compile(rule.schema["pattern"], re.ASCII), fullmatch=True))
    assume(len(text) <= rule.schema["maxLength"])
    assert rule.explain(field, text) == []


def test_the_sentences_are_upstreams() -> None:
    assert names.dns1123_label("A_") == [
        (
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
            "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
            "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        )
    ]
    assert names.dns1035_label("1a") == [
        (
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
            "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
            "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        )
    ]
    assert names.dns1123_label("a" * 64) == ["must be no more than 63 bytes"]


@pytest.mark.parametrize("key", ["a", "A.b_c-1", "example.com/x", "a/b"])
def test_good_label_keys(key: str) -> None:
    assert names.qualified_name(key) == []


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("a b", "name part must consist of"),
        ("/a", "prefix part must be non-empty"),
        ("a/", "name part must be non-empty"),
        ("A_/b", "prefix part a lowercase RFC 1123 subdomain"),
        ("a/b/c", "a valid label key must consist of"),
    ],
)
def test_bad_label_keys(key: str, start: str) -> None:
    assert names.qualified_name(key)[0].startswith(start)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("http", ""),
        ("8080-tcp", ""),
        ("80", "must contain at least one letter (a-z)"),
        ("a--b", "must not contain consecutive hyphens"),
        ("-a", "must not begin or end with a hyphen"),
        ("a" * 16, "must be no more than 15 characters"),
    ],
)
def test_port_names(name: str, problem: str) -> None:
    assert names.port_name(name) == ([problem] if problem else [])


def test_environment_variables_may_have_any_printable_name_without_an_equals_sign() -> None:
    assert names.env_var_name("my var.$1") == []
    assert names.env_var_name("a=b")
    assert names.env_var_name("ä")


@pytest.mark.parametrize(
    "schedule", ["* * * * *", "*/5 0-6 1,15 jan-mar MON", "@hourly", "@every 1h30m", "0 0 * * 0"]
)
def test_good_schedules(schedule: str) -> None:
    assert schedule_problem(schedule) == ""


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("* * * * 5-1", "beginning of range (5) beyond end of range (1): 5-1"),
        ("x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'),
        ("*/0 * * * *", "step of range should be a positive number: */0"),
        ("@often", "unrecognized descriptor: @often"),
    ],
)
def test_bad_schedules(schedule: str, problem: str) -> None:
    assert schedule_problem(schedule) == problem
