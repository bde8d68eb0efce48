"""The decision: does what an object adds still fit into a quota? And if not, in upstream's words.

Upstream: ``CheckRequest`` of apiserver's ``pkg/admission/plugin/resourcequota``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from kubelab.client import Object
from kubelab.engine.quotas.amounts import Amounts, listed, only, parse, written
from kubelab.engine.quotas.usage import container_amounts
from kubelab.quantities import canonical

_MUST_BE_GIVEN = frozenset(
    f"{part}{name}" for part in ("", "requests.", "limits.") for name in ("cpu", "memory")
)
"""What every container must state where a quota limits it (upstream: ``validationSet``)."""


def missing(pod: Object, names: Iterable[str]) -> str:
    """Return what a pod's containers leave out that a quota on ``names`` asks for; empty if nothing."""
    spec = pod.get("spec") or {}
    if spec.get("resources"):
        return ""
    required = _MUST_BE_GIVEN.intersection(names)
    lacking: dict[str, list[str]] = defaultdict(list)
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for name in required - container_amounts(container).keys():
            lacking[name].append(container["name"])
    told = "; ".join(f"{name} for: {','.join(sorted(lacking[name]))}" for name in sorted(lacking))
    return f"must specify {told}" if told else ""


def exceeded(
    name: str, hard: Mapping[str, str], used: Mapping[str, Decimal], added: Mapping[str, Decimal]
) -> str:
    """Return why an addition does not fit into the quota called ``name``; empty if it does.

    Parameters
    ----------
    hard : mapping
        The quota's limits, as quantities.
    used, added : mapping
        What is used already, and what the object would add.
    """
    limits = parse(hard)
    over = [
        each
        for each, amount in added.items()
        if amount > 0 and each in limits and used.get(each, Decimal()) + amount > limits[each]
    ]
    if not over:
        return ""
    requested, before = _texts(only(added, over)), _texts({each: used.get(each, Decimal()) for each in over})
    limited = listed({each: canonical(hard[each]) for each in over})
    return f"exceeded quota: {name}, requested: {requested}, used: {before}, limited: {limited}"


def _texts(amounts: Amounts) -> str:
    return listed({name: written(name, amount) for name, amount in amounts.items()})
