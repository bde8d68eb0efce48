"""`InstanceType`: a kind of machine that a cloud rents out, what pods may use of it, and its dated prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from kubelab.costs.prices import Price
from kubelab.scheduling.requests import Amounts

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Accelerator:
    """The devices of a machine.

    Attributes
    ----------
    resource : str
        What pods ask for, such as ``nvidia.com/gpu``.
    model : str
        Such as ``l4``.
    count : int
        How many a machine has.
    memory_bytes : int
        Of one; 0 where it is not known.
    """

    resource: str
    model: str
    count: int
    memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class InstanceType:
    """A kind of machine.

    Attributes
    ----------
    name, provider, region, family, arch : str
        Such as ``m6i.2xlarge``, ``aws``, ``us-east-1``, ``m6i``, ``amd64``.
    vcpu : int
        Virtual CPUs.
    memory_bytes : int
        As the provider advertises it.
    allocatable : mapping
        What pods may use, by resource: ``cpu`` in millicores, ``memory`` in bytes, ``pods`` and devices in
        pieces.
    allocatable_rule : str
        How that is known: ``given``, or the rule it is estimated by.
    on_demand : Price
        What it costs for as long as one likes.
    spot : Price or None
        What it costs while the provider may take it back; None where that is not known.
    spot_interruption : str
        How many of them the provider took back in a month, as a band such as ``5-10%``; "" if not known.
    accelerator : Accelerator or None
        Its devices, if it has any.
    """

    name: str
    provider: str
    region: str
    family: str
    arch: str
    vcpu: int
    memory_bytes: int
    allocatable: Amounts
    allocatable_rule: str
    on_demand: Price
    spot: Price | None = None
    spot_interruption: str = ""
    accelerator: Accelerator | None = None

    @property
    def capacity(self) -> Amounts:
        """All that it has, in the units of ``allocatable``."""
        devices = {self.accelerator.resource: self.accelerator.count} if self.accelerator else {}
        pods = self.allocatable["pods"]
        return {"cpu": self.vcpu * 1000, "memory": self.memory_bytes, "pods": pods, **devices}

    def price(self, capacity_type: str = "on-demand") -> Price | None:
        """Return the price of one bought as ``on-demand`` or ``spot``; None if it is not known."""
        return {"on-demand": self.on_demand, "spot": self.spot}.get(capacity_type)

    @property
    def variables(self) -> dict[str, Any]:
        """What an expression may ask about it; a spot price that is not known is infinite."""
        device = self.accelerator or Accelerator("", "", 0)
        return {
            "name": self.name,
            "provider": self.provider,
            "region": self.region,
            "family": self.family,
            "arch": self.arch,
            "vcpu": self.vcpu,
            "memoryGiB": self.memory_bytes / GIB,
            "accelerators": device.count,
            "acceleratorModel": device.model,
            "acceleratorMemoryGiB": device.memory_bytes / GIB,
            "usdPerHour": self.on_demand.usd_per_hour,
            "spotUsdPerHour": self.spot.usd_per_hour if self.spot else math.inf,
            "spotInterruption": self.spot_interruption,
        }

    def __repr__(self) -> str:
        memory = f"{self.memory_bytes / GIB:g} GiB"
        device = f", {self.accelerator.count} {self.accelerator.model}" if self.accelerator else ""
        return f"<InstanceType {self.name}: {self.vcpu} vCPU, {memory}{device}, {self.on_demand}>"
