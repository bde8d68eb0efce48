"""A lab whose daemon may not load rules for packets: what needs them is refused, and the rest works."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelab import Cluster
from kubelab.engine.state import StateFolder
from kubelab.training import TrainJob
from tests.conftest import made
from tests.unit.chaos.broken_lab import NAME, broken_lab, counting

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform != "linux", reason="capabilities are Linux'"),
]
_PR_CAPBSET_DROP = 24
_CAP_NET_ADMIN = 12


def without_net_admin() -> None:
    """Give up CAP_NET_ADMIN for what is started from here; who is not root has not got it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(_PR_CAPBSET_DROP, _CAP_NET_ADMIN):
        raise OSError(ctypes.get_errno(), "PR_CAPBSET_DROP")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with made(tmp_path_factory.mktemp("home")) as lab:
        lab.kubelab("up", "--name", NAME, "--no-warm", preexec_fn=without_net_admin)
        with broken_lab(lab) as cluster:
            yield cluster


@pytest.fixture(scope="module")
def job(cluster: Cluster) -> TrainJob:
    return counting(cluster)


def test_the_daemon_has_not_got_the_right(cluster: Cluster) -> None:
    running = StateFolder.of(cluster.name).running()
    assert running is not None
    status = Path(f"/proc/{running.pid}/status").read_text()
    (effective,) = re.findall(r"^CapEff:\s*(\w+)", status, re.MULTILINE)
    assert not int(effective, 16) & 1 << _CAP_NET_ADMIN


@pytest.mark.parametrize("fault", ["network_delay", "network_loss", "network_partition"])
def test_faults_of_packets_are_refused_with_what_to_do(cluster: Cluster, job: TrainJob, fault: str) -> None:
    verdict = getattr(cluster.chaos, fault)(job, duration_s=1.0, expect="the job recovers")
    assert verdict.outcome == "refused"
    if fault != "network_delay" and shutil.which("nft") is None:
        assert "install the package nftables" in verdict.reason
    else:
        assert "CAP_NET_ADMIN" in verdict.reason
    assert "as root" in verdict.reason
    assert verdict.reason == verdict.evidence[-1]


@pytest.mark.parametrize(
    ("fault", "expect"),
    [
        ("node_not_ready", "the job goes on"),
        ("endpoint_flap", "the job goes on"),
        ("drain", "the job resumes from its checkpoint"),
    ],
)
def test_faults_that_touch_no_packets_work(cluster: Cluster, job: TrainJob, fault: str, expect: str) -> None:
    verdict = getattr(cluster.chaos, fault)(job, duration_s=1.0, expect=expect)
    assert verdict.held, verdict.evidence


def test_a_pod_is_killed_and_its_job_resumes(cluster: Cluster, job: TrainJob) -> None:
    verdict = cluster.chaos.kill_pod(job, rank=1, expect="the job resumes from its checkpoint")
    assert verdict.held, verdict.evidence
