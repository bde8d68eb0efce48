"""What a meter keeps, and how it is put together again."""

from dataclasses import replace

from kubelab.costs.excess import Excess
from kubelab.costs.intervals import node_interval, pod_interval
from kubelab.costs.keeping import MOST_READINGS, MOST_SMALL, known_since, plan
from kubelab.costs.rates import Resources
from kubelab.costs.readings import Rows, reading_object, rows_of, without_overlap
from tests.unit.costs.objects import at, node, pod

NODE = node_interval(node(), at(4))


def reading(name: str, pods: int, to: float = 1.0) -> dict:  # type: ignore[type-arg]
    made = [pod_interval(pod(f"{name}-{number}"), at(to)) for number in range(pods)]
    return reading_object(name, Rows(pods=tuple(each for each in made if each)), at(to))


def test_rows_come_back_as_they_were_kept() -> None:
    run = pod_interval(pod("a", labels={"team": "red"}, owner=("Job", "x"), ended=3), at(4))
    assert run is not None
    rows = Rows((NODE, node_interval(node("n2", usd=None), at(4))), (run,))
    kept = reading_object("r", rows, at(5))
    assert rows_of(kept) == rows
    assert {key: kept["spec"][key] for key in ("from", "to", "nodes", "pods")} == {
        "from": "2026-01-01T00:00:00Z",
        "to": "2026-01-01T04:00:00Z",
        "nodes": 2,
        "pods": 1,
    }


def test_what_pods_use_beyond_their_requests_is_kept_too() -> None:
    rows = Rows(excess=(Excess("uid-a", 3, Resources(6, 1.5)),))
    kept = reading_object("running", rows, at(5))
    assert rows_of(kept) == rows
    assert kept["spec"]["to"] == "2026-01-01T05:00:00Z"
    assert plan([kept] * 100).together == ()


def test_what_was_kept_twice_counts_once() -> None:
    assert without_overlap([NODE, NODE]) == [NODE]


def test_pieces_of_one_life_follow_each_other() -> None:
    dearer = replace(NODE, end=at(9), price=None)
    first, second = without_overlap([dearer, NODE])
    assert (first.start, first.end, first.price) == (at(0), at(4), NODE.price)
    assert (second.start, second.end, second.price) == (at(4), at(9), None)


def test_other_lives_are_left_alone() -> None:
    other = replace(NODE, uid="another")
    assert without_overlap([NODE, other]) == [NODE, other]


def test_small_readings_are_put_together_once_there_are_many() -> None:
    few = [reading(f"r{number:03}", 1) for number in range(MOST_SMALL - 1)]
    assert plan(few).together == ()
    many = [*few, reading("s", 1)]
    assert list(plan(many).together) == many


def test_full_readings_are_left_alone() -> None:
    full = [reading("full", 1000)] * MOST_SMALL
    assert plan(full).together == ()


def test_the_oldest_readings_go_when_there_are_too_many_and_then_that_is_known() -> None:
    kept = [reading(f"r{number:03}", 1, to=number + 1) for number in range(MOST_READINGS + 1)]
    assert [each["metadata"]["name"] for each in plan(kept).too_old] == ["r000"]
    assert known_since(kept) == at(1)
    assert known_since(kept[:10]) is None
