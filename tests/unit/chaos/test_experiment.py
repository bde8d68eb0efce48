"""Experiments as objects, and how far they may reach."""

from __future__ import annotations

import pytest

from kubelab.chaos.errors import BlastRadiusError, ChaosError
from kubelab.chaos.experiment import Experiment, Target
from kubelab.chaos.hypotheses import Check
from kubelab.chaos.radius import check_duration, check_radius, checked_seconds
from kubelab.chaos.verdict import outcome_of

POD = Target("Pod", "learn-node-0-1-x", "default", "u1", "127.20.0.3")
EXPERIMENT = Experiment(
    "network-delay",
    (POD,),
    "default",
    duration_s=5.0,
    seed=3,
    parameters={"delay_s": 0.1},
    hypothesis="the job goes on",
    about=Target("TrainJob", "learn", "default", "u0"),
)


def test_an_object_says_all_that_its_experiment_does() -> None:
    obj = EXPERIMENT.to_object()
    obj["metadata"] |= {"name": "network-delay-abcde", "uid": "u2"}
    read = Experiment.of_object(obj)
    assert (read.name, read.uid) == ("network-delay-abcde", "u2")
    assert read.to_object() == EXPERIMENT.to_object()


def test_more_pods_than_the_job_has_are_not_hit_unless_that_is_asked_for() -> None:
    check_radius([POD, POD], own=2, max_pods=None)
    check_radius([POD, POD, POD], own=2, max_pods=3)
    with pytest.raises(BlastRadiusError, match=r"would hit 3 pods .* may hit 2: nothing was done") as caught:
        check_radius([POD, POD, POD], own=2, max_pods=None)
    assert caught.value.max_pods == 2


@pytest.mark.parametrize("duration_s", [0.0, -1.0, 601.0, float("nan")])
def test_a_fault_lasts_some_time_and_not_too_long(duration_s: float) -> None:
    with pytest.raises(ChaosError, match="more than 0 and at most 600"):
        check_duration("drain", duration_s)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 601.0, float("nan"), float("inf")])
def test_a_time_that_no_fault_can_use_is_refused(seconds: float) -> None:
    with pytest.raises(ChaosError, match=r"delay_s cannot be .* s: pass one from 0.001 to 600"):
        checked_seconds("delay_s", seconds)


def test_a_fault_that_touched_nothing_shows_nothing() -> None:
    held, broken = Check("after", True, ""), Check("after", False, "")
    assert outcome_of((held,), None) == outcome_of((held,), 3) == "held"
    assert outcome_of((held,), 0) == "no effect"
    assert outcome_of((held, broken), 0) == "broken"
