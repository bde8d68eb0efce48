"""The bound over time."""

import pytest

from kubelab.autoscaling.lower_bound.offers import NoRoomError, Offer
from kubelab.autoscaling.lower_bound.over_time import Presence, lower_bound_over_time

NODE = Offer("node", {"cpu": 4000, "pods": 10}, 1.0)
HOUR = 3600.0


def presence(start_h: float, end_h: float, cpu: int = 4000) -> Presence:
    return Presence("default/pod", {"cpu": cpu}, start_h * HOUR, end_h * HOUR)


def test_every_hour_costs_the_pods_that_are_there() -> None:
    found = lower_bound_over_time([presence(0, 2), presence(1, 3)], [NODE], end_s=4 * HOUR)
    assert [(each.start_s / HOUR, each.bound.usd_per_hour) for each in found.stretches] == [
        (0, pytest.approx(1)),
        (1, pytest.approx(2)),
        (2, pytest.approx(1)),
        (3, 0),
    ]
    assert found.usd == pytest.approx(4)


def test_what_comes_after_the_end_does_not_count() -> None:
    found = lower_bound_over_time([presence(0, 9), presence(5, 9, cpu=99_000)], [NODE], end_s=2 * HOUR)
    assert found.usd == pytest.approx(2)


def test_joined_moments_count_only_pods_that_stay() -> None:
    comings = [presence(0, 2), presence(0.5, 0.75), presence(1, 2)]
    exact = lower_bound_over_time(comings, [NODE], end_s=2 * HOUR)
    joined = lower_bound_over_time(comings, [NODE], end_s=2 * HOUR, resolution_s=HOUR)
    assert exact.usd == pytest.approx(3.25)
    assert joined.usd == pytest.approx(3)
    assert joined.stretches[-1].end_s == 2 * HOUR


def test_pod_that_fits_nowhere_is_named() -> None:
    with pytest.raises(NoRoomError, match="default/pod"):
        lower_bound_over_time([presence(0, 1, cpu=5000)], [NODE], end_s=HOUR)
