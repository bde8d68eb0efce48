"""Which pods of a group are updated, and how, while others are away."""

from __future__ import annotations

import pytest

from kubelab.client import Object
from kubelab.rightsizing.updater import Round, look
from kubelab.scheduling.resizing import IN_PROGRESS, PENDING
from tests.unit.rightsizing.objects import at, autoscaler, cpu, pod, resizing

OUTSIDE = cpu(2000, 1500, 3000)


def round_of(scaler: Object, pods: list[Object], *, wants: int | None = None, hours: float = 1) -> Round:
    configured = {"rs": len(pods) if wants is None else wants}
    return look(scaler, [(each, OUTSIDE) for each in pods], configured, at(hours))


def verbs(found: Round) -> list[str | None]:
    """Ask for each candidate in turn, as if everything succeeded."""
    said = []
    for candidate in found.candidates:
        said.append(found.verb(candidate))
        if said[-1]:
            found.done(candidate)
    return said


def pods(number: int) -> list[Object]:
    return [pod(f"web-{index}") for index in range(number)]


def test_half_of_a_group_may_be_evicted_in_one_round() -> None:
    assert verbs(round_of(autoscaler(), pods(4))) == ["evict", "evict", None, None]


def test_of_three_one_goes() -> None:
    assert verbs(round_of(autoscaler(), pods(3))) == ["evict", None, None]


def test_only_replica_is_left_alone_unless_the_autoscaler_says_otherwise() -> None:
    assert verbs(round_of(autoscaler(), pods(1))) == [None]
    assert verbs(round_of(autoscaler(minReplicas=1), pods(1))) == ["evict"]


def test_group_that_lacks_a_pod_already_has_less_to_spare() -> None:
    assert verbs(round_of(autoscaler(), pods(3), wants=4)) == ["evict", None, None]
    assert verbs(round_of(autoscaler(), pods(2), wants=4)) == [None, None]


def test_pending_pod_may_go_whatever_the_others_do() -> None:
    given = [*pods(2), pod("waits", phase="Pending")]
    assert verbs(round_of(autoscaler(), given, wants=4)) == [None, None, "evict"]


@pytest.mark.parametrize("mode", ["Off", "Initial"])
def test_running_pods_are_left_alone_in_modes_that_only_admit(mode: str) -> None:
    assert round_of(autoscaler(mode), pods(4)).candidates == ()


def test_pods_of_nobody_are_left_alone() -> None:
    bare = pods(2)
    for each in bare:
        del each["metadata"]["ownerReferences"]
    assert verbs(round_of(autoscaler(minReplicas=1), bare)) == [None, None]


def test_resize_comes_before_eviction_and_spends_the_same_allowance() -> None:
    assert verbs(round_of(autoscaler("InPlaceOrRecreate"), pods(4))) == ["resize", "resize", None, None]


@pytest.mark.parametrize(
    ("kind", "reason", "minutes", "verb"),
    [
        (PENDING, "Deferred", 5, None),
        (PENDING, "Deferred", 6, "evict"),
        (PENDING, "Infeasible", 0, "evict"),
        (IN_PROGRESS, "", 60, None),
        (IN_PROGRESS, "", 61, "evict"),
        (IN_PROGRESS, "Error", 0, "evict"),
    ],
)
def test_resize_that_does_not_come_about_is_followed_by_an_eviction(
    kind: str, reason: str, minutes: float, verb: str | None
) -> None:
    given = [resizing(pod("stuck"), kind, reason), *pods(3)]
    found = round_of(autoscaler("InPlaceOrRecreate"), given, hours=minutes / 60)
    stuck = next(each for each in found.candidates if each.pod["metadata"]["name"] == "stuck")
    assert found.verb(stuck) == verb


def test_mode_in_place_never_evicts_and_asks_again_only_for_less() -> None:
    stuck = resizing(pod("stuck"), PENDING, "Infeasible")
    found = look(autoscaler("InPlace"), [(each, OUTSIDE) for each in [stuck, *pods(3)]], {"rs": 4}, at(9))
    assert found.verb(next(each for each in found.candidates if each.pod is stuck)) is None
    less = look(autoscaler("InPlace"), [(stuck, cpu(500, 400, 600))], {"rs": 4}, at(9))
    assert less.candidates == () or less.verb(less.candidates[0]) is None  # one of four is too few
    among = [(stuck, cpu(500, 400, 600)), *((each, OUTSIDE) for each in pods(3))]
    found = look(autoscaler("InPlace"), among, {"rs": 4}, at(9))
    assert found.verb(next(each for each in found.candidates if each.pod is stuck)) == "resize"
