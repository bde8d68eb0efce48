"""The lab's daemon is killed while faults hold: who comes next undoes them, and nothing of them is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta

import pytest

from kubelab import Cluster, clock
from kubelab.chaos.experiment import FLAP
from kubelab.engine import launch
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


def test_faults_whose_deadline_passed_meanwhile_are_undone_and_not_injected_again(
    running: tuple[Cluster, TrainJob],
) -> None:
    cluster, job = running
    flap = ask(cluster, job, "endpoint_flap", duration_s=8.0)
    drain = ask(cluster, job, "drain", duration_s=8.0)
    assert node_of(cluster)["metadata"]["annotations"][CORDONED_BY] == drain["metadata"]["uid"]
    kill_daemon()
    undo_at = clock.parse_rfc3339(drain["status"]["undoAt"])
    wait_for("their deadline", lambda: clock.RealClock().now() > undo_at)
    bring_up()
    assert wait_for_end(cluster, flap)["undid"] == "endpoints are back"  # and it tells of none that it took
    assert wait_for_end(cluster, drain)["undid"].startswith("uncordoned")
    node = node_of(cluster)
    assert not node["spec"].get("unschedulable")
    assert CORDONED_BY not in node["metadata"].get("annotations", {})
    assert FLAP not in selector_of(cluster, job.name)


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


@pytest.mark.skipif(not PACKETS, reason="Packets are lost and delayed by root, with nft and iptables.")
def test_of_a_lab_that_was_killed_and_does_not_come_back_no_rule_stays_once_it_is_down(
    running: tuple[Cluster, TrainJob],
) -> None:
    cluster, job = running
    live = [ask(cluster, job, fault, duration_s=500.0) for fault in PACKETS]
    kill_daemon()
    assert all(rules_of(each) for each in live)
    assert not launch.down(NAME)
    assert not rules_of(*live)


def test_a_lab_that_is_ended_undoes_what_holds(running: tuple[Cluster, TrainJob]) -> None:
    cluster, job = running
    live = [ask(cluster, job, fault, duration_s=500.0) for fault in [*PACKETS, "endpoint_flap"]]
    launch.down(NAME)
    assert not PACKETS or not rules_of(*live)
    bring_up()
    for each in live:
        assert status_of(cluster, each)["phase"] == "Ended"
    assert FLAP not in selector_of(cluster, job.name)
