"""Shares as OpenCost's ``/allocation`` answers them: its field names, units and five decimals.

OpenCost ``core/pkg/opencost/allocation_json.go`` (snapshot 5f65333, 2024-10-24). What kubelab does not meter
(network, load balancers, volumes) is 0. ``totalEfficiency`` leaves devices out, as upstream's does;
``x_totalEfficiencyWithGpu`` weighs them in.
"""

from __future__ import annotations

from typing import Any, Literal

from kubelab.clock import rfc3339
from kubelab.costs import efficiency
from kubelab.costs.rates import Resources
from kubelab.costs.share import Share

_GIB = 2**30
_NOT_METERED = (
    "networkTransferBytes", "networkReceiveBytes", "networkCost", "networkCrossZoneCost",
    "networkCrossRegionCost", "networkInternetCost", "networkCostAdjustment", "loadBalancerCost",
    "loadBalancerCostAdjustment", "pvBytes", "pvByteHours", "pvCost", "pvCostAdjustment", "externalCost",
)  # fmt: skip


def opencost_row(share: Share) -> dict[str, Any]:
    """Return one allocation."""
    window = {"start": rfc3339(share.window.start), "end": rfc3339(share.window.end)}
    return {
        "name": share.name,
        "properties": dict(share.properties or {"cluster": "kubelab"}),
        "window": window,
        **window,
        "minutes": _five(share.minutes),
        **_resource(share, "cpu"),
        **_resource(share, "ram"),
        **_resource(share, "gpu"),
        **dict.fromkeys(_NOT_METERED, 0.0),
        "pvs": None,
        "rawAllocationOnly": None,
        "sharedCost": _five(share.shared_usd),
        "totalCost": _five(share.total_usd),
        "totalEfficiency": _five(efficiency.total_efficiency(share) or 0.0),
        "x_totalEfficiencyWithGpu": _or_none(efficiency.total_efficiency_with_gpu(share)),
    }


def _resource(share: Share, name: Literal["cpu", "ram", "gpu"]) -> dict[str, Any]:
    """Return the fields of one resource; cost is before its adjustment, as upstream has it."""
    many, one, hours = _NAMES[name]
    held, asked, used = (_amount(each, name) for each in (share.held, share.asked, share.used))
    usd, adjusted, idle = (getattr(part, name) for part in (share.money, share.adjustment, share.idle))
    per_hour = 60 / share.minutes if share.minutes else 0.0
    return {
        many: _five(held * per_hour),
        f"{one}RequestAverage": _five(asked * per_hour),
        f"{one}UsageAverage": _five(used * per_hour),
        hours: _five(held),
        f"{name}Cost": _five(usd - adjusted),
        f"{name}CostAdjustment": _five(adjusted),
        f"{name}CostIdle": _five(idle),
        f"{name}Efficiency": _five(_EFFICIENCIES[name](share) or 0.0),
    }


def _amount(found: Resources, name: Literal["cpu", "ram", "gpu"]) -> float:
    match name:
        case "cpu":
            return found.cpu_cores
        case "ram":
            return found.ram_gib * _GIB
        case "gpu":
            return found.gpus


_NAMES = {
    "cpu": ("cpuCores", "cpuCore", "cpuCoreHours"),
    "ram": ("ramBytes", "ramByte", "ramByteHours"),
    "gpu": ("gpuCount", "gpu", "gpuHours"),
}
_EFFICIENCIES = {
    "cpu": efficiency.cpu_efficiency,
    "ram": efficiency.ram_efficiency,
    "gpu": efficiency.gpu_efficiency,
}


def _five(value: float) -> float:
    return round(value, 5)


def _or_none(value: float | None) -> float | None:
    return None if value is None else _five(value)
