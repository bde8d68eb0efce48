from __future__ import annotations

from dataclasses import replace

from kubelab.autoscaling.balancing import NODE_GROUP, Size, balance, similar
from kubelab.autoscaling.option import ZONE, Template
from tests.unit.autoscaling.options import GIB, template

HERE = replace(template(8, 32), labels={ZONE: "a", NODE_GROUP: "one", "team": "x"})


def changed(**amounts: int) -> Template:
    return replace(HERE, capacity={**HERE.capacity, **amounts}, allocatable={**HERE.allocatable, **amounts})


def test_groups_of_other_zones_are_alike() -> None:
    assert similar(HERE, replace(HERE, labels={ZONE: "b", NODE_GROUP: "two", "team": "x"}))


def test_groups_of_another_label_are_not() -> None:
    assert not similar(HERE, replace(HERE, labels={ZONE: "a", "team": "y"}))


def test_memory_may_differ_by_one_and_a_half_percent() -> None:
    assert similar(HERE, changed(memory=int(32 * GIB * 0.986)))
    assert not similar(HERE, changed(memory=int(32 * GIB * 0.984)))


def test_cpu_and_the_set_of_resources_must_be_the_same() -> None:
    assert not similar(HERE, changed(cpu=7990))
    assert not similar(HERE, changed(gpu=1))


def test_allocatable_and_what_daemonsets_leave_may_differ_by_five_percent() -> None:
    less = replace(HERE, allocatable={**HERE.allocatable, "cpu": 7500})
    assert not similar(HERE, less)
    assert similar(HERE, HERE, {"cpu": 300}, {})
    assert not similar(HERE, HERE, {"cpu": 500}, {})


def test_smallest_group_grows_first() -> None:
    sizes = [Size("a", 3, 9), Size("b", 1, 9), Size("c", 1, 9)]
    assert balance(sizes, 2) == {"b": 1, "c": 1}
    assert balance(sizes, 7) == {"a": 1, "b": 3, "c": 3}


def test_full_group_gets_nothing_and_room_is_the_limit() -> None:
    assert balance([Size("a", 2, 2), Size("b", 1, 3)], 5) == {"b": 2}
