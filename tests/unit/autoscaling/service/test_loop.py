"""The lab's own autoscaler asks the service over the wire."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kubelab import Cluster, portal
from kubelab.autoscaling.errors import MissingRemoteError
from kubelab.autoscaling.service.server import ExpanderServer
from kubelab.client import DEPLOYMENTS, SCALING_DECISIONS
from tests.unit.autoscaling.service.certificates import Files

Serve = Callable[..., ExpanderServer]


def web() -> dict[str, Any]:
    labels = {"app": "web"}
    requests = {"cpu": "1", "memory": "1Gi"}
    container = {"name": "main", "image": "web", "resources": {"requests": requests}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": "web", "namespace": "default"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def decided(url: str, root: str) -> dict[str, Any]:
    with Cluster.simulated() as lab:
        for name in ("m6i.2xlarge", "m6i.4xlarge"):
            lab.add_node_group(name.replace(".", "-"), instance_type=name, max_size=5)
        lab.autoscale("grpc,least-waste", grpc_expander={"url": url, "certificate": root})
        portal.run(lab.client.create(DEPLOYMENTS, web()))
        lab.run(minutes=1)
        spec: dict[str, Any] = portal.run(lab.client.list(SCALING_DECISIONS)).items[0]["spec"]
        return spec


def test_loop_does_what_the_service_says(serve: Serve, tls: Files) -> None:
    server = serve(prices={"m6i.2xlarge": 9.0, "m6i.4xlarge": 0.5})
    decision = decided(server.address, tls.pem)
    assert decision["nodeGroup"] == "m6i-4xlarge"
    assert decision["steps"][0]["kept"] == ["m6i-4xlarge"]
    assert 'answers_total{outcome="chosen"} 1' in server.counters.text()


def test_loop_goes_on_without_a_service_that_is_gone(serve: Serve, tls: Files) -> None:
    server = serve(prices={"m6i.2xlarge": 9.0, "m6i.4xlarge": 0.5})
    server.stop(0)
    decision = decided(server.address, tls.pem)
    assert decision["nodeGroup"] == "m6i-2xlarge"
    assert "the service gave no answer" in decision["why"]


def test_grpc_without_a_service_is_refused_before_anything_changes() -> None:
    with Cluster.simulated() as lab, pytest.raises(MissingRemoteError):
        lab.autoscale("grpc,least-waste")
