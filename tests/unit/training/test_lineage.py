"""What is kept of a job, read off objects by hand."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import pytest

from kubelab.client import EXPERIMENTS, JAX_JOBS, JOBS, TRAIN_JOBS, Object
from kubelab.lineage import record
from kubelab.training.charges import amount_of
from kubelab.training.lineage import Code, points_of, record_of, run_uid
from kubelab.training.metrics import Metric
from kubelab.training.recorded import has_ended, is_recorded
from kubelab.training.shipping import archive
from kubelab.training.view import JobView
from tests.unit.training import objects

NOW = datetime(2026, 8, 1, 11, 0, tzinfo=UTC)
CREATED = "2026-08-01T10:00:00Z"
CREATED_MS = 1_785_578_400_000


def made(kind: str = "TrainJob", status: Object | None = None, **options: Any) -> Object:
    job = objects.job(kind, status, **options)
    job["metadata"]["creationTimestamp"] = CREATED
    return job


def charged(cpu: str, memory: str, *, end: str = "", began: str = CREATED) -> Object:
    pod = objects.pod(0, "Succeeded" if end else "Running", startTime=began)
    pod["spec"] = {"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]}
    if end:
        pod["status"]["containerStatuses"] = [{"state": {"terminated": {"exitCode": 0, "finishedAt": end}}}]
    return pod


@pytest.mark.parametrize("kind", ["TrainJob", "JAXJob", "Job"])
def test_a_jobs_arguments_are_its_runs_parameters(kind: str) -> None:
    code = Code("c" * 64, "0.1.0", {"steps": 3})
    job = made(kind, args_json='{"lr": 0.1, "wide": true}', arguments={"lr": "0.2", "name": "a"})
    found = record_of(JobView(job, ()), (), cluster="lab", now=NOW, code=code)
    assert found.parameters == {"steps": "3", "lr": "0.2", "wide": "true", "name": "a"}
    assert (found.uid, found.name, found.experiment) == ("u-1", "digits", "lab/lab")
    assert found.started_ms == CREATED_MS
    assert found.tags[record.KIND] == kind
    assert found.tags[record.FUNCTION] == "train"
    assert found.tags[record.CODE] == "c" * 64
    assert (found.status, found.ended_ms) == ("SCHEDULED", None)


def test_a_failed_job_says_when_and_why() -> None:
    condition = {
        "type": "Failed",
        "status": "True",
        "message": "rank 1 raised",
        "lastTransitionTime": "2026-08-01T10:00:07Z",
    }
    job = made(status={"conditions": [condition]})
    found = record_of(JobView(job, ()), (), cluster="lab", now=NOW)
    assert (found.status, found.ended_ms) == ("FAILED", CREATED_MS + 7_000)
    assert found.tags[record.WHY] == "rank 1 raised"
    assert has_ended(job)


def test_the_commit_and_the_data_are_tags() -> None:
    datasets = {"b": "22" * 8, "a": "11" * 8}
    found = record_of(
        JobView(made(commit="a" * 40), ()),
        (),
        cluster="lab",
        now=NOW,
        datasets=datasets,
    )
    assert found.tags[record.GIT_COMMIT] == "a" * 40
    assert found.tags[record.DATASET] == f"a {'11' * 8}, b {'22' * 8}"


def test_numbers_of_other_ranks_have_the_rank_in_their_names() -> None:
    metrics = [
        Metric(1, 0, "loss", 0.5, "2026-08-01T10:00:01.250000Z", 0),
        Metric(1, 1, "loss|all", 0.75, "", 0),
        Metric(None, 0, "score", 1.0, "", 0),
        Metric(None, 0, "score", 2.0, "", 0),
    ]
    points = points_of(metrics, CREATED_MS)
    assert [(point.name, point.step, point.time_ms - CREATED_MS, point.value) for point in points] == [
        ("loss", 1, 1_250, 0.5),
        ("loss_all/rank-1", 1, 0, 0.75),
        ("score", 1, 0, 1.0),
        ("score", 2, 0, 2.0),
    ]


def test_a_pod_costs_what_it_asked_for_until_it_ended() -> None:
    ended = amount_of(charged("500m", "2Gi", end="2026-08-01T10:30:00Z"), NOW)
    assert (ended.cpu_core_hours, ended.memory_gib_hours) == (0.25, 1.0)
    running = amount_of(charged("2", "512Mi"), NOW)
    assert (running.cpu_core_hours, running.memory_gib_hours) == (2.0, 0.5)
    waiting = amount_of(objects.pod(0, "Pending"), NOW)
    assert waiting.cpu_core_hours == 0


def priced_node() -> Object:
    annotations = {
        "autoscaling.kubelab.dev/price-usd-per-hour": "1.0",
        "autoscaling.kubelab.dev/price-date": "2026-07-20",
    }
    meta = {"name": "n1", "creationTimestamp": CREATED, "annotations": annotations}
    return {"metadata": meta, "status": {"capacity": {"cpu": "4", "memory": "4Gi"}}}


def test_a_pod_on_a_node_with_a_price_costs_dollars() -> None:
    pod = charged("1", "1Gi", end="2026-08-01T10:30:00Z")
    pod["spec"]["nodeName"] = "n1"
    pod["metadata"]["namespace"] = "lab"
    assert amount_of(pod, NOW, priced_node()).usd == pytest.approx(1.0 * 0.5 / 4)
    assert amount_of(pod, NOW).usd == 0.0
    found = record_of(JobView(made(), (pod,)), (), cluster="lab", now=NOW, nodes={"n1": priced_node()})
    assert found.pods["p-0-0-0"].usd == pytest.approx(0.125)
    assert found.tags[record.PRICES_OF] == "2026-07-20"


def test_a_job_costs_what_its_pods_do() -> None:
    view = JobView(made(), (charged("1", "1Gi"),))
    assert record_of(view, (), cluster="lab", now=NOW).pods["p-0-0-0"].cpu_core_hours == 1.0


def test_code_is_known_by_its_archives_digest() -> None:
    def train(lr: float = 0.1) -> None: ...

    content = archive(train, {}).content
    code = Code.of({"binaryData": {"code.zip": base64.b64encode(content).decode()}})
    assert code.digest == hashlib.sha256(content).hexdigest()
    assert code.defaults == {"lr": 0.1}
    assert Code.of(None) == Code()
    assert Code.of({"binaryData": {"code.zip": base64.b64encode(b"no zip").decode()}}).defaults == {}


def test_a_trials_job_is_the_trials_run() -> None:
    job = made()
    assert run_uid(job) == "u-1"
    job["metadata"]["ownerReferences"] = [{"kind": "Trial", "uid": "t-1"}]
    assert run_uid(job) == "t-1"
    assert not is_recorded(TRAIN_JOBS, job)


def test_jobs_and_sweeps_are_recorded_but_not_their_parts_or_jobs_of_others() -> None:
    plain: Object = {"metadata": {"name": "a"}}
    assert all(is_recorded(resource, plain) for resource in (TRAIN_JOBS, JAX_JOBS, EXPERIMENTS))
    assert not is_recorded(JOBS, plain)
    assert is_recorded(JOBS, made("Job"))
    part = {"metadata": {**made("Job")["metadata"], "ownerReferences": [{"kind": "JobSet", "uid": "s"}]}}
    assert not is_recorded(JOBS, part)
