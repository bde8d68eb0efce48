"""How fast the nodes of a zone may lose their pods."""

from __future__ import annotations

import pytest

from kubelab.engine.controllers.nodelifecycle.zones import RATE, SECONDARY_RATE, Zones, eviction_rate

HERE, THERE = ("", "here"), ("", "there")


@pytest.mark.parametrize(
    ("count", "unready", "rate"),
    [
        (10, 1, RATE),
        (10, 5, RATE),
        (10, 6, 0.0),
        (3, 2, RATE),  # fewer than three are not enough to doubt a zone
        (100, 55, SECONDARY_RATE),
        (10, 10, RATE),  # all of a zone: it is the zone that is lost
    ],
)
def test_a_zone_that_lost_most_of_its_nodes_is_evicted_slowly(count: int, unready: int, rate: float) -> None:
    assert eviction_rate(count, unready) == rate


def test_nodes_are_counted_by_zone_and_forgotten() -> None:
    zones = Zones()
    for number in range(4):
        zones.put(f"here-{number}", HERE, ready=number == 0)
        zones.put(f"there-{number}", THERE, ready=True)
    assert zones.unready(HERE) == ["here-1", "here-2", "here-3"]
    assert zones.rate(HERE) == 0.0
    assert zones.rate(THERE) == RATE
    zones.put("here-1", HERE, ready=True)
    assert zones.rate(HERE) == RATE
    zones.put("here-2", THERE, ready=False)
    assert zones.unready(HERE) == ["here-3"]
    zones.drop("here-3")
    assert zones.unready(HERE) == []


def test_all_is_lost_when_not_one_node_of_any_zone_is_ready() -> None:
    zones = Zones()
    assert not zones.all_lost
    zones.put("a", HERE, ready=False)
    zones.put("b", THERE, ready=True)
    assert not zones.all_lost
    zones.put("b", THERE, ready=False)
    assert zones.all_lost
    zones.drop("a")
    assert zones.all_lost
    zones.put("b", THERE, ready=True)
    assert not zones.all_lost
