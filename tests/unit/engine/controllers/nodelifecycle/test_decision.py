"""What becomes of a node that nobody hears from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.controllers.nodelifecycle.decision import (
    GRACE,
    LATE,
    NOT_READY,
    STARTUP_GRACE,
    UNREACHABLE,
    listen,
    taints,
    unknown,
)
from tests.unit.engine.controllers.objects import START, at


def node(ready: str = "True", *, taints: Any = (), unschedulable: bool = False, **others: str) -> Object:
    conditions = [{"type": kind, "status": status} for kind, status in {"Ready": ready, **others}.items()]
    return {
        "metadata": {"name": "node", "creationTimestamp": rfc3339(START)},
        "spec": {"taints": [dict(each) for each in taints], "unschedulable": unschedulable},
        "status": {"conditions": [each for each in conditions if each["status"]]},
    }


def lease(lasts_s: int) -> Object:
    return {"spec": {"leaseDurationSeconds": lasts_s}}


def taint(key: str, effect: str, **others: str) -> Object:
    return {"key": key, "effect": effect, **others}


def pairs(found: list[Object]) -> set[tuple[str, str]]:
    return {(each["key"], each["effect"]) for each in found}


def test_a_node_is_heard_for_as_long_as_its_grace_lasts() -> None:
    hearing = listen(node(), lease(40), START, at(49))
    assert not hearing.silent
    assert hearing.again_s == 1
    assert listen(node(), lease(40), START, at(50)).silent


def test_a_longer_lease_gives_a_longer_grace() -> None:
    assert not listen(node(), lease(300), START, at(309)).silent
    assert listen(node(), lease(300), START, at(310)).silent


def test_a_node_that_never_said_how_it_is_has_time_to_start() -> None:
    assert not listen(node(""), None, START, START + STARTUP_GRACE - timedelta(seconds=1)).silent
    assert listen(node(""), None, START, START + STARTUP_GRACE).silent


def test_who_slept_listens_for_a_whole_grace_before_doubting_a_node() -> None:
    woke = START + GRACE + LATE + timedelta(seconds=1)
    hearing = listen(node(), lease(40), START, woke)
    assert not hearing.silent
    assert hearing.heard == woke
    assert hearing.again_s == GRACE.total_seconds()
    assert listen(node(), lease(40), hearing.heard, woke + GRACE).silent


def test_a_node_already_in_doubt_is_not_given_time_again() -> None:
    assert listen(node("Unknown"), lease(40), START, at(10_000)).silent


def test_all_that_the_kubelet_says_becomes_unknown() -> None:
    found = {each["type"]: each for each in unknown(node(Isolation="True", MemoryPressure="False"), at(60))}
    assert found["Ready"] == {
        "type": "Ready",
        "status": "Unknown",
        "reason": "NodeStatusUnknown",
        "message": "Kubelet stopped posting node status.",
        "lastTransitionTime": rfc3339(at(60)),
    }
    assert found["MemoryPressure"]["reason"] == "NodeStatusUnknown"
    assert found["DiskPressure"]["reason"] == "NodeStatusNeverUpdated"
    assert found["Isolation"]["status"] == "True"


def test_what_is_unknown_stays_as_it_was_noted() -> None:
    once = unknown(node(), at(60))
    assert unknown({**node(), "status": {"conditions": once}}, at(90)) == once


@pytest.mark.parametrize(("ready", "key"), [("False", NOT_READY), ("Unknown", UNREACHABLE)])
def test_a_node_that_is_not_ready_takes_no_more_pods_and_then_loses_those_it_has(
    ready: str, key: str
) -> None:
    assert pairs(taints(node(ready), START, evict=False)) == {(key, "NoSchedule")}
    found = taints(node(ready), START, evict=True)
    assert pairs(found) == {(key, "NoSchedule"), (key, "NoExecute")}
    assert {each["timeAdded"] for each in found} == {rfc3339(START)}


def test_a_taint_keeps_the_time_it_was_added() -> None:
    had = taints(node("Unknown"), START, evict=True)
    assert taints(node("Unknown", taints=had), at(60), evict=False) == had


def test_an_unreachable_node_that_says_it_is_not_ready_changes_its_taints_at_once() -> None:
    had = taints(node("Unknown"), START, evict=True)
    found = pairs(taints(node("False", taints=had), at(60), evict=False))
    assert found == {(NOT_READY, "NoSchedule"), (NOT_READY, "NoExecute")}


def test_a_node_that_is_ready_again_keeps_only_what_others_put_on_it() -> None:
    own = taint("team", "NoExecute", value="a")
    had = taints(node("Unknown", taints=[own]), START, evict=True)
    assert len(had) == 3
    assert taints(node(taints=had), at(60), evict=False) == [own]


def test_no_pod_leaves_where_not_one_node_is_ready() -> None:
    had = taints(node("Unknown"), START, evict=True)
    found = taints(node("Unknown", taints=had), at(60), evict=True, halt=True)
    assert pairs(found) == {(UNREACHABLE, "NoSchedule")}


def test_pressure_and_cordons_keep_pods_off() -> None:
    found = taints(node(MemoryPressure="True", unschedulable=True), START, evict=False)
    assert pairs(found) == {
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/unschedulable", "NoSchedule"),
    }


def test_a_node_that_never_said_how_it_is_has_no_taints() -> None:
    assert taints(node(""), START, evict=True) == []
