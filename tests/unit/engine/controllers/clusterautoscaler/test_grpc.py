"""The loop asks an expander service over the wire, and goes on without it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from kubelab import Cluster, portal
from kubelab.autoscaling.catalogue import Catalogue
from kubelab.autoscaling.expanders import expander
from kubelab.autoscaling.service.answering import Answering
from kubelab.autoscaling.service.certificates import load
from kubelab.autoscaling.service.counters import Counters
from kubelab.autoscaling.service.server import ExpanderServer
from kubelab.scenarios.objects import deployment
from kubelab.scenarios.player import play
from kubelab.simulated_cluster import SimulatedCluster
from tests.unit.autoscaling.service.certificates import Files, self_signed


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture
def server(tls: Files) -> Iterator[ExpanderServer]:
    """A service that takes the option with the lowest price."""
    chain = expander("price", random=Random(0), prices=Catalogue.load(), keep_ties=True)
    identity = load(tls.certificate, tls.key, dt.datetime.now(dt.UTC))
    started = ExpanderServer(Answering(chain, None), Counters(None), identity)
    yield started
    started.stop(0)


def lab_with(port: int, certificate: Path) -> SimulatedCluster:
    lab = Cluster.simulated(seed=7)
    for kind in ("m6i.2xlarge", "m6i.8xlarge"):
        lab.add_node_group(kind.replace(".", "-"), instance_type=kind)
    service = {"url": f"localhost:{port}", "certificate": certificate.read_text()}
    lab.autoscale("grpc,most-pods", grpc_expander=service)
    portal.run(play(lab.client, [deployment(0, "web", "default", 4, {"cpu": "1", "memory": "1Gi"})]))
    lab.run(minutes=2)
    return lab


def test_the_service_chooses(server: ExpanderServer, tls: Files) -> None:
    with lab_with(server.port, tls.certificate) as lab:
        decision = lab.decisions().iloc[0]
        assert decision.node_group == "m6i-2xlarge"
        assert "the service" in decision.why


def test_without_an_answer_the_next_expander_chooses(server: ExpanderServer, tls: Files) -> None:
    server.stop(0)
    with lab_with(server.port, tls.certificate) as lab:
        decision = lab.decisions().iloc[0]
        assert decision.action == "ScaleUp"
        assert "gave no answer" in decision.why
