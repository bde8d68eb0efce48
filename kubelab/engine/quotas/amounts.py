"""Sums of quantities by resource name, exact, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from kubelab.quantities import Quantity, canonical, parse_quantity

Amounts = dict[str, Decimal]
"""By resource name: cores, bytes or counts."""

_BYTES = ("memory", "storage", "hugepages-")


def parse(quantities: Mapping[str, Quantity] | None) -> Amounts:
    """Parse a ``ResourceList``."""
    return {name: parse_quantity(quantity) for name, quantity in (quantities or {}).items()}


def add(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> Amounts:
    """Return the sums of two lists; what only one has is kept."""
    return {name: left.get(name, Decimal()) + right.get(name, Decimal()) for name in {**left, **right}}


def subtract(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> Amounts:
    """Return what is left of the first list; negative where the second has more."""
    return {name: left.get(name, Decimal()) - right.get(name, Decimal()) for name in {**left, **right}}


def largest(left: Mapping[str, Decimal], right: Mapping[str, Decimal]) -> Amounts:
    """Return the larger amount of each resource."""
    return {name: max(left.get(name, Decimal()), right.get(name, Decimal())) for name in {**left, **right}}


def only(amounts: Mapping[str, Decimal], names: Iterable[str]) -> Amounts:
    """Return the amounts of some resources."""
    return {name: amounts[name] for name in names if name in amounts}


def written(name: str, amount: Decimal) -> str:
    """Return an amount as a quantity: bytes with a binary suffix where that is exact."""
    whole = amount == amount.to_integral_value()
    if whole and amount and amount % 1024 == 0 and any(part in name for part in _BYTES):
        return canonical(f"{int(amount) // 1024}Ki")
    return canonical(format(amount, "f"))


def listed(quantities: Mapping[str, str]) -> str:
    """Return a list for a message, sorted by name: ``cpu=1,pods=2``."""
    return ",".join(f"{name}={quantity}" for name, quantity in sorted(quantities.items()))
