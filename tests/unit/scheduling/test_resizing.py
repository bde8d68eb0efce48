"""What a pod counts for while it is resized."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kubelab.client import PODS, Object
from kubelab.engine.quotas.usage import usage
from kubelab.scheduling.requests import held_requests
from kubelab.scheduling.resizing import specs_of
from kubelab.scheduling.shapes import Shapes

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def resized(wanted: str, given: str, has: str, reason: str = "") -> Object:
    """A pod that asks for, was given and has some CPU."""
    entry: dict[str, Any] = {
        "name": "main",
        "allocatedResources": {"cpu": given},
        "resources": {"requests": {"cpu": given}, "limits": {"cpu": has}},
    }
    entry["resources"]["requests"]["cpu"] = has
    conditions = [{"type": "PodResizePending", "status": "True", "reason": reason}] if reason else []
    container = {"name": "main", "resources": {"requests": {"cpu": wanted}, "limits": {"cpu": wanted}}}
    return {
        "metadata": {"name": "a"},
        "spec": {"containers": [container]},
        "status": {"containerStatuses": [entry], "conditions": conditions},
    }


def test_a_pod_that_is_not_resized_counts_as_its_spec() -> None:
    pod = resized("2", "2", "2")
    assert specs_of(pod, "requests") == [pod["spec"]]
    del pod["status"]
    assert specs_of(pod, "requests") == [pod["spec"]]


def test_the_most_of_wanted_given_and_had_counts() -> None:
    assert held_requests(resized("3", "2", "1")) == {"cpu": 3000}
    assert held_requests(resized("1", "2", "1")) == {"cpu": 2000}
    assert held_requests(resized("1", "1", "4")) == {"cpu": 4000}


def test_what_the_node_has_refused_for_good_does_not_count() -> None:
    assert held_requests(resized("9", "1", "1", reason="Infeasible")) == {"cpu": 1000}
    assert held_requests(resized("9", "1", "1", reason="Deferred")) == {"cpu": 9000}


def test_a_container_that_the_status_does_not_tell_of_counts_as_its_spec() -> None:
    pod = resized("3", "2", "2")
    pod["spec"]["containers"].append({"name": "other", "resources": {"requests": {"cpu": "1"}}})
    assert held_requests(pod) == {"cpu": 4000}


def test_the_scheduler_counts_the_resize_in_the_pods_shape() -> None:
    shapes = Shapes()
    assert shapes.of(resized("1", "1", "1")).requests == {"cpu": 1000}
    assert shapes.of(resized("1", "2", "2")).requests == {"cpu": 2000}
    assert shapes.of(resized("1", "1", "1")).requests == {"cpu": 1000}


def test_a_quota_is_charged_requests_and_limits_of_the_resize() -> None:
    charged = usage(PODS, resized("1", "2", "3"), NOW)
    assert (charged["requests.cpu"], charged["limits.cpu"]) == (Decimal(3), Decimal(3))
