"""Whatever of the lab is killed in mid-job: nothing acknowledged is lost, and the job finishes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from kubelab import Cluster, portal
from kubelab.client import CONFIG_MAPS
from kubelab.training import TrainJob
from tests.conftest import Lab

pytestmark = pytest.mark.timeout(180)


def train(steps: int = 60, pause_s: float = 0.05) -> None:
    import time

    import jax.numpy as jnp

    from kubelab import training

    run = training.context()
    weights = run.replicate(jnp.zeros(8))
    restored = run.restore(weights)
    weights, start = restored or (weights, -1)
    for step in range(start + 1, steps):
        time.sleep(pause_s)
        weights = weights + 1
        training.report(step=step, loss=float(steps - step))
        if run.should_save(step):
            run.save(step, weights)
    assert float(weights[0]) == steps, weights


@pytest.fixture
def running(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Lab, Cluster, TrainJob]]:
    """A job of two workers that has reported its first steps."""
    monkeypatch.setenv("KUBELAB_HOME", str(lab.home))
    lab.up("lab")
    with Cluster.connect() as cluster:
        job = cluster.train(train, name="job", resources={"cpu": "500m", "memory": "1Gi"}, checkpoint_every=5)
        wait_for_step(job, 12)
        yield lab, cluster, job


def wait_for_step(job: TrainJob, step: int) -> None:
    for line in job.logs(0, follow=True):
        if f"step={step} " in line:
            return
    raise AssertionError(f"the job ended before step {step}:\n{job.explain()}")


def steps_of(job: TrainJob) -> list[int]:
    metrics = job.metrics()
    chosen = metrics[(metrics["rank"] == 0) & (metrics["name"] == "loss")]
    return sorted(set(chosen["step"]))


def test_a_killed_control_plane_loses_nothing_and_the_pods_do_not_notice(
    running: tuple[Lab, Cluster, TrainJob],
) -> None:
    lab, cluster, job = running
    for number in range(50):
        body: dict[str, Any] = {"metadata": {"name": f"kept-{number}"}, "data": {"n": str(number)}}
        portal.run(cluster.client.create(CONFIG_MAPS, body, "default"))
    os.kill(lab_pid(lab), signal.SIGKILL)
    lab.up("lab")
    kept = portal.run(cluster.client.list(CONFIG_MAPS, "default")).items
    assert {f"kept-{number}" for number in range(50)} <= {each["metadata"]["name"] for each in kept}
    job.wait(60, progress=False)
    assert steps_of(job) == list(range(60))
    assert set(job.metrics()["attempt"]) == {0}, job.explain()


def test_a_killed_worker_takes_the_set_back_to_its_checkpoint(running: tuple[Lab, Cluster, TrainJob]) -> None:
    lab, _, job = running
    (worker,) = supervisor_of(lab, "job-node-0-1").children()
    worker.kill()
    job.wait(90, progress=False)
    assert job.status == "Succeeded"
    metrics = job.metrics()
    again = metrics[(metrics["attempt"] == 1) & (metrics["rank"] == 0) & (metrics["name"] == "loss")]
    assert again["step"].min() >= 10, "it began again instead of resuming"
    assert again["step"].max() == 59
    assert "started again once" in job.explain()


def test_a_killed_warm_parent_is_replaced_and_the_next_job_runs(
    running: tuple[Lab, Cluster, TrainJob],
) -> None:
    lab, cluster, job = running
    (record,) = (lab.home / "lab").glob("warm-*.json")
    os.kill(json.loads(record.read_text())["pid"], signal.SIGKILL)
    job.wait(60, progress=False)
    second = cluster.train(
        train, name="second", args={"steps": 5}, resources={"cpu": "500m", "memory": "1Gi"}
    )
    second.wait(60, progress=False)
    assert (job.status, second.status) == ("Succeeded", "Succeeded")


def test_a_killed_supervisor_is_a_lost_worker(running: tuple[Lab, Cluster, TrainJob]) -> None:
    lab, _, job = running
    supervisor_of(lab, "job-node-0-1").kill()
    job.wait(90, progress=False)
    assert job.status == "Succeeded"


def test_after_everything_is_killed_down_leaves_no_process(running: tuple[Lab, Cluster, TrainJob]) -> None:
    lab, _, _ = running
    mine = of_home(lab)
    assert len(mine) >= 4
    os.kill(lab_pid(lab), signal.SIGKILL)
    lab.kubelab("down", "--name", "lab")
    psutil.wait_procs(mine, timeout=5)
    assert of_home(lab) == []


def lab_pid(lab: Lab) -> int:
    pid: int = json.loads((lab.home / "lab/cluster.json").read_text())["pid"]
    return pid


def of_home(lab: Lab) -> list[psutil.Process]:
    """Every process that works in this home or was told of it."""
    found = []
    for process in psutil.process_iter():
        try:
            words = [process.cwd(), *process.cmdline(), *process.environ().values()]
        except (psutil.Error, OSError):
            continue
        if process.pid != os.getpid() and any(str(lab.home) in word for word in words):
            found.append(process)
    return found


def supervisor_of(lab: Lab, hostname: str) -> psutil.Process:
    """The process that runs a pod."""
    for pod in (lab.home / "lab/pods").iterdir():
        if (pod / "hostname").read_text().strip() == hostname:
            return psutil.Process(json.loads((pod / "supervisor.json").read_text())["pid"])
    raise AssertionError(f"no pod {hostname}")
