"""Which horizontal autoscalers a vertical one gets in the way of."""

from __future__ import annotations

from kubelab.client import Object
from kubelab.rightsizing.conflicts import same_metrics
from tests.unit.rightsizing.objects import autoscaler


def horizontal(*metrics: Object, target: str = "web") -> Object:
    return {
        "metadata": {"name": "hpa", "namespace": "default"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": target}, "metrics": list(metrics)},
    }


def resource(name: str, type: str) -> Object:
    return {"type": "Resource", "resource": {"name": name, "target": {"type": type}}}


def test_use_as_a_share_of_a_request_that_changes_is_a_conflict() -> None:
    both = horizontal(resource("cpu", "Utilization"), resource("memory", "Utilization"))
    assert same_metrics(autoscaler(), [both], ["cpu"]) == [
        "the HorizontalPodAutoscaler hpa measures cpu by its request"
    ]


def test_without_metrics_cpu_is_measured() -> None:
    assert same_metrics(autoscaler(), [horizontal()], ["cpu", "memory"])
    assert not same_metrics(autoscaler(), [horizontal()], ["memory"])


def test_amounts_and_other_targets_are_none() -> None:
    others = [horizontal(resource("cpu", "AverageValue")), horizontal(target="api")]
    assert not same_metrics(autoscaler(), others, ["cpu", "memory"])
