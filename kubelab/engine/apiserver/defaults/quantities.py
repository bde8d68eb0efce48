"""The canonical form of quantities: what ``1000m``, ``0.5`` and the number 2 are stored as.

Upstream: ``Quantity.CanonicalizeBytes`` of apimachinery's ``pkg/api/resource``: no fraction, nothing lost
down to nanos, and the largest suffix that allows both.
"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from functools import lru_cache

from kubelab.client import Object
from kubelab.quantities import Quantity, parse_quantity

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")


def canonicalize(quantities: Object | None) -> None:
    """Bring the values of a map of quantities into canonical form, in place."""
    if quantities:
        for name, quantity in quantities.items():
            quantities[name] = canonical(quantity)


@lru_cache(maxsize=4096)
def canonical(quantity: Quantity) -> str:
    """Return a quantity's canonical form: ``500m`` for 0.5, ``1536Mi`` for 1.5Gi.

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
    while value and value % 1024 == 0 and power < len(_BINARY) - 1:
        value, power = value // 1024, power + 1
    return f"{value}{_BINARY[power]}"


def _decimal(value: Decimal) -> str:
    nanos, power = int((value * 10**9).to_integral_value(ROUND_UP)), 0
    if nanos == 0:
        return "0"
    while nanos % 1000 == 0 and power < len(_DECIMAL) - 1:
        nanos, power = nanos // 1000, power + 1
    return f"{nanos}{_DECIMAL[power]}"


def _exponent(value: Decimal) -> str:
    nanos, power = int((value * 10**9).to_integral_value(ROUND_UP)), -9
    while nanos and nanos % 1000 == 0:
        nanos, power = nanos // 1000, power + 3
    return f"{nanos}e{power}" if nanos and power else str(nanos)
