"""What names, keys and values may look like, with upstream's explanations.

Each function returns what is wrong with a text, as a list of sentences; an empty list means that it is good.
Upstream: apimachinery's ``pkg/util/validation/validation.go`` and ``pkg/api/validate/content``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"

Check = Callable[[str], list[str]]


def regex_error(message: str, regex: str, *examples: str) -> str:
    """Return a sentence that names the pattern, with upstream's punctuation."""
    shown = " or ".join(f"'{example}', " for example in examples)
    told = f"e.g. {shown}" if examples else ""
    return f"{message} ({told}regex used for validation is '{regex}')"


def max_length_error(length: int, unit: str = "bytes") -> str:
    """Return the sentence for a text that is too long."""
    return f"must be no more than {length} {unit}"


_LABEL_ERROR = regex_error(
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character",
    _LABEL,
    "my-name",
    "123-abc",
)
_SUBDOMAIN_ERROR = regex_error(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)
_LABEL_1035_ERROR = regex_error(
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character",
    _LABEL_1035,
    "my-name",
    "abc-123",
)
_QUALIFIED_ERROR = regex_error(
    "must consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    _QUALIFIED,
    "MyName",
    "my.name",
    "123-abc",
)
_TOO_MANY_PARTS = (
    f"a valid label key {_QUALIFIED_ERROR} with an optional DNS subdomain prefix and '/' "
    "(e.g. 'example.com/MyName')"
)
_LABEL_VALUE_ERROR = regex_error(
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character",
    _LABEL_VALUE,
    "MyValue",
    "my_value",
    "12345",
)
_CONFIG_KEY_ERROR = regex_error(
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    _CONFIG_KEY,
    "key.name",
    "KEY_NAME",
    "key-name",
)


def _check(regex: str, error: str, length: int, unit: str = "bytes") -> Check:
    matches = re.compile(regex).fullmatch

    def check(text: str) -> list[str]:
        problems = [] if len(text) <= length else [max_length_error(length, unit)]
        return problems if matches(text) else [*problems, error]

    return check


_plain_label = _check(_LABEL, _LABEL_ERROR, 63)
dns1123_subdomain = _check(_SUBDOMAIN, _SUBDOMAIN_ERROR, 253, "characters")
_is_subdomain = re.compile(_SUBDOMAIN).fullmatch


def dns1123_label(text: str) -> list[str]:
    """Check a DNS-1123 label; one that would be a subdomain is told what it has too much."""
    problems = _plain_label(text)
    if problems and problems[-1] == _LABEL_ERROR and _is_subdomain(text):
        problems[-1] = "must not contain dots"
    return problems


dns1035_label = _check(_LABEL_1035, _LABEL_1035_ERROR, 63)
label_value = _check(_LABEL_VALUE, _LABEL_VALUE_ERROR, 63)
_qualified = _check(_QUALIFIED, _QUALIFIED_ERROR, 63)
_config_key = _check(_CONFIG_KEY, _CONFIG_KEY_ERROR, 253)
_port_letters = re.compile(r"[-a-z0-9]+").fullmatch


def qualified_name(text: str) -> list[str]:
    """Check a label or annotation key, a finalizer, a condition type: ``[prefix/]name``."""
    prefix, slash, name = text.rpartition("/")
    problems: list[str] = []
    if "/" in prefix:
        return [_TOO_MANY_PARTS]
    if slash:
        if not prefix:
            problems.append("prefix part must be non-empty")
        else:
            problems += [f"prefix part {problem}" for problem in dns1123_subdomain(prefix)]
    if not name:
        problems.append("name part must be non-empty")
    return problems + [f"name part {problem}" for problem in _qualified(name)]


def config_key(text: str) -> list[str]:
    """Check a key of a ConfigMap or Secret, which becomes a file name."""
    problems = _config_key(text)
    if text == ".":
        problems.append("must not be '.'")
    elif text == "..":
        problems.append("must not be '..'")
    elif text.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def env_var_name(text: str) -> list[str]:
    """Check the name of an environment variable (relaxed since Kubernetes 1.34)."""
    if text and all(" " <= letter <= "~" and letter != "=" for letter in text):
        return []
    if not text:
        return ["environment variable names must be non-empty"]
    return [
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
    ]


def port_name(text: str) -> list[str]:
    """Check the name of a port (RFC 6335)."""
    problems = ["must be no more than 15 characters"] if len(text) > 15 else []
    if not _port_letters(text):
        problems.append("must contain only alphanumeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search(r"[a-z]", text):
        problems.append("must contain at least one letter (a-z)")
    if "--" in text:
        problems.append("must not contain consecutive hyphens")
    if text.startswith("-") or text.endswith("-"):
        problems.append("must not begin or end with a hyphen")
    return problems


def port_number(port: int) -> list[str]:
    """Check the number of a port."""
    return [] if 1 <= port <= 65535 else ["must be between 1 and 65535, inclusive"]


def path_segment(text: str) -> list[str]:
    """Check a name that only has to fit into a URL path, such as that of a Role."""
    if text in {".", ".."}:
        return [f"may not be '{text}'"]
    return [f"may not contain '{part}'" for part in ("/", "%") if part in text]


def ip_address(text: str) -> list[str]:
    """Check an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]
    return []
