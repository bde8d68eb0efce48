import os
from pathlib import Path

import pytest

from kubelab import Cluster
from kubelab.errors import KubelabError, NotFoundError
from kubelab.http import KubeconfigError
from kubelab.reports import report_path, run_report
from kubelab.training import TrainJob
from tests.conftest import Lab


def train(steps: int = 3) -> None:
    from kubelab import training

    run = training.context()
    for step in range(steps):
        training.report(step=step, loss=1.0 / (step + 1 + run.rank))


@pytest.fixture(scope="module")
def cluster(session_cluster: Cluster) -> Cluster:
    return session_cluster


@pytest.fixture(scope="module")
def finished(cluster: Cluster) -> TrainJob:
    small = {"cpu": "250m", "memory": "512Mi"}
    job = cluster.train(train, name="small", num_nodes=1, resources=small, checkpoint_every=None)
    return job.wait(progress=False)


def test_connect_attaches_and_points_kubectl_there(cluster: Cluster) -> None:
    assert os.environ["KUBECONFIG"] == str(cluster.kubeconfig)
    assert repr(cluster).startswith("<Cluster lab: embedded, 1 node, ")
    assert repr(cluster).endswith("GiB, Ready>")


def test_connect_finds_the_cluster_that_the_lab_serves(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBELAB_CLUSTER", "lab")
    with Cluster.connect() as again:
        assert again.server == cluster.server


def test_any_context_is_the_same_handle(cluster: Cluster) -> None:
    with Cluster.from_context("lab", kubeconfig=cluster.kubeconfig) as other:
        assert list(other.nodes()["name"]) == ["lab-node"]
        assert repr(other).startswith("<Cluster lab: context, 1 node")
        with pytest.raises(KubelabError, match="kubelab did not start it"):
            other.down()
    with pytest.raises(KubeconfigError, match="It has: lab"):
        Cluster.from_context("prod", kubeconfig=cluster.kubeconfig)


def test_nodes_say_what_pods_may_use(cluster: Cluster) -> None:
    node = cluster.nodes().iloc[0]
    assert node["ready"]
    assert node["cpu_millicores"] == 1000 * (os.cpu_count() or 0)
    assert node["memory_bytes"] > 2**30


def test_jobs_and_events_are_found_again(cluster: Cluster, finished: TrainJob) -> None:
    assert "small" in [job.name for job in cluster.jobs()]
    assert cluster.job("small").status == "Succeeded"
    with pytest.raises(NotFoundError, match="nothing"):
        cluster.job("nothing")
    events = cluster.events()
    assert {"Scheduled", "Started"} <= set(events[events["object"].str.startswith("Pod/small-")]["reason"])


def test_a_job_is_reported_in_one_file(cluster: Cluster, finished: TrainJob, tmp_path: Path) -> None:
    page = run_report(report_path("job-report"), {"job": finished.name}, tmp_path / "job.html").read_text()
    for part in ("TrainJob small succeeded", "Scheduled", "runtimeRef", "Plotly.newPlot", "rank"):
        assert part in page
    for code in ("handle.metrics()", "Cluster.connect"):
        assert code not in page
    assert 'src="http' not in page


def test_a_cluster_that_is_away_is_told_not_traced(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    running = lab.up("one", "--no-warm")
    monkeypatch.setenv("KUBELAB_HOME", str(lab.home))
    with Cluster.from_context(kubeconfig=Path(running["kubeconfig"])) as gone:
        lab.kubelab("down", "--name", "one")
        assert repr(gone) == "<Cluster one: context, not reachable>"


def test_capabilities_of_a_lab_are_its_custom_kinds(cluster: Cluster) -> None:
    found = cluster.capabilities()
    assert found.kubernetes.version.startswith("v1.")
    assert found.trainer.api == "trainer.kubeflow.org/v1alpha1"
    assert found.jobset.api == "jobset.x-k8s.io/v1alpha2"
    assert found.katib.api == "kubeflow.org/v1beta1"
    assert found.training_operator.api == "kubeflow.org/v1"
    assert found.metrics.api == "metrics.k8s.io/v1beta1"
    assert found.vpa.state == "found"
    assert found.cluster_autoscaler.state == found.prometheus.state == "missing"
