"""Where two autoscalers chase each other: one sets the requests that the other measures by.

Upstream warns of it in its documentation and lets it happen.
"""

from __future__ import annotations

from collections.abc import Iterable

from kubelab.client import Object
from kubelab.rightsizing.controlling import target_of


def same_metrics(autoscaler: Object, horizontals: Iterable[Object], sized: Iterable[str]) -> list[str]:
    """Return, for people, what horizontal autoscalers of the same target measure by requests that change.

    Parameters
    ----------
    horizontals : iterable of dict
        HorizontalPodAutoscalers (autoscaling/v2).
    sized : iterable of str
        The resources whose requests the autoscaler sets.
    """
    target, names = target_of(autoscaler), set(sized)
    return [
        f"the HorizontalPodAutoscaler {each['metadata']['name']} measures {name} by its request"
        for each in horizontals
        if _points_at(each, target.namespace, target.kind, target.name)
        for name in sorted(names & _measured(each))
    ]


def _points_at(horizontal: Object, namespace: str, kind: str, name: str) -> bool:
    reference = horizontal["spec"]["scaleTargetRef"]
    there = horizontal["metadata"]["namespace"], reference["kind"], reference["name"]
    return bool(there == (namespace, kind, name))


def _measured(horizontal: Object) -> set[str]:
    """Return what is measured as a share of requests; without metrics that is CPU."""
    metrics = horizontal["spec"].get("metrics")
    if not metrics:
        return {"cpu"}
    sources = [each.get("resource") or each.get("containerResource") or {} for each in metrics]
    return {str(each["name"]) for each in sources if (each.get("target") or {}).get("type") == "Utilization"}
