"""Which resizes fit, and in which order they are looked at."""

from __future__ import annotations

from kubelab.engine.nodes.resize_decision import Resident, decide

NODE = {"cpu": 2000, "memory": 1000}


def resident(uid: str, held: int, wanted: int | None = None, **more: object) -> Resident:
    asked = None if wanted is None else {"cpu": wanted}
    return Resident(uid, {"cpu": held}, asked, **more)  # type: ignore[arg-type]


def test_what_fits_beside_the_other_pods_is_accepted() -> None:
    verdicts = decide([resident("a", 500, 1000), resident("b", 1000)], NODE)
    assert list(verdicts) == ["a"]
    assert verdicts["a"].accepted


def test_what_does_not_fit_now_is_deferred_in_upstreams_words() -> None:
    verdict = decide([resident("a", 500, 1001), resident("b", 1000)], NODE)["a"]
    assert (verdict.accepted, verdict.reason, verdict.cause) == (False, "Deferred", "OutOfcpu")
    assert verdict.message == (
        "Node didn't have enough resource: cpu, requested: 1001, used: 1000, capacity: 2000"
    )


def test_memory_is_counted_too() -> None:
    pods = [Resident("a", {"memory": 1}, {"memory": 600}), Resident("b", {"memory": 500})]
    assert decide(pods, NODE)["a"].cause == "OutOfmemory"


def test_resources_of_the_pod_as_a_whole_are_infeasible() -> None:
    verdict = decide([resident("a", 500, 400, pod_level=True)], NODE)["a"]
    assert (verdict.reason, verdict.message) == (
        "Infeasible",
        "In-place pod-level resources resize is not supported on this node",
    )


def test_what_one_pod_gives_back_another_gets() -> None:
    verdicts = decide([resident("grows", 500, 1500), resident("shrinks", 1500, 500)], NODE)
    assert list(verdicts) == ["shrinks", "grows"]
    assert all(verdict.accepted for verdict in verdicts.values())


def test_the_last_room_goes_to_the_higher_priority_then_to_guaranteed_then_to_who_waits_longest() -> None:
    new = resident("new", 100, 1000)
    late = resident("late", 100, 1000, since="2026-01-02T00:00:00Z")
    early = resident("early", 100, 1000, since="2026-01-01T00:00:00Z")
    guaranteed = resident("guaranteed", 100, 1000, qos_class="Guaranteed")
    important = resident("important", 100, 1000, priority=5)
    verdicts = decide([new, late, early, guaranteed, important], NODE)
    assert list(verdicts) == ["important", "guaranteed", "early", "late", "new"]
    assert [uid for uid, verdict in verdicts.items() if verdict.accepted] == ["important"]


def test_a_node_that_is_too_full_defers_even_a_resize_that_gives_back_too_little() -> None:
    verdicts = decide([resident("a", 1500, 1400), resident("b", 1000)], NODE)
    assert verdicts["a"].reason == "Deferred"


def test_nothing_is_decided_where_nothing_is_wanted() -> None:
    assert decide([resident("a", 5000)], NODE) == {}
