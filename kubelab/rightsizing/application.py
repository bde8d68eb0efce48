"""From a recommendation to the requests and limits of a pod's containers. Pure.

After upstream's ``pkg/utils/vpa`` (capping.go, limit_and_request_scaling.go) and ``pkg/admission-controller``
of VPA 1.7: policies and the namespace's LimitRange bound what is recommended, limits keep their proportion to
requests. Bounds of a LimitRange for whole pods are left to its own admission.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kubelab.client import Object
from kubelab.quantities import Quantity, canonical, cpu_millicores, whole
from kubelab.rightsizing.amounts import WholeAmounts
from kubelab.rightsizing.policies import ContainerPolicy

Amounts = Mapping[str, int]
"""CPU in millicores, memory in bytes."""

DEFAULT_UPDATE_MODE = "Recreate"
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Recommended:
    """What one container should ask for.

    Attributes
    ----------
    target, lower, upper : mapping of str to int
    """

    target: Amounts
    lower: Amounts = field(default_factory=dict)
    upper: Amounts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContainerLimits:
    """What a namespace's LimitRanges say of containers together."""

    least: Amounts = field(default_factory=dict)
    most: Amounts = field(default_factory=dict)
    default: Amounts = field(default_factory=dict)

    @staticmethod
    def of(limit_ranges: Iterable[Object]) -> ContainerLimits:
        """Return the strictest of their bounds."""
        least: dict[str, int] = {}
        most: dict[str, int] = {}
        default: dict[str, int] = {}
        for limit_range in limit_ranges:
            for item in limit_range["spec"].get("limits") or ():
                if item.get("type") != "Container":
                    continue
                for name, amount in amounts_of(item.get("min")).items():
                    least[name] = max(amount, least.get(name, 0))
                for name, amount in amounts_of(item.get("max")).items():
                    most[name] = min(amount, most.get(name, _MOST))
                default.update(amounts_of(item.get("default")))
        return ContainerLimits(least, most, default)


def update_mode(autoscaler: Object) -> str:
    """Return how a VerticalPodAutoscaler's recommendations are applied."""
    mode: str = (autoscaler["spec"].get("updatePolicy") or {}).get("updateMode") or DEFAULT_UPDATE_MODE
    return mode


def recommendations_of(autoscaler: Object) -> list[Object]:
    """Return the ``containerRecommendations`` of an autoscaler's status."""
    status = autoscaler.get("status") or {}
    found: list[Object] = (status.get("recommendation") or {}).get("containerRecommendations") or []
    return found


def amounts_of(quantities: Mapping[str, Quantity] | None) -> dict[str, int]:
    """Parse the CPU and memory of a resource list."""
    parsed = {"cpu": cpu_millicores, "memory": whole}
    return {name: parsed[name](given) for name, given in (quantities or {}).items() if name in parsed}


def recommended_for(
    autoscaler: Object, pod: Object, recommendations: Iterable[Object], limits: ContainerLimits | None = None
) -> dict[str, Recommended]:
    """Return what is recommended for each container of a pod, as policies and limit ranges bound it.

    Parameters
    ----------
    recommendations : iterable of dict
        ``containerRecommendations`` of the autoscaler's status, or of one of its groups.
    """
    by_name = {each.get("containerName"): each for each in recommendations}
    found = {}
    for container in pod["spec"]["containers"]:
        name = container["name"]
        policy = ContainerPolicy.of(autoscaler, name)
        if name not in by_name or policy.off:
            continue
        parts = [amounts_of(by_name[name].get(part)) for part in ("target", "lowerBound", "upperBound")]
        found[name] = Recommended(*(_bounded(each, container, policy, limits) for each in parts))
    return found


def resources_for(
    container: Object, target: Amounts, policy: ContainerPolicy, limits: ContainerLimits | None = None
) -> Object:
    """Return a container's resources with the requests that are recommended.

    Limits grow and shrink with the requests, unless the policy is for ``RequestsOnly``; what is not
    recommended stays.
    """
    resources = container.get("resources") or {}
    requests, had = dict(resources.get("requests") or {}), resources.get("limits") or {}
    limited = dict(had)
    if not policy.keeps_limits:
        before = amounts_of(requests)
        default = limits.default if limits else {}
        for name, amount in proportional_limits(amounts_of(had), before, target, default).items():
            limited[name] = written(name, amount, like="" if amount == target[name] else had.get(name, ""))
    requests |= {name: written(name, amount) for name, amount in target.items()}
    found = {**resources, "requests": requests}
    return {**found, "limits": limited} if limited else found


def proportional_limits(limits: Amounts, requests: Amounts, target: Amounts, default: Amounts) -> Amounts:
    """Return limits in the proportion to the target that they had to the requests."""
    found = {}
    for name, wanted in target.items():
        limit, request = limits.get(name) or default.get(name), requests.get(name)
        if limit and wanted:
            found[name] = min(limit * wanted // request, _MOST) if request and request != limit else wanted
    return found


def written(name: str, amount: int, *, like: Quantity = "") -> str:
    """Return an amount as a quantity, in binary units if that which it replaces is."""
    if name == "cpu":
        return canonical(f"{amount}m")
    if str(like).endswith("i") and amount % 1024 == 0:
        return canonical(f"{amount // 1024}Ki")
    return canonical(amount)


def _bounded(
    given: Amounts, container: Object, policy: ContainerPolicy, limits: ContainerLimits | None
) -> dict[str, int]:
    within = {
        name: amount if limits is None else _within(name, amount, container, limits)
        for name, amount in given.items()
    }
    capped = policy.capped(WholeAmounts(within.get("cpu"), within.get("memory")))
    found = {"cpu": capped.cpu, "memory": capped.memory}
    return {name: amount for name, amount in found.items() if amount is not None}


def _within(name: str, amount: int, container: Object, limits: ContainerLimits) -> int:
    """Return a request whose limit, too, is within what the namespace allows."""
    resources = container.get("resources") or {}
    request = amounts_of(resources.get("requests")).get(name)
    limit = amounts_of(resources.get("limits")).get(name) or limits.default.get(name)

    def boundary(bound: int) -> int:
        return bound if not request or not limit else request * bound // limit

    if limit and name in limits.most:
        amount = min(amount, boundary(limits.most[name]))
    if name in limits.least:
        amount = max(amount, limits.least[name], boundary(limits.least[name]) if limit else 0)
    return amount
