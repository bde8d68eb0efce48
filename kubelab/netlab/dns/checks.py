"""What the DNS lab accepts: names, texts and numbers, each refused with what to give instead."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterable

from kubelab.netlab.dns.errors import DnsNameError, DnsOptionError

_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LABEL = re.compile(r"[A-Za-z0-9_-]*")


def check_name(name: object) -> None:
    """Refuse what is neither a DNS name nor an address."""
    if not isinstance(name, str):
        raise DnsNameError(name, "it is no text")
    if is_address(name):
        return
    bare = name.removesuffix(".")
    if not bare:
        raise DnsNameError(name, "it is empty")
    if len(bare) > _LONGEST_NAME:
        raise DnsNameError(name, f"it has {len(bare)} characters, at most {_LONGEST_NAME} are allowed")
    for label in bare.split("."):
        if not _LABEL.fullmatch(label):
            raise DnsNameError(name, "it has characters other than letters, digits, - and _")
        if not 0 < len(label) <= _LONGEST_LABEL:
            raise DnsNameError(name, f"the part {label!r} has {len(label)} characters, 1 to 63 are allowed")


def is_address(text: str) -> bool:
    """Whether a text is an IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return text.split() == [text]  # a scope, as in fe80::1%eth0, may be anything


def texts(option: str, values: Iterable[str], example: str) -> tuple[str, ...]:
    """Return texts; refuse one text, whose letters they would be, and what is none."""
    remedy = f"Give a list of texts, such as [{example!r}]."
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise DnsOptionError(option, values, remedy)
    found = tuple(values)
    for each in found:
        if not isinstance(each, str):
            raise DnsOptionError(option, each, remedy)
    return found


def check_whole(option: str, value: object, most: float = math.inf) -> None:
    """Refuse what is not a whole number from 1 on, or is above the most."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        limits = "of at least 1" if math.isinf(most) else f"from 1 to {most:g}"
        raise DnsOptionError(option, value, f"Give a whole number {limits}.")


def check_number(option: str, value: object, most: float, remedy: str) -> None:
    """Refuse what is not a number from 0 to the most."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= most:
        raise DnsOptionError(option, value, remedy)
