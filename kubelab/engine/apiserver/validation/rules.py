"""Rules for single fields, as JSON schema keywords that check fast and a cause that explains slowly.

`fields` lists them per type; they are compiled into one validator for each kind, so that checking an object
that obeys all of them takes about a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kubelab.engine.apiserver.definitions import JsonSchema
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import Cause, invalid, not_supported, required


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field's value must satisfy.

    Attributes
    ----------
    schema : dict
        JSON schema keywords that the value must satisfy.
    explain : callable
        Gives the causes for a path and a value that does not.
    needed : bool
        Whether the field must be there and not be empty.
    detail : str
        What follows ``Required value``, where the field is missing.
    """

    schema: JsonSchema
    explain: Callable[[str, Any], list[Cause]]
    needed: bool = False
    detail: str = ""


def one_of(*values: str, needed: bool = False) -> Rule:
    """Return a rule for an enumeration."""
    return Rule({"enum": list(values)}, lambda path, value: [not_supported(path, value, values)], needed)


def selector_operator(*operators: str) -> Rule:
    """Return a rule for the operator of a selector, which upstream words in its own way."""
    detail = "not a valid selector operator"
    return Rule({"enum": list(operators)}, lambda path, value: [invalid(path, value, detail)], needed=True)


def at_least(minimum: int, maximum: int | None = None, *, detail: str = "") -> Rule:
    """Return a rule for a number's range."""
    limits: JsonSchema = {"minimum": minimum}
    told = detail or f"must be greater than or equal to {minimum}"
    if maximum is not None:
        limits["maximum"] = maximum
        told = detail or f"must be between {minimum} and {maximum}, inclusive"
    return Rule(limits, lambda path, value: [invalid(path, value, told)])


def positive() -> Rule:
    """Return a rule for numbers above zero."""
    return at_least(1, detail="must be greater than 0")


def port(*, needed: bool = False) -> Rule:
    """Return a rule for port numbers."""
    limits = {"minimum": 1, "maximum": 65535}
    return Rule(limits, _named(names.port_number), needed)


def text(check: names.Check, regex: str, longest: int, *, needed: bool = False, detail: str = "") -> Rule:
    """Return a rule for text; the regular expression must accept only what the check does."""
    return Rule({"pattern": regex, "maxLength": longest}, _named(check), needed, detail)


def label(*, needed: bool = False) -> Rule:
    """Return a rule for DNS-1123 labels."""
    return text(names.dns1123_label, "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", 63, needed=needed)


def subdomain(*, needed: bool = False) -> Rule:
    """Return a rule for DNS-1123 subdomains."""
    regex = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
    return text(names.dns1123_subdomain, regex, 253, needed=needed)


def present(detail: str = "") -> Rule:
    """Return a rule for a field that must be there, and not be empty."""
    empty: JsonSchema = {"enum": ["", [], {}, None]}
    return Rule({"not": empty}, lambda path, _value: [required(path, detail)], needed=True, detail=detail)


def _named(check: Callable[[Any], list[str]]) -> Callable[[str, Any], list[Cause]]:
    def explain(path: str, value: Any) -> list[Cause]:
        return [invalid(path, value, problem) for problem in check(value)]

    return explain
