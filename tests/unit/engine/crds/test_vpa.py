"""What the API server makes of vertical pod autoscalers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import VERTICAL_POD_AUTOSCALERS, Object
from kubelab.errors import InvalidError


@pytest.fixture(scope="module")
def lab() -> Iterator[Cluster]:
    with Cluster.simulated() as cluster:
        yield cluster


def autoscaler(name: str, **spec: object) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": VERTICAL_POD_AUTOSCALERS.api_version,
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"targetRef": target, **spec},
    }


def policy(**fields: object) -> Object:
    return {"resourcePolicy": {"containerPolicies": [fields]}}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"updatePolicy": {"updateMode": "InPlaceOrRecreate", "minReplicas": 1}},
        policy(containerName="*", minAllowed={"cpu": "100m"}, maxAllowed={"cpu": 1, "memory": "1Gi"}),
        policy(containerName="main", mode="Off", controlledValues="RequestsOnly"),
        policy(containerName="main", oomBumpUpRatio="1.5", oomMinBumpUp="200Mi"),
        {"recommenders": [{"name": "own"}]},
    ],
)
def test_autoscaler_is_kept_as_written(lab: Cluster, spec: Object) -> None:
    made = portal.run(lab.client.create(VERTICAL_POD_AUTOSCALERS, autoscaler("plain", **spec)))
    portal.run(lab.client.delete(VERTICAL_POD_AUTOSCALERS, "plain", "default"))
    assert made["spec"] == autoscaler("plain", **spec)["spec"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"targetRef": None}, "targetRef"),
        ({"updatePolicy": {"minReplicas": 2}}, "updateMode is required if UpdatePolicy is used"),
        ({"updatePolicy": {"updateMode": "Sometimes"}}, "Unsupported value"),
        ({"updatePolicy": {"updateMode": "Auto", "minReplicas": 0}}, "minReplicas has to be positive"),
        ({"updatePolicy": {"updateMode": "Auto", "evictAfterOOMSeconds": 0}}, "evictAfterOOMSeconds"),
        (policy(mode="Auto"), "containerName is required"),
        (
            policy(containerName="a", minAllowed={"cpu": "2"}, maxAllowed={"cpu": "1500m"}),
            "max resource for cpu is lower than min",
        ),
        (policy(containerName="a", minAllowed={"memory": "much"}), "minAllowed"),
        (
            policy(containerName="a", mode="Off", controlledValues="RequestsAndLimits"),
            "shouldn't be specified if container scaling mode is off",
        ),
        (policy(containerName="a", oomBumpUpRatio="0.5"), "must be greater than or equal to 1.0"),
        (policy(containerName="a", oomMinBumpUp="-1"), "must be greater than or equal to 0"),
        (policy(containerName="a", minAllowed={"cpu": "1500u"}), "must be a whole number of milli CPUs"),
        (policy(containerName="a", maxAllowed={"memory": "1500m"}), "must be a whole number of bytes"),
        ({"recommenders": [{"name": "a"}, {"name": "b"}]}, "Too many"),
        ({"scope": "kubernetes.io/hostname"}, "scope is only supported when targetRef.kind is DaemonSet"),
    ],
)
def test_autoscaler_that_makes_no_sense_is_refused(lab: Cluster, spec: Object, said: str) -> None:
    with pytest.raises(InvalidError, match=said):
        portal.run(lab.client.create(VERTICAL_POD_AUTOSCALERS, autoscaler("wrong", **spec)))
