"""Requests that would be free are told apart from nodes that could really go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kubelab import Cluster, portal
from kubelab.client import DEPLOYMENTS, PODS
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.simulated_day import deployment


def made(name: str, replicas: int, cpu: str, use: str) -> dict[str, Any]:
    found = deployment(name, replicas)
    template = found["spec"]["template"]
    template["spec"]["containers"][0]["resources"] = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    template["metadata"]["annotations"] = {
        "simulated.kubelab.dev/cpu": use, "simulated.kubelab.dev/memory": "900Mi",
    }  # fmt: skip
    return found


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as lab:
        labels = {"node.kubernetes.io/instance-type": "m6i.2xlarge"}
        lab.add_nodes(3, {"labels": labels, "cpu": 8, "memory": "32Gi"})
        yield lab


def test_requests_that_are_too_high_keep_nodes_that_could_go(lab: SimulatedCluster) -> None:
    portal.run(lab.client.create(DEPLOYMENTS, made("web", 6, "3", "500m")))
    lab.run(minutes=5)
    found = lab.savings("peak")
    assert found.requests_usd_per_month > 0
    assert set(found.nodes["when"]) == {"once requests are changed"}
    assert len(found.nodes) == 2
    assert found.nodes_usd_per_month == pytest.approx(2 * 0.384 * 730)
    assert repr(found).startswith("<Savings: 2 nodes of 560.64 USD/month could go; requests of ")


def test_an_empty_node_could_go_now(lab: SimulatedCluster) -> None:
    portal.run(lab.client.create(DEPLOYMENTS, made("web", 2, "3", "3")))
    lab.run(minutes=5)
    found = lab.savings("peak")
    assert list(found.nodes["when"]).count("now") == 2
    assert found.nodes["prices_of"].str.startswith("20").all()


def test_a_pod_that_nobody_would_create_anew_keeps_its_node(lab: SimulatedCluster) -> None:
    spec = {"containers": [{"name": "main", "image": "x", "resources": {"requests": {"cpu": "1"}}}]}
    for number in range(3):
        body = {
            "metadata": {"name": f"p{number}", "namespace": "default"},
            "spec": {**spec, "nodeName": f"kwok-node-{number}"},
        }
        portal.run(lab.client.create(PODS, body))
    lab.run(minutes=2)
    assert len(lab.savings("peak").nodes) == 0
