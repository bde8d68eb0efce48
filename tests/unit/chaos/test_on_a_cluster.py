"""A real job on a real lab cluster, broken on purpose."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from kubelab import Cluster, clock, portal
from kubelab.chaos.errors import BlastRadiusError
from kubelab.client import CHAOS_EXPERIMENTS, NODES, Object
from kubelab.training import TrainJob
from tests.conftest import own_cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with own_cluster(tmp_path_factory.mktemp("lab"), "broken", warm=False) as made:
        yield made


def count(steps: int = 100_000) -> None:
    """Count, saving the count in a file of the volume, as a checkpoint."""
    import time
    from pathlib import Path

    from kubelab import training

    saved = Path(os.environ["KUBELAB_CHECKPOINT_DIR"]) / f"count-{os.environ['JOB_COMPLETION_INDEX']}"
    first = int(saved.read_text()) if saved.exists() else 0
    for step in range(first + 1, steps):
        saved.with_suffix(".new").write_text(str(step))
        saved.with_suffix(".new").replace(saved)
        training.report(step=step, value=1.0)
        time.sleep(0.1)


@pytest.fixture(scope="module")
def job(cluster: Cluster) -> TrainJob:
    return cluster.train(count, name="count", num_nodes=2, resources={"cpu": "200m", "memory": "256Mi"})


def experiments(cluster: Cluster) -> list[Object]:
    return portal.run(cluster.client.list(CHAOS_EXPERIMENTS, cluster.namespace)).items


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
    assert "0 were hit" not in verdict.undid.split("; ")


def test_a_dry_run_says_whom_it_would_hit_and_touches_nothing(cluster: Cluster, job: TrainJob) -> None:
    before = len(experiments(cluster))
    verdict = cluster.chaos.drain(job, dry_run=True)
    assert verdict.outcome == "dry run"
    assert len(verdict.experiment.pods) == 2
    assert len(experiments(cluster)) == before


def test_more_than_the_cap_is_not_hit(cluster: Cluster, job: TrainJob) -> None:
    with pytest.raises(BlastRadiusError, match="may hit 1"):
        cluster.chaos.drain(job, max_pods=1)


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
    else:
        assert verdict.held, verdict.evidence
        assert "packets" in verdict.undid


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
    name = mine["metadata"]["name"]
    deadline = clock.monotonic() + 30
    while phase_of(cluster, name) != "Ended" and clock.monotonic() < deadline:
        time.sleep(0.05)
    assert phase_of(cluster, name) == "Ended"
    node = portal.run(cluster.client.list(NODES)).items[0]
    ready = next(each for each in node["status"]["conditions"] if each["type"] == "Ready")
    assert ready["status"] == "True"


def phase_of(cluster: Cluster, name: str) -> str:
    found = portal.run(cluster.client.get(CHAOS_EXPERIMENTS, name, cluster.namespace))
    return str(found["status"]["phase"])
