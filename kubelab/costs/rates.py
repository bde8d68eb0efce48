"""A node's price split into what a core, a GiB and a device cost an hour, as OpenCost splits it.

OpenCost specification v0.1 and ``pkg/cloud/provider`` (snapshot 5f65333, 2024-10-24): the rates of a node
stand in the ratio of the default sheet's, and add up to the node's price.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rates:
    """What one unit costs an hour, in USD.

    Attributes
    ----------
    cpu_core, ram_gib, gpu : float
        Of one core, one GiB of memory, one device.
    """

    cpu_core: float
    ram_gib: float
    gpu: float

    def cost(self, amounts: Resources) -> float:
        """Return what so much of a node costs an hour, in USD."""
        return amounts.cpu_cores * self.cpu_core + amounts.ram_gib * self.ram_gib + amounts.gpus * self.gpu


@dataclass(frozen=True, slots=True)
class Resources:
    """So much of a node.

    Attributes
    ----------
    cpu_cores, ram_gib, gpus : float
        Cores, GiB of memory, devices of whatever kind.
    """

    cpu_cores: float = 0.0
    ram_gib: float = 0.0
    gpus: float = 0.0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.cpu_cores + other.cpu_cores, self.ram_gib + other.ram_gib, self.gpus + other.gpus
        )

    def beyond(self, other: Resources) -> Resources:
        """Return by how much each is more than another, nothing where it is less."""
        return Resources(
            max(0.0, self.cpu_cores - other.cpu_cores),
            max(0.0, self.ram_gib - other.ram_gib),
            max(0.0, self.gpus - other.gpus),
        )

    def times(self, factor: float) -> Resources:
        """Return so many times as much, such as core hours of cores."""
        return Resources(self.cpu_cores * factor, self.ram_gib * factor, self.gpus * factor)


NOTHING = Resources()

DEFAULT_RATES = Rates(cpu_core=0.031611, ram_gib=0.004237, gpu=0.95)
"""OpenCost's default sheet, Google Cloud us-central1 (``configs/default.json`` @5f65333, 2024-10-24)."""

HOURS_PER_MONTH = 730


def split(usd_per_hour: float, capacity: Resources, base: Rates = DEFAULT_RATES) -> Rates:
    """Return the rates of a node that add up to its price.

    Parameters
    ----------
    usd_per_hour : float
        What the node costs.
    capacity : Resources
        All that it has.
    base : Rates
        In whose ratio its parts are priced; ``ram = P / (gpus*g + vcpu*r + GiB)`` with ``r = CPU/RAM`` and
        ``g = GPU/RAM`` of the base.

    Returns
    -------
    Rates
        All zero for a node that has nothing.
    """
    at_base = base.cost(capacity)
    scale = usd_per_hour / at_base if at_base else 0.0
    return Rates(base.cpu_core * scale, base.ram_gib * scale, base.gpu * scale)
