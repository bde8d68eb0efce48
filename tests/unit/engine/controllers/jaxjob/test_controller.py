from typing import Any

import pytest

from kubelab.client import EVENTS, JAX_JOBS, PODS, SERVICES, Object
from kubelab.errors import InvalidError
from tests.unit.engine.controllers.lab import Lab


def jax_job(*, replicas: int = 2, restart: str = "Never", run: Object | None = None, **pod: Any) -> Object:
    container = {"name": "jax", "image": "kubelab/jax", "command": ["python"]}
    worker = {
        "replicas": replicas,
        "restartPolicy": restart,
        "template": {"spec": {"containers": [container], **pod}},
    }
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "JAXJob",
        "metadata": {"name": "psum", "namespace": "default"},
        "spec": {"runPolicy": run or {}, "jaxReplicaSpecs": {"Worker": worker}},
    }


async def test_a_jax_job_runs_to_its_end(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job())
    pods = await lab.pods(2)
    assert [pod["metadata"]["name"] for pod in pods] == ["psum-worker-0", "psum-worker-1"]
    env = {each["name"]: each["value"] for each in pods[1]["spec"]["containers"][0]["env"]}
    assert env == {
        "PYTHONUNBUFFERED": "1",
        "COORDINATOR_PORT": "6666",
        "COORDINATOR_ADDRESS": "psum-worker-0",
        "NUM_PROCESSES": "2",
        "PROCESS_ID": "1",
    }
    assert pods[0]["metadata"]["labels"]["training.kubeflow.org/job-role"] == "master"
    assert "training.kubeflow.org/job-role" not in pods[1]["metadata"]["labels"]
    service = await lab.client.get(SERVICES, "psum-worker-0", "default")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["ports"][0] == {
        "name": "jaxjob-port",
        "port": 6666,
        "protocol": "TCP",
        "targetPort": 6666,
    }
    for pod in pods:
        await lab.set_phase(pod, "Running")
    await lab.condition(JAX_JOBS, "psum", "Running")
    await lab.set_phase(pods[0], "Succeeded")
    await lab.until(JAX_JOBS, lambda jobs: _worker(jobs["psum"]).get("succeeded") == 1)
    await lab.set_phase(pods[1], "Succeeded")
    done = await lab.condition(JAX_JOBS, "psum", "Succeeded")
    assert (done["reason"], done["message"]) == (
        "JAXJobSucceeded",
        "JAXJob default/psum successfully completed.",
    )
    job = await lab.client.get(JAX_JOBS, "psum", "default")
    states = [(each["type"], each["status"]) for each in job["status"]["conditions"]]
    assert states == [("Created", "True"), ("Running", "False"), ("Succeeded", "True")]
    assert job["status"]["completionTime"]


async def test_a_failed_worker_fails_a_job_that_never_restarts(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job())
    pods = await lab.pods(2)
    await lab.set_phase(pods[1], "Failed")
    failed = await lab.condition(JAX_JOBS, "psum", "Failed")
    assert failed["message"] == "JAXJob psum is failed because 1 Worker replica(s) failed."
    event = await lab.until(
        EVENTS,
        lambda events: next((each for each in events.values() if each["reason"] == "JAXJobFailed"), None),
    )
    assert event["message"] == failed["message"]


@pytest.mark.parametrize(("restart", "code"), [("OnFailure", 1), ("ExitCode", 137)])
async def test_a_failed_worker_is_created_again(lab: Lab, restart: str, code: int) -> None:
    await lab.client.create(JAX_JOBS, jax_job(restart=restart))
    first = await lab.pods(2)
    await lab.set_phase(first[0], "Running")
    await lab.set_phase(first[1], "Failed", exit_code=code)

    def replaced(pods: dict[str, Object]) -> bool:
        pod = pods.get("psum-worker-1")
        return pod is not None and pod["metadata"]["uid"] != first[1]["metadata"]["uid"]

    await lab.until(PODS, replaced)
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Succeeded")
    await lab.condition(JAX_JOBS, "psum", "Succeeded")
    reasons = {each["reason"] for each in (await lab.client.list(EVENTS, "default")).items}
    assert "JAXJobRestarting" in reasons


async def test_an_exit_code_of_the_programs_own_fault_is_fatal(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job(restart="ExitCode"))
    pods = await lab.pods(2)
    await lab.set_phase(pods[0], "Failed", exit_code=1)
    failed = await lab.condition(JAX_JOBS, "psum", "Failed")
    assert failed["message"] == 'job "psum" is failing because "Worker" replica(s) failed.'


async def test_a_suspended_job_has_no_pods_until_it_is_resumed(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job())
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Running")
    await lab.condition(JAX_JOBS, "psum", "Running")
    await lab.client.patch(JAX_JOBS, "psum", {"spec": {"runPolicy": {"suspend": True}}}, "default")
    await lab.condition(JAX_JOBS, "psum", "Suspended")
    await lab.until(PODS, lambda pods: not pods)
    await lab.until(SERVICES, lambda services: "psum-worker-0" not in services)
    await lab.client.patch(JAX_JOBS, "psum", {"spec": {"runPolicy": {"suspend": False}}}, "default")
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Running")
    await lab.condition(JAX_JOBS, "psum", "Running")


async def test_the_pods_of_a_finished_job_go_if_the_policy_says_so(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job(run={"cleanPodPolicy": "All"}))
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Succeeded")
    await lab.condition(JAX_JOBS, "psum", "Succeeded")
    await lab.until(PODS, lambda pods: not pods)


async def test_a_deadline_ends_the_job(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job(run={"activeDeadlineSeconds": 1}))
    failed = await lab.condition(JAX_JOBS, "psum", "Failed")
    assert failed["message"] == "Job psum has failed because it was active longer than specified deadline"
    await lab.until(PODS, lambda pods: not pods)


async def test_a_finished_job_expires(lab: Lab) -> None:
    await lab.client.create(JAX_JOBS, jax_job(run={"ttlSecondsAfterFinished": 0}))
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Succeeded")
    await lab.gone(JAX_JOBS, "psum")
    await lab.until(PODS, lambda pods: not pods)


async def test_a_job_without_a_container_named_jax_is_refused(lab: Lab) -> None:
    body = jax_job()
    body["spec"]["jaxReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["name"] = "main"
    with pytest.raises(InvalidError, match="must have at least one container with name jax"):
        await lab.client.create(JAX_JOBS, body)


def _worker(job: Object) -> Object:
    found: Object = ((job.get("status") or {}).get("replicaStatuses") or {}).get("Worker") or {}
    return found
