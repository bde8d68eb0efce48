import asyncio
from typing import Any

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    EVENTS,
    JOB_SETS,
    JOBS,
    PODS,
    SERVICES,
    TRAIN_JOBS,
    Object,
)
from tests.unit.engine.controllers.lab import SERVER_URL, Lab


def train_job(
    name: str = "digits", *, runtime: str = "jax-distributed", nodes: int = 2, **spec: Any
) -> Object:
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "runtimeRef": {"name": runtime},
            "trainer": {"numNodes": nodes, "command": ["python", "train.py"]},
            **spec,
        },
    }


def env_of(pod: Object) -> dict[str, Any]:
    return {
        variable["name"]: variable.get("value") or variable["valueFrom"]["fieldRef"]["fieldPath"]
        for variable in pod["spec"]["containers"][0]["env"]
    }


async def test_a_train_job_runs_to_its_end(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job())
    pods = await lab.pods(2)
    assert [pod["spec"]["hostname"] for pod in pods] == ["digits-node-0-0", "digits-node-0-1"]
    assert {pod["spec"]["subdomain"] for pod in pods} == {"digits"}
    service = await lab.client.get(SERVICES, "digits", "default")
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["publishNotReadyAddresses"] is True
    env = env_of(pods[1])
    assert env["JAX_NUM_PROCESSES"] == "2"
    assert env["JAX_PROCESS_ID"] == "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    assert env["JAX_COORDINATOR_ADDRESS"] == "digits-node-0-0.digits:29500"
    assert env["KUBEFLOW_TRAINER_SERVER_URL"] == (
        f"{SERVER_URL}/apis/trainer.kubeflow.org/v1alpha1/namespaces/default/trainjobs/digits/status"
    )
    assert pods[1]["metadata"]["labels"]["jobset.sigs.k8s.io/replicatedjob-name"] == "node"
    for pod in pods:
        await lab.set_phase(pod, "Running")
    running = await lab.until(
        TRAIN_JOBS,
        lambda jobs: jobs["digits"] if (_counts(jobs["digits"]) or {}).get("ready") == 1 else None,
    )
    assert "conditions" not in running["status"] or running["status"]["conditions"] == []
    for pod in pods:
        await lab.set_phase(pod, "Succeeded")
    complete = await lab.condition(TRAIN_JOBS, "digits", "Complete")
    assert (complete["reason"], complete["message"]) == ("AllJobsCompleted", "jobset completed successfully")
    assert await lab.condition(JOB_SETS, "digits", "Completed")
    job = await lab.client.get(JOBS, "digits-node-0", "default")
    assert (job["status"]["succeeded"], job["status"]["completedIndexes"]) == (2, "0,1")


async def test_a_killed_worker_restarts_the_whole_set(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job())
    first = await lab.pods(2)
    for pod in first:
        await lab.set_phase(pod, "Running")
    await lab.set_phase(first[1], "Failed", exit_code=137)
    old = {pod["metadata"]["uid"] for pod in first}

    def restarted(pods: dict[str, Object]) -> list[Object]:
        new = [pod for pod in pods.values() if pod["metadata"]["uid"] not in old]
        return new if len(new) == 2 and len(pods) == 2 else []

    second = await lab.until(PODS, restarted)
    assert {pod["metadata"]["labels"]["jobset.sigs.k8s.io/restart-attempt"] for pod in second} == {"1"}
    job_set = await lab.client.get(JOB_SETS, "digits", "default")
    assert job_set["status"]["restarts"] == 1
    for pod in second:
        await lab.set_phase(pod, "Succeeded")
    assert await lab.condition(TRAIN_JOBS, "digits", "Complete")


async def test_a_set_that_keeps_failing_fails_with_the_job_sets_reason(lab: Lab) -> None:
    known = await lab.client.get(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    known["spec"]["template"]["spec"]["failurePolicy"] = {"maxRestarts": 0}
    await lab.client.create(CLUSTER_TRAINING_RUNTIMES, {**known, "metadata": {"name": "strict"}})
    await lab.client.create(TRAIN_JOBS, train_job(runtime="strict", nodes=1))
    (pod,) = await lab.pods(1)
    await lab.set_phase(pod, "Failed", exit_code=1)
    failed = await lab.condition(TRAIN_JOBS, "digits", "Failed")
    assert failed["reason"] == "ReachedMaxRestarts"
    assert failed["message"] == (
        "jobset failed due to reaching max number of restarts (first failed job: digits-node-0)"
    )


async def test_suspending_stops_the_pods_and_resuming_starts_them(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job())
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Running")
    await lab.client.patch(TRAIN_JOBS, "digits", {"spec": {"suspend": True}}, "default")
    suspended = await lab.condition(TRAIN_JOBS, "digits", "Suspended")
    assert suspended["reason"] == "Suspended"
    await lab.until(PODS, lambda pods: not pods)
    await lab.client.patch(TRAIN_JOBS, "digits", {"spec": {"suspend": False}}, "default")
    pods = await lab.pods(2)
    await lab.until(TRAIN_JOBS, lambda jobs: jobs["digits"]["status"]["conditions"] == [])
    for pod in pods:
        await lab.set_phase(pod, "Succeeded")
    assert await lab.condition(TRAIN_JOBS, "digits", "Complete")


async def test_an_unknown_runtime_is_named_and_one_that_comes_later_is_used(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job(runtime="mine", nodes=1))
    failed = await lab.condition(TRAIN_JOBS, "digits", "Failed")
    assert failed["reason"] == "TrainingRuntimeNotSupported"
    assert 'ClusterTrainingRuntime "mine" not found' in failed["message"]
    known = await lab.client.get(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    await lab.client.create(
        CLUSTER_TRAINING_RUNTIMES, {**known, "metadata": {"name": "mine"}, "spec": known["spec"]}
    )
    await lab.pods(1)
    job = await lab.client.get(TRAIN_JOBS, "digits", "default")
    assert not job["status"].get("conditions")


async def test_a_deadline_stops_the_pods(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job(nodes=1, activeDeadlineSeconds=1))
    failed = await lab.condition(TRAIN_JOBS, "digits", "Failed")
    assert (failed["reason"], failed["message"]) == (
        "DeadlineExceeded",
        "TrainJob exceeded its active deadline",
    )
    await lab.until(PODS, lambda pods: not pods)


async def test_deleting_a_train_job_deletes_everything_it_made(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job())
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Running")
    await lab.until(CONFIG_MAPS, lambda maps: "digits-runtime-snapshot" in maps)
    await lab.client.delete(TRAIN_JOBS, "digits", "default")
    await lab.gone(JOB_SETS, "digits")
    await lab.gone(JOBS, "digits-node-0")
    await lab.gone(SERVICES, "digits")
    await lab.gone(CONFIG_MAPS, "digits-runtime-snapshot")
    await lab.until(PODS, lambda pods: not pods)


async def test_progress_that_the_pods_posted_is_kept(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job(nodes=1))
    (pod,) = await lab.pods(1)
    posted = {"progressPercentage": 50, "lastUpdatedTime": "2026-01-31T12:00:00Z"}
    await lab.client.patch(
        TRAIN_JOBS, "digits", {"status": {"trainerStatus": posted}}, "default", subresource="status"
    )
    await lab.set_phase(pod, "Succeeded")
    await lab.condition(TRAIN_JOBS, "digits", "Complete")
    job = await lab.client.get(TRAIN_JOBS, "digits", "default")
    assert job["status"]["trainerStatus"] == posted


async def test_a_restarted_control_plane_neither_loses_nor_doubles_pods(lab: Lab) -> None:
    for number in range(5):
        await lab.client.create(TRAIN_JOBS, train_job(f"job{number}"))
    for _ in range(10):
        await lab.stop_controllers()
        await lab.start_controllers()
        await asyncio.sleep(0)
    pods = await lab.pods(10)
    assert len({pod["spec"]["hostname"] for pod in pods}) == 10
    await lab.stop_controllers()
    for pod in pods:
        await lab.set_phase(pod, "Succeeded")
    await lab.start_controllers()
    for number in range(5):
        await lab.condition(TRAIN_JOBS, f"job{number}", "Complete")
    assert len((await lab.client.list(PODS, "default")).items) == 10


async def test_events_tell_of_the_pods(lab: Lab) -> None:
    await lab.client.create(TRAIN_JOBS, train_job(nodes=1))
    (pod,) = await lab.pods(1)
    event = await lab.until(
        EVENTS,
        lambda events: next((each for each in events.values() if each["reason"] == "SuccessfulCreate"), None),
    )
    assert event["message"] == f"Created pod: {pod['metadata']['name']}"
    assert event["involvedObject"]["name"] == "digits-node-0"
    assert event["count"] == 1


def _counts(job: Object) -> Object | None:
    return next(iter((job.get("status") or {}).get("jobsStatus") or ()), None)
