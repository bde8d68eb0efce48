"""Faults on the engine ``binaries``, whose API server and controllers are upstream's own programs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kubelab import Cluster, portal
from kubelab.chaos.experiment import FLAP
from kubelab.client import CHAOS_EXPERIMENTS, CUSTOM_RESOURCE_DEFINITIONS, EVENTS, Object
from kubelab.training import TrainJob
from tests.conftest import made
from tests.realapi import build
from tests.unit.chaos.broken_lab import (
    ask,
    bring_up,
    broken_lab,
    counting,
    experiments,
    is_ready,
    kill_daemon,
    node_of,
    selector_of,
    wait_for,
    wait_for_end,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        assets = build.assets()
    except build.UnavailableError as error:
        pytest.skip(str(error))
    with made(tmp_path_factory.mktemp("home")) as lab:
        lab.env["KUBEBUILDER_ASSETS"] = str(assets)
        with broken_lab(lab, engine="binaries") as cluster:
            yield cluster


@pytest.fixture(scope="module")
def job(cluster: Cluster) -> TrainJob:
    return counting(cluster)


def test_a_job_resumes_after_a_pod_was_killed_and_the_experiment_is_an_object(
    cluster: Cluster, job: TrainJob
) -> None:
    verdict = cluster.chaos.kill_pod(job, rank=1, expect="the job resumes from its checkpoint")
    assert verdict.held, verdict.evidence
    definition = portal.run(
        cluster.client.get(
            CUSTOM_RESOURCE_DEFINITIONS, f"{CHAOS_EXPERIMENTS.plural}.{CHAOS_EXPERIMENTS.group}"
        )
    )
    conditions = {each["type"]: each["status"] for each in definition["status"]["conditions"]}
    assert (conditions["Established"], conditions["NamesAccepted"]) == ("True", "True")
    (found,) = experiments(cluster)
    assert (found["status"]["phase"], found["status"]["verdict"]) == ("Ended", "Held")
    assert {"FaultInjected", "FaultUndone"} <= reasons(cluster, found)


@pytest.mark.parametrize(
    ("fault", "expect", "undid"),
    [
        ("node_not_ready", "the job goes on", "reports that it is ready"),
        ("drain", "the job resumes from its checkpoint", "uncordoned"),
    ],
)
def test_what_is_expected_holds_and_the_fault_is_undone(
    cluster: Cluster, job: TrainJob, fault: str, expect: str, undid: str
) -> None:
    verdict = getattr(cluster.chaos, fault)(job, duration_s=2.0, expect=expect)
    assert verdict.held, verdict.evidence
    assert undid in verdict.undid
    assert is_ready(node_of(cluster))
    assert not node_of(cluster)["spec"].get("unschedulable")


def test_endpoints_that_are_not_there_cannot_flap(cluster: Cluster, job: TrainJob) -> None:
    verdict = cluster.chaos.endpoint_flap(job, duration_s=1.0)
    assert verdict.outcome == "refused"
    assert "has no endpoints" in verdict.reason
    assert FLAP not in selector_of(cluster, job.name)


def test_names_are_withheld_or_the_lab_says_why_they_cannot_be(cluster: Cluster, job: TrainJob) -> None:
    verdict = cluster.chaos.dns_drop(job, duration_s=1.0, expect="the job goes on")
    if verdict.outcome == "refused":
        assert "mount namespaces are not allowed" in verdict.reason
    else:
        assert verdict.held, verdict.evidence
        assert verdict.undid == "names resolve"


@pytest.mark.parametrize("fault", ["api_latency", "api_errors"])
def test_faults_of_the_api_are_refused_in_words(cluster: Cluster, job: TrainJob, fault: str) -> None:
    verdict = getattr(cluster.chaos, fault)(job, duration_s=1.0)
    assert verdict.outcome == "refused"
    assert "upstream's own program" in verdict.reason


def test_a_fault_survives_the_end_of_daemon_and_api_server_and_is_undone(
    cluster: Cluster, job: TrainJob
) -> None:
    live = [ask(cluster, job, fault, duration_s=15.0) for fault in ("node_not_ready", "drain")]
    kill_daemon()
    bring_up()
    for each in live:
        assert wait_for_end(cluster, each)["undid"]
    wait_for("a ready node", lambda: is_ready(node_of(cluster)))
    assert not node_of(cluster)["spec"].get("unschedulable")


def reasons(cluster: Cluster, experiment: Object) -> set[str]:
    """Return what was said of an experiment."""
    events = portal.run(cluster.client.list(EVENTS, "default")).items
    name = experiment["metadata"]["name"]
    return {each["reason"] for each in events if each["involvedObject"]["name"] == name}
