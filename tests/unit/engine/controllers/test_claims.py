import pytest

from kubelab.client import Object
from kubelab.engine.controllers.claims import claim, selects
from tests.unit.engine.controllers.workloads import pod_of, workload


def _names(pods: tuple[Object, ...]) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods]


def test_orphans_are_adopted_and_what_does_not_match_is_released() -> None:
    mine = workload("ReplicaSet")
    other = workload("ReplicaSet")
    own, foreign, orphan, stray = (pod_of(each) for each in (mine, other, mine, mine))
    del orphan["metadata"]["ownerReferences"]
    stray["metadata"]["labels"] = {"app": "else"}
    claims = claim(mine, [own, foreign, orphan, stray])
    assert _names(claims.own) == _names((own,))
    assert _names(claims.adopt) == _names((orphan,))
    assert _names(claims.release) == _names((stray,))


def test_an_owner_that_is_being_deleted_neither_adopts_nor_releases() -> None:
    mine = workload("ReplicaSet")
    orphan, stray = pod_of(mine), pod_of(mine)
    del orphan["metadata"]["ownerReferences"]
    stray["metadata"]["labels"] = {}
    mine["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    claims = claim(mine, [orphan, stray])
    assert (claims.adopt, claims.release) == ((), ())


@pytest.mark.parametrize(
    ("operator", "values", "matches"),
    [
        ("In", ["web"], True),
        ("In", ["db"], False),
        ("NotIn", ["db"], True),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_expressions_select_as_their_operator_says(operator: str, values: list[str], matches: bool) -> None:
    expression = {"key": "app", "operator": operator, "values": values}
    assert selects({"matchExpressions": [expression]}, {"app": "web"}) is matches


def test_an_empty_selector_selects_nothing() -> None:
    assert not selects({}, {"app": "web"})
    assert not selects({"matchLabels": {}}, {"app": "web"})
