"""Jobs of two real processes on the embedded cluster: every verb of the handle, and every way to fail."""

from __future__ import annotations

import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from kubelab import Cluster, portal, training
from kubelab.client import CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, PODS
from kubelab.training import JobFailedError, JobTimeoutError, LaunchError, TrainJob
from tests.conftest import own_cluster

Kind = Literal["TrainJob", "JAXJob"]
KINDS: list[Kind] = ["TrainJob", "JAXJob"]
SMALL = {"cpu": "500m", "memory": "1Gi"}
TIMEOUT_S = 120.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with own_cluster(tmp_path_factory.mktemp("lab"), "training") as made:
        yield made


def fit(
    steps: int = 12,
    fault: str = "",
    fault_rank: int = 1,
    at: int = 8,
    hold: bool = False,
    always: bool = False,
) -> float:
    """Fit a line together; at one step one rank may raise or be killed, or all wait to be ended."""
    import os
    import signal
    import time

    import jax
    import jax.numpy as jnp
    import numpy as np

    run = training.context()
    data = np.random.default_rng(run.rank)
    weights = run.replicate(np.full(4, float(run.rank), np.float32))
    gradient = jax.jit(jax.value_and_grad(lambda w, x, y: jnp.mean((x @ w - y) ** 2)))
    start = 0
    if (found := run.restore(weights)) is not None:
        weights, start = found
    for step in range(start + 1, steps + 1):
        inputs = data.normal(size=(8, 4)).astype(np.float32)
        targets = inputs @ np.arange(4, dtype=np.float32)
        loss, slope = gradient(weights, run.shard(inputs), run.shard(targets))
        weights = weights - 0.1 * slope
        training.report(step=step, loss=loss)
        if run.should_save(step):
            run.save(step, weights)
        while step == at and hold and start == 0:
            time.sleep(1.0)
        if step == at and run.rank == fault_rank:
            if fault == "raise":
                raise ValueError("an unlucky step")
            if fault == "kill" and (always or start == 0):
                os.kill(os.getpid(), signal.SIGKILL)
    return float(weights.addressable_data(0).sum())


def steps_of(job: TrainJob) -> dict[tuple[int, int], list[int]]:
    """Return the steps that each (rank, attempt) reported."""
    frame = job.metrics()
    losses = frame[frame["name"] == "loss"]
    return {key: sorted(each["step"]) for key, each in losses.groupby(["rank", "attempt"])}


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_learns_and_tells_of_it(cluster: Cluster, kind: Kind) -> None:
    job = cluster.train(fit, args={"steps": 12}, resources=SMALL, kind=kind, checkpoint_every=5)
    assert job.wait(TIMEOUT_S) is job
    assert repr(job) == f"<{kind} {job.name}: Succeeded, step 12/12>"
    assert job.status == "Succeeded"
    assert steps_of(job) == {(0, 0): list(range(1, 13)), (1, 0): list(range(1, 13))}
    assert "returned " in job.logs(0)
    assert "returned " not in job.logs(1)
    assert list(job.logs(1, follow=True)) == job.logs(1).splitlines()
    assert job.logs(0, tail_lines=1).startswith("returned ")
    assert "Scheduled" in set(job.events()["reason"])
    assert job.explain() == f"{kind} {job.name} succeeded."
    again = cluster.job(job.name)
    assert (again.kind, again.metrics().equals(job.metrics())) == (kind, True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rank", [0, 1])
def test_a_function_that_raises_fails_the_job_once_and_names_the_rank(
    cluster: Cluster, kind: Kind, rank: int
) -> None:
    args = {"fault": "raise", "fault_rank": rank}
    job = cluster.train(fit, args=args, resources=SMALL, kind=kind, checkpoint_every=5)
    with pytest.raises(JobFailedError) as caught:
        job.wait(TIMEOUT_S)
    assert (caught.value.rank, caught.value.exit_code) == (rank, 1)
    assert caught.value.lines[-1] == "ValueError: an unlucky step"
    assert f"rank {rank} exited with code 1; its last log lines:" in str(caught.value)
    assert {attempt for _, attempt in steps_of(job)} == {0}
    assert f"Rank {rank} exited with code 1." in job.explain()
    assert job.explain().endswith("Its last words: ValueError: an unlucky step")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_worker_restarts_all_from_the_last_checkpoint(
    cluster: Cluster, kind: Kind, rank: int
) -> None:
    args = {"fault": "kill", "fault_rank": rank}
    job = cluster.train(fit, args=args, resources=SMALL, kind=kind, checkpoint_every=5).wait(TIMEOUT_S)
    expected = {0: list(range(1, 9)), 1: list(range(6, 13))}
    assert steps_of(job) == {(rank, attempt): expected[attempt] for rank in (0, 1) for attempt in (0, 1)}
    if kind == "TrainJob":
        assert f"because rank {rank} was killed by SIGKILL (exit code 137)" in job.explain()


@pytest.mark.parametrize("kind", KINDS)
def test_restarts_end(cluster: Cluster, kind: Kind) -> None:
    args = {"fault": "kill", "always": True}
    job = cluster.train(fit, args=args, resources=SMALL, kind=kind, checkpoint_every=5, max_restarts=1)
    with pytest.raises(JobFailedError):
        job.wait(TIMEOUT_S)
    assert {attempt for _, attempt in steps_of(job)} == {0, 1}


def test_without_restarts_a_kill_fails_the_job(cluster: Cluster) -> None:
    job = cluster.train(fit, args={"fault": "kill"}, resources=SMALL, checkpoint_every=None, max_restarts=0)
    with pytest.raises(JobFailedError, match="rank 1 was killed by SIGKILL \\(exit code 137\\)"):
        job.wait(TIMEOUT_S)


@pytest.mark.parametrize("kind", KINDS)
def test_a_suspended_job_resumes_from_its_checkpoint_and_stops(cluster: Cluster, kind: Kind) -> None:
    job = cluster.train(fit, args={"hold": True}, resources=SMALL, kind=kind, checkpoint_every=5)
    for line in job.logs(1, follow=True):
        if " step=8 " in line:
            break
    with pytest.raises(
        JobTimeoutError, match="has not ended in time and goes on: Running, 2/2 workers, step"
    ):
        job.wait(0.2)
    job.suspend()
    until(lambda: not job.view().pods, "the pods are gone")
    assert job.status == "Suspended"
    assert "is suspended" in job.explain()
    job.resume().wait(TIMEOUT_S)
    assert steps_of(job)[0, 1] == list(range(6, 13))
    job.stop()
    assert repr(job) == f"<{kind} {job.name}: deleted>"
    assert not owned(cluster, job.name)


def owned(cluster: Cluster, name: str) -> list[str]:
    pages = [
        portal.run(cluster.client.list(resource, cluster.namespace))
        for resource in (CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, PODS)
    ]
    found = [item["metadata"]["name"] for page in pages for item in page.items]
    return [each for each in found if each.startswith(name)]


def test_a_manifest_with_its_code_runs_again_by_kubectl(cluster: Cluster, tmp_path: Path) -> None:
    job = cluster.train(fit, name="by-hand", args={"steps": 6}, resources=SMALL, checkpoint_every=5)
    manifest = job.manifest(code=True)
    assert job.manifest() in manifest
    job.stop()
    file = tmp_path / "job.yaml"
    file.write_text(manifest)
    kubectl = Path(sysconfig.get_path("scripts")) / "kubectl"
    command = [str(kubectl), "--kubeconfig", str(cluster.kubeconfig), "apply", "-f", str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    again = cluster.job("by-hand").wait(TIMEOUT_S)
    assert steps_of(again)[1, 0] == list(range(1, 7))


def test_a_job_that_does_not_fit_waits_and_says_why(cluster: Cluster) -> None:
    job = cluster.train(fit, resources={"cpu": 999}, checkpoint_every=None)
    until(lambda: "Insufficient cpu" in job.explain(), "the scheduler has said why")
    assert job.status == "Pending"
    assert "Ranks 0, 1 wait: 0/1 nodes are available: 1 Insufficient cpu." in job.explain()
    job.stop()


def test_an_image_that_is_not_there_waits_and_says_why(cluster: Cluster) -> None:
    job = cluster.train(fit, resources=SMALL, image="nothing:1", checkpoint_every=None)
    until(lambda: "nothing:1" in job.explain(), "the node has said why")
    job.stop()


def test_wrong_requests_create_nothing(cluster: Cluster) -> None:
    before = owned(cluster, "")
    for wrong in ({"num_nodes": 0}, {"name": "No"}, {"args": {"rate": 1}}, {"resources": {"cpu": "x"}}):
        with pytest.raises(LaunchError):
            cluster.train(fit, **wrong)
    assert owned(cluster, "") == before


def test_a_name_that_is_taken_is_refused_and_the_job_left_alone(cluster: Cluster) -> None:
    first = cluster.train(fit, name="taken", args={"steps": 2}, resources=SMALL, checkpoint_every=None)
    with pytest.raises(LaunchError, match="there is already a job 'taken'"):
        cluster.train(fit, name="taken", resources=SMALL, checkpoint_every=None)
    assert first.wait(TIMEOUT_S).status == "Succeeded"


def test_a_job_started_at_once_and_stopped_at_once_leaves_nothing(cluster: Cluster) -> None:
    job = cluster.train(fit, name="brief", resources=SMALL)
    job.stop()
    assert not owned(cluster, "brief")


def test_one_worker_needs_no_others(cluster: Cluster) -> None:
    job = cluster.train(fit, num_nodes=1, args={"steps": 3}, resources=SMALL, checkpoint_every=None)
    assert steps_of(job.wait(TIMEOUT_S)) == {(0, 0): [1, 2, 3]}
