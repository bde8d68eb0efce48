"""A real job on a real lab cluster, broken on purpose."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.chaos.errors import BlastRadiusError
from kubelab.client import CHAOS_EXPERIMENTS, Object
from kubelab.training import TrainJob


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    from kubelab.engine import launch

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBELAB_HOME", str(tmp_path_factory.mktemp("lab")))
        patch.setenv("KUBECONFIG", "")
        try:
            with Cluster.connect("broken", warm=False) as connected:
                yield connected
        finally:
            launch.down("broken", delete=True)


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
