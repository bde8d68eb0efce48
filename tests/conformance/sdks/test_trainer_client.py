"""Kubeflow's TrainerClient 0.5, unmodified: what its users do with JAX jobs."""

from __future__ import annotations

import pytest

from tests.conformance.sdks.sdk import Sdk, SdkError


def test_runtimes_are_listed_and_found_by_name(sdk: Sdk, namespace: str) -> None:
    runtimes = sdk("trainer", "list_runtimes", namespace=namespace)
    jax = next(each for each in runtimes if each["name"] == "jax-distributed")
    assert jax["kind"] == "ClusterTrainingRuntime"
    assert jax["framework"] == "jax"
    assert sdk("trainer", "get_runtime", namespace=namespace, name="jax-distributed") == jax


def test_function_trains_on_two_processes_that_see_each_other(sdk: Sdk, namespace: str) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="psum", args={"rate": "0.5"}, num_nodes=2)
    job = sdk("trainer", "wait", namespace=namespace, name=name, status="Complete")
    assert job["status"] == "Complete"
    assert job["num_nodes"] == 2
    assert {step: found["status"] for step, found in job["steps"].items()} == {
        "node-0": "Succeeded",
        "node-1": "Succeeded",
    }
    for rank in (0, 1):
        lines = sdk("trainer", "logs", namespace=namespace, name=name, step=f"node-{rank}")
        assert lines[-1] == f"rank={rank} of=2 total=2.0 rate=0.5"
    followed = sdk("trainer", "logs", namespace=namespace, name=name, follow=True)
    assert followed[-1] == "rank=0 of=2 total=2.0 rate=0.5"
    assert [each["name"] for each in sdk("trainer", "list_jobs", namespace=namespace)] == [name]
    same = sdk("trainer", "list_jobs", namespace=namespace, runtime="jax-distributed")
    assert [each["name"] for each in same] == [name]


def test_events_of_a_job_name_its_pods(sdk: Sdk, namespace: str) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="endless")
    pod = sdk("trainer", "wait", namespace=namespace, name=name, status="Running")["steps"]["node-0"]
    events = sdk("trainer", "events", namespace=namespace, name=name)
    of_pod = {each["reason"] for each in events if each["involved_object_name"] == pod["pod_name"]}
    assert {"Created", "Started"} <= of_pod
    sdk("trainer", "delete", namespace=namespace, name=name)


def test_job_whose_function_raises_is_failed(sdk: Sdk, namespace: str) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="broken")
    assert sdk("trainer", "wait", namespace=namespace, name=name, status="Failed")["status"] == "Failed"
    with pytest.raises(SdkError, match="is Failed"):
        sdk("trainer", "wait", namespace=namespace, name=name, status="Complete")


def test_deleted_job_is_gone(sdk: Sdk, namespace: str) -> None:
    name = sdk("trainer", "train", namespace=namespace, function="endless")
    sdk("trainer", "delete", namespace=namespace, name=name)
    assert sdk("trainer", "list_jobs", namespace=namespace) == []
    with pytest.raises(SdkError, match="Failed to get"):
        sdk("trainer", "get_job", namespace=namespace, name=name)
