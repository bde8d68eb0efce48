"""A real JAX job whose Service's endpoints flap while clients connect to its coordinator."""

from __future__ import annotations

import re

import pytest

from kubelab import Cluster
from kubelab.training import TrainJob
from tests.conftest import Lab
from tests.unit.chaos.broken_lab import broken_lab

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def learn(steps: int = 100_000) -> None:
    """Make steps that all workers have to make together."""
    import time

    import jax

    from kubelab import training

    run = training.context()
    state = run.replicate(jax.numpy.ones(8))
    closer = jax.jit(lambda state: state * 0.999)
    for step in range(1, steps):
        state = closer(state)
        training.report(step=step, loss=float(state.sum()))
        time.sleep(0.05)


def learning(cluster: Cluster) -> TrainJob:
    return cluster.train(learn, name="learn", num_nodes=2, resources={"cpu": "400m", "memory": "1Gi"})


def test_connections_find_no_endpoint_now_and_then_and_the_job_does_not_notice(lab: Lab) -> None:
    with broken_lab(lab) as cluster:
        verdict = cluster.chaos.endpoint_flap(
            learning(cluster), rate=50, duration_s=4, expect="the job goes on"
        )
    assert verdict.held, verdict.evidence
    assert verdict.did.endswith("; 50 connections a second are opened to learn-node-0-0.learn:29500")
    told = re.fullmatch(
        r"endpoints are back; they were taken (\d+) times; "
        r"of (\d+) connections (\d+) found no endpoint, 0 were refused or not answered",
        verdict.undid,
    )
    assert told, verdict.undid
    taken, count, without_endpoint = map(int, told.groups())
    assert taken >= 2
    assert 0 < without_endpoint < count
    assert f"undone: {verdict.undid}" in verdict.evidence
