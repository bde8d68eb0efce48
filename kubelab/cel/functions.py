"""The functions that Kubernetes adds to CEL, as methods: their target is the first argument.

Upstream: ``k8s.io/apiserver/pkg/cel/library`` (strings, lists, regex, quantities, URLs, IP addresses).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from kubelab.cel.cost import check_replacement, check_search
from kubelab.quantities import QuantityError, parse_quantity

Function = Callable[..., Any]


def _amount(value: Any) -> Any:
    return parse_quantity(value["quantity"] if isinstance(value, dict) else value)


def _compare(one: Any, other: Any) -> int:
    return int((_amount(one) > _amount(other)) - (_amount(one) < _amount(other)))


def _quantity(value: object) -> dict[str, str]:
    return {"quantity": str(value)}


def _accepts(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except (ValueError, QuantityError):
            return False
        return True

    return check


def _url(text: str) -> dict[str, str]:
    parts = urlsplit(text)
    if not parts.scheme and not parts.path.startswith("/"):
        raise ValueError(f"URL parse error during conversion from string: {text}")
    return {"url": text}


def _part(get: Callable[[SplitResult], Any]) -> Function:
    return lambda url: get(urlsplit(url["url"]))


def _extreme(choose: Function) -> Function:
    return lambda *items: choose(items[0]) if len(items) == 1 else choose(items)


def _index(items: Any, item: Any) -> int:
    if isinstance(items, str):
        return items.find(item)
    return items.index(item) if item in items else -1


def _last_index(items: Any, item: Any) -> int:
    if isinstance(items, str):
        return items.rfind(item)
    return len(items) - 1 - items[::-1].index(item) if item in items else -1


def _flatten(items: list[Any]) -> list[Any]:
    return [inner for item in items for inner in (item if isinstance(item, list) else [item])]


def _distinct(items: list[Any]) -> list[Any]:
    return [item for i, item in enumerate(items) if item not in items[:i]]


def _split(text: str, separator: str, limit: int = -1) -> list[str]:
    return [] if limit == 0 else text.split(separator, limit - 1 if limit > 0 else -1)


def _replace(text: str, old: str, new: str, limit: int = -1) -> str:
    check_replacement(text, old, new)
    return text.replace(old, new, limit)


def _find(text: str, regex: str) -> str:
    check_search(regex, text)
    match = re.search(regex, text)
    return match[0] if match else ""


def _find_all(text: str, regex: str, limit: int = -1) -> list[str]:
    check_search(regex, text)
    found = [match[0] for match in re.finditer(regex, text)]
    return found if limit < 0 else found[:limit]


def _format(pattern: str, arguments: list[Any]) -> str:
    """Return Go-like formatting of ``%s``, ``%d`` and their kin."""
    values = iter(arguments)
    verb = re.compile(r"%(?:\.\d{1,2})?([sdfexXob%])")
    return verb.sub(lambda match: "%" if match[1] == "%" else _one(match[0], next(values)), pattern)


def _one(verb: str, value: Any) -> str:
    if verb.endswith("s"):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return format(value, "b") if verb.endswith("b") else verb % value


_STRINGS: dict[str, Function] = {
    "charAt": lambda text, at: text[at : at + 1],
    "find": _find,
    "findAll": _find_all,
    "format": _format,
    "join": lambda items, separator="": separator.join(items),
    "lowerAscii": lambda text: text.lower(),
    "replace": _replace,
    "split": _split,
    "substring": lambda text, start, end=None: text[start:end],
    "trim": lambda text: text.strip(),
    "upperAscii": lambda text: text.upper(),
}
_LISTS: dict[str, Function] = {
    "distinct": _distinct,
    "flatten": _flatten,
    "indexOf": _index,
    "isSorted": lambda items: items == sorted(items),
    "lastIndexOf": _last_index,
    "max": _extreme(max),
    "min": _extreme(min),
    "reverse": lambda items: items[::-1],
    "slice": lambda items, start, end: items[start:end],
    "sum": sum,
}
_QUANTITIES: dict[str, Function] = {
    "add": lambda one, other: _quantity(_amount(one) + _amount(other)),
    "asApproximateFloat": lambda one: float(_amount(one)),
    "asInteger": lambda one: int(_amount(one)),
    "compareTo": _compare,
    "isGreaterThan": lambda one, other: _compare(one, other) > 0,
    "isInteger": lambda one: _amount(one) % 1 == 0,
    "isLessThan": lambda one, other: _compare(one, other) < 0,
    "isQuantity": _accepts(parse_quantity),
    "quantity": lambda text: _quantity(parse_quantity(text)),
    "sign": lambda one: _compare(one, 0),
    "sub": lambda one, other: _quantity(_amount(one) - _amount(other)),
}
_ADDRESSES: dict[str, Function] = {
    "getEscapedPath": _part(lambda url: url.path),
    "getHost": _part(lambda url: url.netloc.rpartition("@")[2]),
    "getHostname": _part(lambda url: url.hostname or ""),
    "getPort": _part(lambda url: str(url.port or "")),
    "getScheme": _part(lambda url: url.scheme),
    "isCIDR": _accepts(ipaddress.ip_network),
    "isIP": _accepts(ipaddress.ip_address),
    "isURL": _accepts(_url),
    "url": _url,
}
FUNCTIONS: dict[str, Function] = {**_STRINGS, **_LISTS, **_QUANTITIES, **_ADDRESSES}
