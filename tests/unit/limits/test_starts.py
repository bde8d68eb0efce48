"""What a watch tells of pods that start."""

from __future__ import annotations

import math

import pytest

from kubelab.client import Object
from kubelab.limits.starts import Starts, Throughput


def pod(node: str = "", *states: str) -> Object:
    statuses: list[Object] = [{"state": {state: {}}} for state in states]
    spec = {"containers": [{}, {}], **({"nodeName": node} if node else {})}
    return {"metadata": {"name": "p"}, "spec": spec, "status": {"containerStatuses": statuses}}


def test_a_pod_has_started_once_all_its_containers_have() -> None:
    starts = Starts(created_s={"p": 10.0})
    starts.note(pod(), 10.5)
    assert starts.scheduling_latency_s() == (math.inf,)
    starts.note(pod("n"), 11.0)
    starts.note(pod("n", "running", "waiting"), 12.0)
    assert (starts.scheduling_latency_s(), starts.start_latency_s()) == ((1.0,), (math.inf,))
    starts.note(pod("n", "running", "terminated"), 13.0)
    starts.note(pod("n", "running", "running"), 14.0)
    assert (starts.scheduling_latency_s(), starts.start_latency_s()) == ((1.0,), (3.0,))


def test_a_pod_that_has_not_started_says_what_it_waits_for_until_it_has() -> None:
    starts = Starts(created_s={"p": 10.0})
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    unscheduled = pod()
    unscheduled["status"] = {"conditions": [condition]}
    starts.note(unscheduled, 10.5)
    assert starts.why == "Unschedulable: 0/1 nodes"
    waiting = pod("n", "running", "waiting")
    waiting["status"]["containerStatuses"][1]["state"] = {"waiting": {"reason": "ErrImagePull"}}
    starts.note(waiting, 11.0)
    assert starts.why == "ErrImagePull"
    starts.note(pod("n", "running", "running"), 12.0)
    assert starts.why == ""


def test_throughput_counts_from_the_first_request() -> None:
    moments = [100.2] * 30 + [101.5] * 60 + [102.5] * 10
    found = Throughput.of(moments, 100.0)
    assert found.mean_per_s == pytest.approx(40.0)
    assert (found.median_per_s, found.peak_per_s) == (30.0, 60.0)


def test_a_second_that_is_just_over_counts_as_a_whole_one() -> None:
    assert Throughput.of([0.5, 0.6, 1.0], 0.0).peak_per_s == 2.0


def test_throughput_of_less_than_a_second_has_no_best_one() -> None:
    found = Throughput.of([5.5] * 100, 5.0)
    assert found.mean_per_s == 200.0
    assert math.isnan(found.median_per_s)
    assert math.isnan(found.peak_per_s)


def test_throughput_of_nothing_is_not_a_number() -> None:
    assert math.isnan(Throughput.of([], 0.0).mean_per_s)
