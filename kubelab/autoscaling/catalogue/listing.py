"""The catalogue as rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kubelab.autoscaling.catalogue.catalogue import Catalogue
from kubelab.autoscaling.catalogue.errors import CatalogueError
from kubelab.autoscaling.catalogue.instance_type import GIB, InstanceType

ORDERS: Mapping[str, Callable[[InstanceType], Any]] = {
    "price": lambda each: (each.on_demand.usd_per_hour, each.name),
    "spot": lambda each: (each.variables["spotUsdPerHour"], each.name),
    "vcpu": lambda each: (each.vcpu, each.memory_bytes, each.name),
    "memory": lambda each: (each.memory_bytes, each.vcpu, each.name),
    "name": lambda each: each.name,
}
"""What rows can be sorted by; all go up."""


class OrderError(CatalogueError):
    """There is no such order.

    Attributes
    ----------
    order : str
        What was asked for.
    """

    def __init__(self, order: str) -> None:
        self.order = order
        super().__init__(f"instance types are not sorted by {order!r}. Sort them by {', '.join(ORDERS)}.")


def rows(catalogue: Catalogue, select: str = "", order: str = "") -> list[dict[str, Any]]:
    """Return one row a type, each price with its date; in the catalogue's order unless another is named.

    Raises
    ------
    CatalogueError
        If the expression or the order is wrong.
    """
    if order and order not in ORDERS:
        raise OrderError(order)
    found = catalogue.select(select) if select else list(catalogue.values())
    return [_row(each) for each in (sorted(found, key=ORDERS[order]) if order else found)]


def _row(each: InstanceType) -> dict[str, Any]:
    device = each.accelerator
    return {
        "name": each.name,
        "provider": each.provider,
        "arch": each.arch,
        "vcpu": each.vcpu,
        "memory_gib": each.memory_bytes / GIB,
        "accelerators": f"{device.count} {device.model}" if device else None,
        "usd_per_hour": each.on_demand.usd_per_hour,
        "price_date": f"{each.on_demand.date}",
        "spot_usd_per_hour": each.spot.usd_per_hour if each.spot else None,
        "spot_date": f"{each.spot.date}" if each.spot else None,
        "spot_source": each.spot.source if each.spot else None,
        "interruption": each.spot_interruption or None,
    }
