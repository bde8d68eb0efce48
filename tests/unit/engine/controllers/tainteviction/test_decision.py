"""When a pod must leave a tainted node."""

from __future__ import annotations

from typing import Any

import pytest

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.tainteviction.decision import executed, leaves_at, not_before
from kubelab.scheduling.selectors import Taint
from tests.unit.engine.controllers.objects import START, at

GONE = Taint("node.kubernetes.io/unreachable", "", "NoExecute")
TEAM = Taint("team", "a", "NoExecute")


def pod(*tolerations: Any, created_s: float = 0.0) -> Object:
    meta = {"name": "pod", "namespace": "default", "creationTimestamp": rfc3339(at(created_s))}
    return {"metadata": meta, "spec": {"tolerations": list(tolerations)}}


def exists(key: str, seconds: int | None = None) -> Object:
    bound = {} if seconds is None else {"tolerationSeconds": seconds}
    return {"key": key, "operator": "Exists", "effect": "NoExecute", **bound}


def test_only_taints_that_execute_count() -> None:
    taints = [
        {"key": "team", "value": "a", "effect": "NoExecute", "timeAdded": rfc3339(START)},
        {"key": "other", "effect": "NoSchedule"},
    ]
    assert executed({"spec": {"taints": taints}}) == {TEAM: rfc3339(START)}


@pytest.mark.parametrize("seconds", [0, -5])
def test_a_pod_that_does_not_tolerate_a_taint_leaves_at_once(seconds: int) -> None:
    assert leaves_at(pod(), {TEAM: at(60)}) == at(60)
    assert leaves_at(pod(exists("team", seconds)), {TEAM: at(60)}) == at(60)


def test_a_pod_that_tolerates_a_taint_stays() -> None:
    assert leaves_at(pod(exists("team")), {TEAM: START}) is None
    assert leaves_at(pod(), {}) is None


def test_a_pod_leaves_when_the_time_it_tolerates_is_over() -> None:
    assert leaves_at(pod(exists(GONE.key, 300)), {GONE: at(10)}) == at(310)


def test_the_first_taint_that_is_not_tolerated_any_more_decides() -> None:
    tolerant = pod(exists(GONE.key, 300), exists("team", 30))
    assert leaves_at(tolerant, {GONE: START, TEAM: at(60)}) == at(90)


def test_a_pod_made_after_the_taint_has_its_own_time() -> None:
    assert leaves_at(pod(exists(GONE.key, 300), created_s=100), {GONE: START}) == at(400)


def test_who_slept_evicts_nobody_for_a_grace_period() -> None:
    assert not_before(at(300), START, at(301)) == START
    assert not_before(at(300), START, at(4000)) == at(4050)
    assert not_before(at(300), at(4050), at(4050)) == at(4050)
