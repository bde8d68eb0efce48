"""`ContainerPolicy`: what a VerticalPodAutoscaler lets the recommender do to a container.

Upstream: ``pkg/utils/vpa/policy.go`` and ``capping.go`` of Vertical Pod Autoscaler 1.7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kubelab.client import Object
from kubelab.quantities import parse_quantity, whole
from kubelab.rightsizing.amounts import UNBOUNDED, WholeAmounts
from kubelab.rightsizing.oom import MIB


@dataclass(frozen=True, slots=True)
class ContainerPolicy:
    """One entry of ``spec.resourcePolicy.containerPolicies``, with upstream's defaults.

    Attributes
    ----------
    off : bool
        Nothing is recommended.
    least, most : WholeAmounts
        ``minAllowed`` and ``maxAllowed``; of which 0 is no bound.
    controlled : frozenset of str
        The resources that are recommended.
    keeps_limits : bool
        ``RequestsOnly``: limits stay when requests change.
    oom_ratio, oom_least : float, int
        What a kill for want of memory adds: times as much, and at least so many bytes.
    """

    off: bool = False
    least: WholeAmounts = UNBOUNDED
    most: WholeAmounts = UNBOUNDED
    controlled: frozenset[str] = frozenset(("cpu", "memory"))
    keeps_limits: bool = False
    oom_ratio: float = 1.2
    oom_least: int = 100 * MIB

    @staticmethod
    def of(vpa: Object, container: str) -> ContainerPolicy:
        """Return a container's policy: its own, else that of ``*``, else the default."""
        policies = ((vpa.get("spec") or {}).get("resourcePolicy") or {}).get("containerPolicies") or ()
        by_name = {each.get("containerName", ""): each for each in reversed(policies)}
        return _read(by_name.get(container) or by_name.get("*") or {})

    def filtered(self, amounts: WholeAmounts) -> WholeAmounts:
        """Leave out what is not controlled."""
        return WholeAmounts(
            amounts.cpu if "cpu" in self.controlled else None,
            amounts.memory if "memory" in self.controlled else None,
        )

    def capped(self, amounts: WholeAmounts) -> WholeAmounts:
        """Hold amounts within what is allowed; the most wins over the least."""
        return amounts.at_least(self.least).at_most(self.most)


def _read(entry: Mapping[str, object]) -> ContainerPolicy:
    given: Object = dict(entry)
    policy = ContainerPolicy(
        given.get("mode") == "Off",
        WholeAmounts.of(given.get("minAllowed")),
        WholeAmounts.of(
            {name: most for name, most in (given.get("maxAllowed") or {}).items() if whole(most)}
        ),
        frozenset(given.get("controlledResources") or ("cpu", "memory")),
        given.get("controlledValues") == "RequestsOnly",
    )
    if "oomBumpUpRatio" in given:
        policy = replace(policy, oom_ratio=float(parse_quantity(given["oomBumpUpRatio"])))
    return replace(policy, oom_least=whole(given["oomMinBumpUp"])) if "oomMinBumpUp" in given else policy
