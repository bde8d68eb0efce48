"""Kubernetes quantities: ``500m``, ``1.5``, ``2Gi``, ``1e3``.

The grammar is that of apimachinery's ``resource.Quantity``: a decimal number with a binary suffix
(Ki to Ei), a decimal suffix (n, u, m, k to E) or a decimal exponent.
"""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

from kubelab.errors import KubelabError

_BINARY = {
    suffix: Decimal(1024) ** power for power, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)
}
_DECIMAL = {
    **{suffix: Decimal(1000) ** -power for power, suffix in enumerate(("", "m", "u", "n"))},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
}
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
