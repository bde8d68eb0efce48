"""Claims of pods on simulated nodes, on virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.client import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    PODS,
    STATEFUL_SETS,
    STORAGE_CLASSES,
    Object,
    Resource,
)
from kubelab.simulated_cluster import SimulatedCluster

STORAGE: Object = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as made:
        made.add_nodes(2)
        yield made


def database(replicas: int) -> Object:
    container = {"name": "main", "image": "x", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "serviceName": "db",
            "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": pod},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": STORAGE}],
        },
    }


def listed(lab: SimulatedCluster, resource: Resource) -> list[Object]:
    return portal.run(lab.client.list(resource)).items


def phases(lab: SimulatedCluster, resource: Resource) -> list[str]:
    return [each["status"]["phase"] for each in listed(lab, resource)]


def test_claims_are_bound_where_their_pods_run_and_reclaimed_with_them(lab: SimulatedCluster) -> None:
    portal.run(lab.client.create(STATEFUL_SETS, database(2)))
    lab.run(seconds=30)
    assert phases(lab, PODS) == ["Running", "Running"]
    assert phases(lab, PERSISTENT_VOLUME_CLAIMS) == ["Bound", "Bound"]
    assert phases(lab, PERSISTENT_VOLUMES) == ["Bound", "Bound"]
    nodes = {each["spec"]["nodeName"] for each in listed(lab, PODS)}
    terms = [each["spec"]["nodeAffinity"]["required"] for each in listed(lab, PERSISTENT_VOLUMES)]
    assert {term["nodeSelectorTerms"][0]["matchExpressions"][0]["values"][0] for term in terms} == nodes
    portal.run(lab.client.delete(STATEFUL_SETS, "db", "default"))
    for claim in listed(lab, PERSISTENT_VOLUME_CLAIMS):
        portal.run(lab.client.delete(PERSISTENT_VOLUME_CLAIMS, claim["metadata"]["name"], "default"))
    lab.run(minutes=2)
    assert listed(lab, PERSISTENT_VOLUMES) == []


def test_a_claim_that_waits_for_no_pod_is_bound_at_once(lab: SimulatedCluster) -> None:
    now: Object = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "now"},
        "provisioner": "kubelab.dev/local",
        "volumeBindingMode": "Immediate",
    }
    claim: Object = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {**STORAGE, "storageClassName": "now"},
    }
    portal.run(lab.client.create(STORAGE_CLASSES, now))
    portal.run(lab.client.create(PERSISTENT_VOLUME_CLAIMS, claim))
    lab.run(seconds=1)
    assert phases(lab, PERSISTENT_VOLUME_CLAIMS) == ["Bound"]
