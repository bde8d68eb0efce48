"""Kubernetes quantities: ``500m``, ``1.5``, ``2Gi``, ``1e3``.

The grammar is that of apimachinery's ``resource.Quantity``: a decimal number with a binary suffix
(Ki to Ei), a decimal suffix (n, u, m, k to E) or a decimal exponent.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, ROUND_UP, Decimal
from functools import lru_cache

from kubelab.errors import KubelabError

_BINARY = {
    suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)
}
_DECIMAL = {
    **{suffix: Decimal(1000) ** -power for power, suffix in enumerate(("", "m", "u", "n"))},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
}
_BINARY_SUFFIXES = ("", *_BINARY)
_DECIMAL_SUFFIXES = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_GRAMMAR = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+))(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?\d+))?$")

Quantity = str | int | float


class QuantityError(KubelabError, ValueError):
    """The text is not a Kubernetes quantity."""

    def __init__(self, text: object) -> None:
        self.text = text
        super().__init__(
            f"{text!r} is not a quantity. Write a number with an optional suffix, such as 500m, 2 or 1.5Gi."
        )


def parse_quantity(quantity: Quantity) -> Decimal:
    """Return the exact value of a quantity in its base unit (cores, bytes, counts).

    Raises
    ------
    QuantityError
        If it does not follow the grammar.
    """
    match = _GRAMMAR.match(str(quantity))
    if match is None:
        raise QuantityError(quantity)
    number, suffix, exponent = match.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * (_BINARY.get(suffix or "") or _DECIMAL[suffix or ""])


def cpu_millicores(quantity: Quantity) -> int:
    """Return CPU in thousandths of a core, rounded up as the kubelet does."""
    return int((parse_quantity(quantity) * 1000).to_integral_value(ROUND_CEILING))


def whole(quantity: Quantity) -> int:
    """Return bytes or counts as an integer, rounded up."""
    return int(parse_quantity(quantity).to_integral_value(ROUND_CEILING))


def format_memory(memory_bytes: int) -> str:
    """Return bytes for people: ``7.5 GiB``."""
    value = float(memory_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{value:.3g} {unit}"
        value /= 1024
    raise AssertionError


@lru_cache(maxsize=4096)
def canonical(quantity: Quantity) -> str:
    """Return a quantity's canonical form: ``500m`` for 0.5, ``1536Mi`` for 1.5Gi.

    No fraction, nothing lost down to nanos, and the largest suffix that allows both (upstream:
    ``Quantity.CanonicalizeBytes`` of apimachinery's ``pkg/api/resource``).

    Raises
    ------
    QuantityError
        If it is not a quantity.
    """
    text, value = str(quantity), parse_quantity(quantity)
    if text.endswith("i") and abs(value) >= 1024 and value == value.to_integral_value():
        return _binary(int(value))
    if "e" in text or ("E" in text and text[-1] != "E"):
        return _exponent(value)
    return _decimal(value)


def _binary(value: int) -> str:
    power = 0
    while value and value % 1024 == 0 and power < len(_BINARY_SUFFIXES) - 1:
        value, power = value // 1024, power + 1
    return f"{value}{_BINARY_SUFFIXES[power]}"


def _decimal(value: Decimal) -> str:
    nanos, power = int((value * 10**9).to_integral_value(ROUND_UP)), 0
    if nanos == 0:
        return "0"
    while nanos % 1000 == 0 and power < len(_DECIMAL_SUFFIXES) - 1:
        nanos, power = nanos // 1000, power + 1
    return f"{nanos}{_DECIMAL_SUFFIXES[power]}"


def _exponent(value: Decimal) -> str:
    nanos, power = int((value * 10**9).to_integral_value(ROUND_UP)), -9
    while nanos and nanos % 1000 == 0:
        nanos, power = nanos // 1000, power + 3
    return f"{nanos}e{power}" if nanos and power else str(nanos)
