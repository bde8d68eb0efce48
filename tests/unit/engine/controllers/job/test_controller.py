from typing import Any

import pytest

from kubelab.client import EVENTS, JOBS, PODS, Object
from tests.unit.engine.controllers.lab import HeldWatches, Lab


def work(name: str = "work", **spec: Any) -> Object:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"template": {"spec": pod}, **spec},
    }


async def test_a_job_is_complete_and_its_pods_are_let_go(lab: Lab) -> None:
    await lab.client.create(JOBS, work(parallelism=2, completions=2))
    pods = await lab.pods(2)
    assert all(pod["metadata"]["name"].startswith("work-") for pod in pods)
    for pod in pods:
        await lab.set_phase(pod, "Succeeded")
    await lab.condition(JOBS, "work", "Complete")
    done = await lab.client.get(JOBS, "work", "default")
    assert done["status"]["succeeded"] == 2
    left = (await lab.client.list(PODS, "default")).items
    assert all("finalizers" not in pod["metadata"] for pod in left)
    events = (await lab.until(EVENTS, lambda found: _reasons(found) >= {"Completed"} and found)).values()
    assert {"SuccessfulCreate", "Completed"} <= {event["reason"] for event in events}


async def test_a_finished_job_is_deleted_with_its_pods_after_its_ttl(lab: Lab) -> None:
    await lab.client.create(JOBS, work(ttlSecondsAfterFinished=0))
    (pod,) = await lab.pods(1)
    await lab.set_phase(pod, "Succeeded")
    await lab.gone(JOBS, "work")
    await lab.gone(PODS, pod["metadata"]["name"])


async def test_orphaned_pods_are_let_go_of(lab: Lab) -> None:
    await lab.client.create(JOBS, work())
    await lab.pods(1)
    await lab.client.delete(JOBS, "work", "default", propagation="Orphan")
    await lab.gone(JOBS, "work")

    def free(pods: dict[str, Object]) -> Object | None:
        (pod,) = pods.values()
        meta = pod["metadata"]
        return pod if "ownerReferences" not in meta and "finalizers" not in meta else None

    assert (await lab.until(PODS, free))["status"]["phase"] == "Pending"


async def test_a_job_of_the_same_name_does_not_take_over_the_old_ones_pods(lab: Lab) -> None:
    await lab.client.create(JOBS, work())
    (old,) = await lab.pods(1)
    await lab.set_phase(old, "Running")
    await lab.client.delete(JOBS, "work", "default", propagation="Background")
    await lab.gone(JOBS, "work")
    await lab.client.create(JOBS, work())
    await lab.gone(PODS, old["metadata"]["name"])
    (new,) = await lab.pods(1)
    assert new["metadata"]["name"] != old["metadata"]["name"]


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
async def test_a_deleted_job_takes_its_pods_with_it(lab: Lab, propagation: Any) -> None:
    await lab.client.create(JOBS, work(parallelism=3, completions=3))
    for pod in await lab.pods(3):
        await lab.set_phase(pod, "Running")
    await lab.client.delete(JOBS, "work", "default", propagation=propagation)
    await lab.gone(JOBS, "work")
    await lab.until(PODS, lambda pods: not pods)


async def test_pods_that_ended_while_the_control_plane_was_dead_are_counted(lab: Lab) -> None:
    await lab.client.create(JOBS, work(parallelism=3, completions=3, backoffLimit=0))
    pods = await lab.pods(3)
    await lab.stop_controllers()
    await lab.set_phase(pods[0], "Succeeded")
    await lab.set_phase(pods[1], "Failed")
    await lab.set_phase(pods[2], "Succeeded")
    await lab.start_controllers()
    await lab.condition(JOBS, "work", "Failed")
    done = await lab.client.get(JOBS, "work", "default")
    assert (done["status"]["succeeded"], done["status"]["failed"]) == (2, 1)


async def test_a_pod_that_cannot_be_created_is_told_of(lab: Lab) -> None:
    body = work()
    body["spec"]["template"]["spec"]["priorityClassName"] = "absent"
    await lab.client.create(JOBS, body)
    events = await lab.until(EVENTS, lambda found: _reasons(found) >= {"FailedCreate"} and found)
    (message,) = {event["message"] for event in events.values() if event["reason"] == "FailedCreate"}
    assert message.startswith("Error creating: pods ")
    assert "no PriorityClass with name absent was found" in message


async def test_a_job_managed_by_somebody_else_is_left_alone(lab: Lab) -> None:
    await lab.client.create(JOBS, work("theirs", managedBy="kueue.x-k8s.io/multikueue"))
    await lab.client.create(JOBS, work("ours"))
    (pod,) = await lab.pods(1)
    assert pod["metadata"]["labels"]["job-name"] == "ours"


async def test_pods_are_not_created_twice_while_the_watch_stands_still(lab: Lab) -> None:
    await lab.stop_controllers()
    held = HeldWatches(lab.server.client("system:informers").transport)
    await lab.start_controllers(held)
    await lab.client.create(JOBS, work(parallelism=2, completions=2))
    await lab.pods(2)
    await lab.until(JOBS, lambda jobs: jobs["work"]["status"].get("active") == 2)
    await lab.client.patch(JOBS, "work", {"spec": {"parallelism": 1}}, "default")
    await lab.until(JOBS, lambda jobs: jobs["work"]["status"].get("active") == 1)
    (pod,) = await lab.pods(1)
    held.open.set()
    await lab.set_phase(pod, "Succeeded")
    await lab.until(JOBS, lambda jobs: jobs["work"]["status"].get("succeeded") == 1)
    assert len(await lab.pods(1)) == 1


def _reasons(events: dict[str, Object]) -> set[str]:
    return {event["reason"] for event in events.values()}
