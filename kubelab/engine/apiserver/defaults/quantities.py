"""Bringing the quantities of an object into canonical form."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.quantities import canonical


def canonicalize(quantities: Object | None) -> None:
    """Bring the values of a map of quantities into canonical form, in place."""
    if quantities:
        for name, quantity in quantities.items():
            quantities[name] = canonical(quantity)
