"""Jobs of a real lab cluster as MLflow runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubelab import Cluster, clock, training
from kubelab.engine.nodes import processes
from kubelab.lineage.place import folder_of
from kubelab.lineage.store import Store
from kubelab.tuning import uniform
from tests.conftest import own_cluster

SMALL = {"cpu": "500m", "memory": "1Gi"}
TIMEOUT_S = 240.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        with own_cluster(tmp_path_factory.mktemp("lab"), "runs") as made:
            yield made


def climb(height: float = 0.5, steps: int = 3) -> None:
    """Report a value that follows from the arguments."""
    for step in range(1, steps + 1):
        training.report(step=step, value=height * step)


def learn(height: float = 0.5, steps: int = 3) -> None:
    """Say which data it is, and report a value that follows from the arguments."""
    training.fingerprint("numbers", [1, 2, 3])
    climb(height, steps)


def wait_for_file() -> None:
    """Report, wait for a file on the volume, and report again."""
    import os
    import time

    training.report(step=1, value=1.0)
    while not os.path.exists(os.environ["KUBELAB_CHECKPOINT_DIR"] + "/go-on"):  # noqa: PTH110
        time.sleep(0.05)
    training.report(step=2, value=2.0)


def until(condition: Callable[[], object]) -> None:
    deadline = clock.monotonic() + TIMEOUT_S
    while not condition():
        assert clock.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


def test_a_finished_job_is_a_run_that_is_read_back(cluster: Cluster) -> None:
    job = cluster.train(climb, args={"height": 2.0}, num_nodes=2, resources=SMALL, name="climb")
    job.wait(TIMEOUT_S, progress=False)
    lineage = job.lineage()
    assert (lineage.name, lineage.kind, lineage.state, lineage.status) == (
        "climb",
        "TrainJob",
        "Succeeded",
        "FINISHED",
    )
    assert lineage.cluster == "runs"
    assert lineage.parameters == {"height": "2.0", "steps": "3"}
    metrics = lineage.metrics()
    assert list(metrics.loc[metrics["name"] == "value", "value"]) == [2.0, 4.0, 6.0]
    assert list(metrics.loc[metrics["name"] == "value/rank-1", "step"]) == [1, 2, 3]
    assert len(lineage.code) == 64
    assert lineage.checkpoints.startswith("file://")
    assert lineage.cpu_core_hours > 0
    assert lineage.to_frame().loc[lineage.run_id, "metrics.value"] == 6.0

    job.stop()
    assert job.lineage().points == lineage.points, "what was kept stays when the job is gone"


def test_a_sweep_is_a_run_with_its_trials_below_it(cluster: Cluster) -> None:
    sweep = cluster.sweep(
        learn,
        space={"height": uniform(0, 1)},
        objective="value",
        direction="maximize",
        algorithm="random",
        max_trials=3,
        parallel=3,
        resources=SMALL,
        name="learn",
    ).wait(TIMEOUT_S, progress=False)
    lineage = sweep.lineage()
    assert (lineage.kind, lineage.state, lineage.status) == ("Experiment", "Succeeded", "FINISHED")
    assert lineage.parameters["algorithm"] == "random"
    assert [trial.status for trial in lineage.children] == ["FINISHED"] * 3
    by_name = {trial.name: trial for trial in sweep.view().trials}
    digest = training.fingerprint("numbers", [1, 2, 3])
    for run in lineage.children:
        trial = by_name[run.name]
        assert float(run.parameters["height"]) == trial.parameters["height"]
        assert run.latest("value") == trial.objective
        assert [point.step for point in run.points if point.name == "value"] == [1, 2, 3]
        assert (run.parent, run.code, run.dataset) == (lineage.run_id, lineage.code, f"numbers {digest}")
    assert lineage.tags["kubelab.best_trial"] == sweep.best().name
    assert sorted(point.step for point in lineage.points) == [0, 1, 2]
    assert sweep.lineage() == lineage, "to record it again changes nothing"

    job = sweep.job(0).lineage()
    assert (job.kind, job.parent) == ("TrainJob", lineage.run_id), "a trial's job is the trial's run"
    assert len(sweep.lineage().children) == 3

    sweep.delete()
    assert sweep.lineage().children == lineage.children


def test_a_job_is_kept_without_a_handle_also_when_its_recorder_is_killed(cluster: Cluster) -> None:
    store = Store(folder_of(cluster.client))
    job = cluster.train(wait_for_file, num_nodes=1, resources=SMALL, name="kept", checkpoint_every=50)
    uid = job.view().job["metadata"]["uid"]

    def points() -> int:
        found = store.read("runs/default", uid)
        return len([point for point in found.points if point.name == "value"]) if found else 0

    record = store.folder / "recorder" / "recorder.json"
    until(lambda: points() == 1)
    killed = processes.recorded(record)
    os.kill(killed, signal.SIGKILL)
    go_on = Path(job.lineage().checkpoints.removeprefix("file://")) / "go-on"
    go_on.touch()
    until(lambda: points() == 2)
    until(lambda: store.read("runs/default", uid).status == "FINISHED")  # type: ignore[union-attr]
    assert processes.recorded(record) != killed
    assert points() == 2, "each is kept once"


def test_what_a_killed_control_plane_left_is_ended(tmp_path: Path) -> None:
    left = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (tmp_path / "recorder").mkdir()
    processes.record(tmp_path / "recorder" / "recorder.json", left.pid)
    assert processes.end_all(tmp_path) == 1
    assert left.wait() == -signal.SIGKILL
