"""Jobs of a real lab cluster as MLflow runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, training

SMALL = {"cpu": "500m", "memory": "1Gi"}
TIMEOUT_S = 240.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    from kubelab.engine import launch

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBELAB_HOME", str(tmp_path_factory.mktemp("lab")))
        patch.setenv("KUBECONFIG", "")
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        try:
            with Cluster.connect("runs") as connected:
                yield connected
        finally:
            launch.down("runs", delete=True)


def climb(height: float = 0.5, steps: int = 3) -> None:
    """Report a value that follows from the arguments."""
    for step in range(1, steps + 1):
        training.report(step=step, value=height * step)


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
    assert lineage.to_frame().loc[lineage.run_id, "metrics.value"] == 6.0

    job.stop()
    assert job.lineage().points == lineage.points, "what was kept stays when the job is gone"
