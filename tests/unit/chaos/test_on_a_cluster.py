"""A real job on a real lab cluster, broken on purpose."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from kubelab import Cluster
from kubelab.chaos.errors import BlastRadiusError, ChaosError
from kubelab.training import TrainJob
from tests.conftest import own_cluster
from tests.unit.chaos.broken_lab import NAME, counting, experiments, is_ready, node_of, wait_for_end


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with own_cluster(tmp_path_factory.mktemp("lab"), NAME, warm=False) as made:
        yield made


@pytest.fixture(scope="module")
def job(cluster: Cluster) -> TrainJob:
    return counting(cluster)


def test_a_job_resumes_after_one_of_its_pods_was_killed(cluster: Cluster, job: TrainJob) -> None:
    verdict = cluster.chaos.kill_pod(job, rank=1, expect="the job resumes from its checkpoint")
    assert verdict.held, verdict.evidence
    (found,) = experiments(cluster)
    assert (found["status"]["phase"], found["status"]["verdict"]) == ("Ended", "Held")
    assert found["status"]["evidence"] == list(verdict.evidence)
    assert {"FaultInjected"} <= {event["reason"] for event in verdict.events}


@pytest.mark.parametrize("fault", ["node_not_ready", "dns_drop", "endpoint_flap"])
def test_a_job_that_runs_goes_on_through_what_does_not_touch_it(
    cluster: Cluster, job: TrainJob, fault: str
) -> None:
    verdict = getattr(cluster.chaos, fault)(job, duration_s=1.5, expect="the job goes on")
    assert verdict.held, verdict.evidence
    assert verdict.undid


def test_a_job_goes_on_while_the_api_refuses_some_requests(cluster: Cluster, job: TrainJob) -> None:
    verdict = cluster.chaos.api_errors(job, share=0.2, duration_s=3, expect="the job goes on")
    assert verdict.held, verdict.evidence
    assert "; 0 were hit" not in verdict.undid


def test_a_dry_run_says_whom_it_would_hit_and_touches_nothing(cluster: Cluster, job: TrainJob) -> None:
    before = len(experiments(cluster))
    verdict = cluster.chaos.drain(job, dry_run=True)
    assert verdict.outcome == "dry run"
    assert len(verdict.experiment.pods) == 2
    assert len(experiments(cluster)) == before


def test_more_than_the_cap_is_not_hit(cluster: Cluster, job: TrainJob) -> None:
    with pytest.raises(BlastRadiusError, match="may hit 1"):
        cluster.chaos.drain(job, max_pods=1)


def test_a_fault_of_the_api_hits_all_of_the_job_s_pods(cluster: Cluster, job: TrainJob) -> None:
    with pytest.raises(BlastRadiusError, match="would hit 2 pods"):
        cluster.chaos.api_latency(job, max_pods=1)


def test_on_any_cluster_a_pod_is_killed_and_what_needs_an_undo_is_refused(
    cluster: Cluster, job: TrainJob
) -> None:
    before = len(experiments(cluster))
    with Cluster.from_context(NAME, kubeconfig=cluster.kubeconfig) as other:
        seen = other.job(job.name)
        verdict = other.chaos.kill_pod(seen, rank=1, expect="the job resumes from its checkpoint")
        assert verdict.held, verdict.evidence
        assert verdict.did == f"deleted {verdict.experiment.pods[0].name} without grace"
        assert min(sample.at_s for sample in verdict.samples) < 0 < verdict.samples[-1].at_s
        with pytest.raises(ChaosError, match=r"drain is not possible on the engine context.*: kill-pod\."):
            other.chaos.drain(seen)
        assert other.chaos.kill_pod(seen, dry_run=True).outcome == "dry run"
    assert len(experiments(cluster)) == before


def test_a_misspelt_option_breaks_nothing(cluster: Cluster, job: TrainJob) -> None:
    before = len(experiments(cluster))
    with pytest.raises(ChaosError, match=r"'dryrun' is no option of a fault. There are: .*dry_run"):
        cluster.chaos.kill_pod(job, dryrun=True)  # type: ignore[call-arg]
    with pytest.raises(ChaosError, match="'count' is no job"):
        cluster.chaos.kill_pod("count")  # type: ignore[arg-type]
    assert len(experiments(cluster)) == before


@pytest.mark.parametrize(
    ("fault", "late"), [("api_latency", {"latency_s": 0.1}), ("dns_delay", {"delay_s": 1})]
)
def test_a_job_that_runs_goes_on_while_answers_come_late(
    cluster: Cluster, job: TrainJob, fault: str, late: dict[str, float]
) -> None:
    verdict = getattr(cluster.chaos, fault)(job, **late, duration_s=2, expect="the job goes on")
    assert verdict.held, verdict.evidence
    assert verdict.undid


@pytest.mark.parametrize("fault", ["network_delay", "network_loss", "network_partition"])
def test_packets_are_held_or_lost_and_pass_again_or_the_lab_says_why_not(
    cluster: Cluster, job: TrainJob, fault: str
) -> None:
    verdict = getattr(cluster.chaos, fault)(job, duration_s=1.0, expect="the job recovers")
    if verdict.outcome == "refused":
        assert os.geteuid() != 0 or not shutil.which("nft"), verdict.reason
    else:  # these pods hardly speak to one another, and a fault that touches no packet shows nothing
        assert verdict.outcome in {"held", "no effect"}, verdict.evidence
        assert "packets" in verdict.undid
        assert ("; 0 were" in verdict.undid) == (verdict.outcome == "no effect")


ASKED = """
import os, signal
from kubelab import Cluster

def die(stage, samples):
    if stage == "during":
        os.kill(os.getpid(), signal.{signal})

cluster = Cluster.connect("broken")
cluster.chaos.{fault}(cluster.job("count"), duration_s={duration_s}, on_sample=die)
"""


def test_a_fault_that_is_interrupted_is_undone_at_once(cluster: Cluster, job: TrainJob) -> None:
    asked = ASKED.format(signal="SIGINT", fault="dns_drop", duration_s=500)
    done = subprocess.run(
        [sys.executable, "-c", asked], timeout=60, check=False, capture_output=True, text=True
    )
    assert "KeyboardInterrupt" in done.stderr
    (mine,) = [each for each in experiments(cluster) if each["spec"]["durationSeconds"] == 500]
    assert mine["status"]["phase"] == "Ended"


def test_a_fault_is_undone_in_time_although_who_asked_for_it_was_killed(
    cluster: Cluster, job: TrainJob
) -> None:
    asked = ASKED.format(signal="SIGKILL", fault="node_not_ready", duration_s=2.25)
    done = subprocess.run([sys.executable, "-c", asked], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    (mine,) = [each for each in experiments(cluster) if each["spec"]["durationSeconds"] == 2.25]
    wait_for_end(cluster, mine)
    assert is_ready(node_of(cluster))
