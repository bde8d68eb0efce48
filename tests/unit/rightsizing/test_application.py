"""What containers get of a recommendation."""

from __future__ import annotations

import pytest

from kubelab.client import Object
from kubelab.rightsizing.application import (
    ContainerLimits,
    Recommended,
    recommended_for,
    resources_for,
)
from kubelab.rightsizing.policies import ContainerPolicy
from tests.unit.rightsizing.objects import autoscaler, container, pod


@pytest.mark.parametrize(
    ("limits", "requests", "target", "expected"),
    [
        ({"cpu": "2"}, {"cpu": "1"}, {"cpu": 300}, {"cpu": "600m"}),
        ({"cpu": "1"}, {"cpu": "1"}, {"cpu": 300}, {"cpu": "300m"}),
        ({"cpu": "1"}, {}, {"cpu": 300}, {"cpu": "300m"}),
        ({"cpu": "1"}, {"cpu": "300m"}, {"cpu": 100}, {"cpu": "333m"}),
        ({"memory": "1Gi"}, {"memory": "512Mi"}, {"memory": 100 << 20}, {"memory": "200Mi"}),
        ({"memory": "1Gi"}, {"memory": "512Mi"}, {"memory": 262144001}, {"memory": "524288002"}),
        ({"cpu": "2"}, {"cpu": "1"}, {"memory": 1000}, {"cpu": "2"}),
    ],
)
def test_limits_keep_their_proportion_to_requests(
    limits: Object, requests: Object, target: dict[str, int], expected: Object
) -> None:
    given = container(limits=limits, requests=requests)
    assert resources_for(given, target, ContainerPolicy())["limits"] == expected


def test_limits_stay_where_only_requests_are_controlled() -> None:
    given = container(limits={"cpu": "2"}, requests={"cpu": "1"})
    found = resources_for(given, {"cpu": 250, "memory": 262144000}, ContainerPolicy(keeps_limits=True))
    assert found == {"limits": {"cpu": "2"}, "requests": {"cpu": "250m", "memory": "262144k"}}


def test_container_without_limits_gets_none() -> None:
    assert resources_for(container(), {"cpu": 250}, ContainerPolicy()) == {"requests": {"cpu": "250m"}}


def test_what_is_recommended_keeps_to_the_policy_of_the_container_before_that_for_all() -> None:
    policies = (
        {"containerName": "main", "minAllowed": {"cpu": "500m"}, "maxAllowed": {"memory": "1k"}},
        {"containerName": "*", "mode": "Off"},
    )
    given = {"target": {"cpu": "100m", "memory": "5k"}, "upperBound": {"cpu": "2"}}
    found = recommended_for(
        autoscaler(policies=policies),
        pod("web", container("main"), container("other")),
        [{"containerName": "main", **given}, {"containerName": "other", **given}],
    )
    assert found == {"main": Recommended({"cpu": 500, "memory": 1000}, {}, {"cpu": 2000})}


def test_request_leaves_room_for_its_limit_in_the_limit_range() -> None:
    limits = ContainerLimits.of(
        [
            {"spec": {"limits": [{"type": "Container", "max": {"cpu": "4"}, "min": {"cpu": "100m"}}]}},
            {"spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}},
            {"spec": {"limits": [{"type": "Container", "max": {"cpu": "3"}}]}},
        ]
    )
    twice = container(requests={"cpu": "1"}, limits={"cpu": "2"})
    given = [{"containerName": "main", "target": {"cpu": "8"}, "lowerBound": {"cpu": "1m"}}]
    found = recommended_for(autoscaler(), pod("web", twice), given, limits)
    assert found == {"main": Recommended({"cpu": 1500}, {"cpu": 100}, {})}


def test_most_of_nothing_is_no_bound() -> None:
    given = [{"containerName": "main", "target": {"cpu": "8"}}]
    scaler = autoscaler(policies=({"containerName": "*", "maxAllowed": {"cpu": "0"}},))
    assert recommended_for(scaler, pod(), given) == {"main": Recommended({"cpu": 8000})}
