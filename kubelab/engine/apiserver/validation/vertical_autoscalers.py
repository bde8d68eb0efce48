"""Rules for amounts in a VerticalPodAutoscaler, which upstream's webhook checks.

Upstream: ``pkg/admission-controller/resource/vpa/validation.go`` (VPA 1.7). What costs kube-apiserver less to
check is in the schema (`kubelab.engine.crds.vpa`).
"""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.validation.causes import Cause, invalid
from kubelab.quantities import Quantity, canonical, parse_quantity, whole

_UNITS = {
    "cpu": (1000, "must be a whole number of milli CPUs"),
    "memory": (1, "must be a whole number of bytes"),
}


def validate_vertical_autoscaler(autoscaler: Object) -> Iterator[Cause]:
    """Check an autoscaler whose form is right."""
    policies = (autoscaler["spec"].get("resourcePolicy") or {}).get("containerPolicies") or ()
    for index, policy in enumerate(policies):
        yield from _policy(policy, f"spec.resourcePolicy.containerPolicies[{index}]")


def _policy(policy: Object, path: str) -> Iterator[Cause]:
    least, most = policy.get("minAllowed") or {}, policy.get("maxAllowed") or {}
    for name, amount in least.items():
        yield from _resolution(name, amount, f"{path}.minAllowed[{name}]")
        if name in most and parse_quantity(most[name]) < parse_quantity(amount):
            problem = f'max resource for {name} is lower than min of "{canonical(amount)}"'
            yield invalid(f"{path}.maxAllowed[{name}]", canonical(most[name]), problem)
    for name, amount in most.items():
        yield from _resolution(name, amount, f"{path}.maxAllowed[{name}]")
    yield from _bump(policy, path)


def _bump(policy: Object, path: str) -> Iterator[Cause]:
    ratio = parse_quantity(policy.get("oomBumpUpRatio", 1))
    if ratio < 1:
        yield invalid(f"{path}.oomBumpUpRatio", float(ratio), "must be greater than or equal to 1.0")
    least = whole(policy.get("oomMinBumpUp", 0))
    if least < 0:
        yield invalid(f"{path}.oomMinBumpUp", least, "must be greater than or equal to 0")


def _resolution(name: str, amount: Quantity, path: str) -> Iterator[Cause]:
    if name in _UNITS:
        units, problem = _UNITS[name]
        in_units = parse_quantity(amount) * units
        if in_units != in_units.to_integral_value():
            yield invalid(path, canonical(amount), problem)
