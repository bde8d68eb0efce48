"""Guard rails: what they mend, what they hold, and what they leave alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.rightsizing.change import Change
from kubelab.rightsizing.containers import Amounts, container_groups
from kubelab.rightsizing.guards import Rails, Surroundings, guarded
from kubelab.rightsizing.record import ANNOTATION, Record, written

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIB = 2.0**30
MIB = 2.0**20


def pod(
    name: str = "web-1", requests: Mapping[str, str] | None = None, limits: Mapping[str, str] | None = None
) -> Object:
    resources = {"requests": dict(requests or {}), "limits": dict(limits or {})}
    owner = {"kind": "StatefulSet", "name": "web", "controller": True}
    return {
        "metadata": {"name": name, "namespace": "shop", "ownerReferences": [owner]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "resources": resources}]},
        "status": {"phase": "Running"},
    }


BURSTABLE = pod(requests={"cpu": "500m", "memory": "1Gi"})


def change(of: Object, requests: Amounts, limits: Amounts | None = None, **known: Amounts) -> Change:
    (group,) = container_groups([of])
    return Change(
        group,
        requests,
        limits or {},
        peaks=known.get("peaks", {}),
        latest=known.get("latest", {}),
    )


def around(*pods: Object, **more: Any) -> Surroundings:
    return Surroundings(NOW, pods, **more)


def node(cpu: str = "4", memory: str = "8Gi") -> Object:
    return {"metadata": {"name": "node-1"}, "status": {"allocatable": {"cpu": cpu, "memory": memory}}}


def test_a_plain_cut_is_made_as_it_is() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.2, "memory": 0.5 * GIB})
    assert guarded(wanted, around(BURSTABLE, nodes=[node()]), Rails()) == wanted


def test_a_memory_limit_stays_above_the_highest_use() -> None:
    wanted = change(
        BURSTABLE, {"cpu": 0.5, "memory": 0.3 * GIB}, {"memory": 0.3 * GIB}, peaks={"memory": 0.9 * GIB}
    )
    found = guarded(wanted, around(BURSTABLE), Rails())
    assert found.limits["memory"] >= 0.9 * GIB
    assert "memory limit kept: the highest use was 922Mi" in found.notes


def test_a_cpu_request_stays_above_a_third_of_its_peak() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.1, "memory": GIB}, peaks={"cpu": 0.9})
    assert guarded(wanted, around(BURSTABLE), Rails()).requests["cpu"] == 0.3


def test_no_request_is_below_what_is_used_now() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.1, "memory": 0.1 * GIB}, latest={"cpu": 0.25, "memory": 0.5 * GIB})
    found = guarded(wanted, around(BURSTABLE), Rails())
    assert found.requests == {"cpu": 0.25, "memory": 0.5 * GIB}
    assert found.notes[0] == "cpu raised to what is used now, 250m"


def test_a_running_pod_gets_no_limit_that_it_could_not_lose_again() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.2, "memory": 0.5 * GIB}, {"memory": GIB})
    found = guarded(wanted, around(BURSTABLE, in_place=True), Rails())
    assert found.limits == {}
    assert found.notes == ("no memory limit: a running pod could not lose it again",)
    assert guarded(wanted, around(BURSTABLE), Rails()).limits == {"memory": GIB}


def test_a_guaranteed_pod_stays_so() -> None:
    same = {"cpu": "500m", "memory": "1Gi"}
    guaranteed = pod(requests=same, limits=same)
    wanted = change(guaranteed, {"cpu": 0.2, "memory": 0.5 * GIB}, {"cpu": 0.5, "memory": GIB})
    found = guarded(wanted, around(guaranteed), Rails())
    assert found.limits == found.requests == {"cpu": 0.2, "memory": 0.5 * GIB}
    assert not found.held


def test_a_guaranteed_pod_grows_as_a_whole_where_its_peak_asks_for_it() -> None:
    same = {"cpu": "500m", "memory": "1Gi"}
    guaranteed = pod(requests=same, limits=same)
    wanted = change(
        guaranteed,
        {"cpu": 0.2, "memory": 0.3 * GIB},
        {"cpu": 0.5, "memory": GIB},
        peaks={"memory": 0.75 * GIB},
    )
    found = guarded(wanted, around(guaranteed), Rails())
    assert found.limits == found.requests
    assert found.limits["memory"] >= 0.75 * GIB


def test_a_guaranteed_pods_memory_is_the_limit_that_was_asked_for() -> None:
    same = {"cpu": "500m", "memory": "1Gi"}
    guaranteed = pod(requests=same, limits=same)
    wanted = change(guaranteed, {"cpu": 0.2, "memory": 0.3 * GIB}, {"cpu": 0.5, "memory": 0.6 * GIB})
    found = guarded(wanted, around(guaranteed), Rails())
    assert found.requests == found.limits == {"cpu": 0.2, "memory": 0.6 * GIB}


def test_a_burstable_pod_does_not_become_guaranteed() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.2, "memory": 0.5 * GIB}, {"cpu": 0.2, "memory": 0.5 * GIB})
    assert guarded(wanted, around(BURSTABLE), Rails()).limits == {}


def test_a_burstable_pod_with_limits_keeps_them_above_its_requests() -> None:
    loose = pod(requests={"cpu": "250m", "memory": "512Mi"}, limits={"cpu": "500m", "memory": "1Gi"})
    wanted = change(loose, {"cpu": 1.0, "memory": 2 * GIB}, {"cpu": 1.0, "memory": 2 * GIB})
    found = guarded(wanted, around(loose), Rails())
    assert found.limits["cpu"] == pytest.approx(1.1)
    assert found.limits["memory"] > 2 * GIB


def test_a_best_effort_pod_is_not_resized_in_place() -> None:
    nothing = pod()
    wanted = change(nothing, {"cpu": 0.2, "memory": 0.5 * GIB})
    in_place = guarded(wanted, around(nothing, in_place=True), Rails())
    assert in_place.requests == {}
    assert in_place.held
    template = guarded(wanted, around(nothing), Rails())
    assert not template.held
    assert "the pod is no longer BestEffort" in template.notes


def autoscaler(target_type: str) -> Object:
    target = {"type": target_type}
    return {
        "metadata": {"name": "web-hpa", "namespace": "shop"},
        "spec": {
            "scaleTargetRef": {"kind": "StatefulSet", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }


def test_what_a_horizontal_autoscaler_measures_by_its_share_is_held() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.2, "memory": GIB})
    found = guarded(wanted, around(BURSTABLE, autoscalers=[autoscaler("Utilization")]), Rails())
    assert "the HorizontalPodAutoscaler web-hpa measures cpu by its request" in found.held[0]


@pytest.mark.parametrize(
    ("requests", "target"),
    [({"cpu": 0.5, "memory": 0.5 * GIB}, "Utilization"), ({"cpu": 0.2, "memory": GIB}, "AverageValue")],
)
def test_another_resource_and_an_absolute_target_are_no_conflict(requests: Amounts, target: str) -> None:
    found = guarded(change(BURSTABLE, requests), around(BURSTABLE, autoscalers=[autoscaler(target)]), Rails())
    assert not found.held


def quota(hard: str, used: str) -> Object:
    return {
        "metadata": {"name": "team", "namespace": "shop"},
        "status": {"hard": {"requests.cpu": hard}, "used": {"requests.cpu": used}},
    }


def test_what_a_quota_has_no_room_for_is_held() -> None:
    wanted = change(BURSTABLE, {"cpu": 1.0, "memory": GIB})
    tight, wide = quota("2", "1600m"), quota("2", "1500m")
    found = guarded(wanted, around(BURSTABLE, quotas=[tight]), Rails())
    assert found.held == ("the quota team has too little left of requests.cpu: 1600m of 2 is used",)
    assert not guarded(wanted, around(BURSTABLE, quotas=[wide]), Rails()).held


def test_a_pod_that_grows_in_place_must_fit_its_node() -> None:
    wanted = change(BURSTABLE, {"cpu": 1.5, "memory": GIB})
    full = around(BURSTABLE, pod("other", {"cpu": "3"}), nodes=[node()], in_place=True)
    assert guarded(wanted, full, Rails()).held == ("no room on node-1 for a pod that grows in place",)
    assert not guarded(wanted, replace(full, pods=(BURSTABLE,)), Rails()).held
    assert not guarded(wanted, replace(full, in_place=False), Rails()).held


def test_a_pod_must_fit_some_node() -> None:
    wanted = change(BURSTABLE, {"cpu": 9.0, "memory": GIB})
    assert guarded(wanted, around(BURSTABLE, nodes=[node()]), Rails()).held == ("no node is large enough",)


def test_a_small_change_is_held() -> None:
    wanted = change(BURSTABLE, {"cpu": 0.46, "memory": GIB})
    assert guarded(wanted, around(BURSTABLE), Rails()).held == (
        "the change of 8.0% is below the minimum of 10%",
    )
    assert not guarded(wanted, around(BURSTABLE), Rails(min_change=0.05)).held


def test_nothing_to_change_is_held_whatever_the_minimum() -> None:
    same = change(BURSTABLE, {"cpu": 0.5, "memory": GIB})
    assert guarded(same, around(BURSTABLE), Rails(min_change=0.0)).held


def test_a_recent_change_is_left_to_settle() -> None:
    record = Record(NOW - timedelta(minutes=30), {}, {})
    workload = {"metadata": {"annotations": {ANNOTATION: written({"app": record})}}}
    there = around(BURSTABLE, targets={("StatefulSet", "shop", "web"): workload})
    wanted = change(BURSTABLE, {"cpu": 0.2, "memory": GIB})
    assert guarded(wanted, there, Rails()).held == ("changed 30 minutes ago; the cooldown is 60 minutes",)
    assert not guarded(wanted, there, Rails(cooldown=timedelta(minutes=20))).held


def test_a_torn_annotation_counts_as_none() -> None:
    workload = {"metadata": {"annotations": {ANNOTATION: '{"app": '}}}
    there = around(BURSTABLE, targets={("StatefulSet", "shop", "web"): workload})
    assert not guarded(change(BURSTABLE, {"cpu": 0.2, "memory": GIB}), there, Rails()).held
