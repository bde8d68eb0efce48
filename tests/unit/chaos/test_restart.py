"""The lab's daemon is killed while faults hold: who comes next undoes them, and nothing of them is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest

from kubelab import Cluster, clock, portal
from kubelab.client import EVENTS, Object
from kubelab.engine import launch
from kubelab.engine.chaos.endpoints import FLAP
from kubelab.engine.chaos.nodes import CORDONED_BY
from kubelab.training import TrainJob
from tests.conftest import Lab
from tests.unit.chaos.broken_lab import (
    NAME,
    ask,
    bring_up,
    broken_lab,
    counting,
    is_ready,
    kill_daemon,
    kill_pods,
    may_load_rules,
    node_of,
    rules_of,
    selector_of,
    status_of,
    wait_for,
    wait_for_end,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
PACKETS = ["network_loss", "network_delay"] if may_load_rules() and shutil.which("iptables") else []


@pytest.fixture
def running(lab: Lab) -> Iterator[tuple[Cluster, TrainJob]]:
    with broken_lab(lab) as cluster:
        yield cluster, counting(cluster)


def injections(cluster: Cluster, experiment: Object) -> int:
    """Return how often an experiment's fault was injected, by what was said of it."""
    events = portal.run(cluster.client.list(EVENTS, "default")).items
    return sum(
        int(each.get("count") or 1)
        for each in events
        if each["reason"] == "FaultInjected"
        and each["involvedObject"]["name"] == experiment["metadata"]["name"]
    )


def test_faults_go_on_after_a_restart_and_are_undone_at_their_deadline(
    running: tuple[Cluster, TrainJob],
) -> None:
    cluster, job = running
    faults = ["node_not_ready", "dns_drop", *PACKETS, "endpoint_flap"]
    live = [ask(cluster, job, fault, duration_s=12.0) for fault in faults]
    for each in live[2:-1]:
        assert rules_of(each)
    kill_daemon()
    bring_up()
    for each in live:
        status = wait_for_end(cluster, each)
        early = clock.parse_rfc3339(status["undoAt"]) - clock.parse_rfc3339(status["endedAt"])
        assert early < timedelta(seconds=0.1), status
    assert is_ready(node_of(cluster))
    assert FLAP not in selector_of(cluster, job.name)
    assert not PACKETS or not rules_of(*live)
    verdict = cluster.chaos.dns_drop(cluster.job(job.name), duration_s=0.5, expect="the job recovers")
    assert verdict.held, verdict.evidence


def test_a_fault_whose_deadline_passed_meanwhile_is_undone_and_not_injected_again(
    running: tuple[Cluster, TrainJob],
) -> None:
    cluster, job = running
    live = ask(cluster, job, "drain", duration_s=8.0)
    wait_for("its event", lambda: injections(cluster, live) == 1)
    assert node_of(cluster)["metadata"]["annotations"][CORDONED_BY] == live["metadata"]["uid"]
    kill_daemon()
    wait_for("its deadline", lambda: clock.rfc3339(clock.RealClock().now()) > live["status"]["undoAt"])
    bring_up()
    status = wait_for_end(cluster, live)
    assert status["undid"].startswith("uncordoned"), status
    assert injections(cluster, live) == 1
    node = node_of(cluster)
    assert not node["spec"].get("unschedulable")
    assert CORDONED_BY not in node["metadata"].get("annotations", {})


def test_experiments_end_although_their_job_is_gone(lab: Lab, running: tuple[Cluster, TrainJob]) -> None:
    cluster, job = running
    faults = ["dns_delay", *PACKETS, "endpoint_flap"]
    live = [ask(cluster, job, fault, duration_s=10.0) for fault in faults]
    kill_daemon()
    kill_pods(lab)
    bring_up()
    cluster.job(job.name).stop()
    for each in live:
        assert wait_for_end(cluster, each)["undid"]
    assert not PACKETS or not rules_of(*live)


def test_a_lab_that_is_ended_undoes_what_holds(running: tuple[Cluster, TrainJob]) -> None:
    cluster, job = running
    live = [ask(cluster, job, fault, duration_s=500.0) for fault in [*PACKETS, "endpoint_flap"]]
    launch.down(NAME)
    assert not PACKETS or not rules_of(*live)
    bring_up()
    for each in live:
        assert status_of(cluster, each)["phase"] == "Ended"
    assert FLAP not in selector_of(cluster, job.name)
