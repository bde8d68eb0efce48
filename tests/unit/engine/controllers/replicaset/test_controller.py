from kubelab.client import EVENTS, PODS, REPLICA_SETS, Object
from tests.unit.engine.controllers.lab import HeldWatches, Lab
from tests.unit.engine.controllers.workloads import workload


def body(replicas: int = 2) -> Object:
    made = workload("ReplicaSet", replicas=replicas)
    return {**made, "metadata": {"name": "web", "namespace": "default"}}


async def test_pods_are_created_counted_and_deleted(lab: Lab) -> None:
    await lab.client.create(REPLICA_SETS, body(2))
    for pod in await lab.pods(2):
        await lab.set_phase(pod, "Running")
    await lab.until(REPLICA_SETS, lambda sets: sets["web"]["status"].get("availableReplicas") == 2)
    await lab.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": 1}}, "default")
    await lab.until(PODS, lambda pods: len(pods) == 1)
    await lab.until(REPLICA_SETS, lambda sets: sets["web"]["status"].get("replicas") == 1)
    events = await lab.until(EVENTS, lambda found: len(found) >= 3 and found)
    assert {each["reason"] for each in events.values()} == {"SuccessfulCreate", "SuccessfulDelete"}


async def test_a_relabelled_pod_is_released_and_replaced(lab: Lab) -> None:
    await lab.client.create(REPLICA_SETS, body(1))
    (pod,) = await lab.pods(1)
    name = pod["metadata"]["name"]
    await lab.client.patch(PODS, name, {"metadata": {"labels": {"app": "else"}}}, "default")
    await lab.pods(2)
    released = await lab.until(
        PODS, lambda pods: pods[name]["metadata"].get("ownerReferences") is None and pods
    )
    assert len(released) == 2
    await lab.client.patch(PODS, name, {"metadata": {"labels": {"app": "web"}}}, "default")
    await lab.pods(1)


async def test_what_cannot_be_created_is_a_condition_until_it_can(lab: Lab) -> None:
    made = body(1)
    made["spec"]["template"]["spec"]["priorityClassName"] = "absent"
    await lab.client.create(REPLICA_SETS, made)
    failure = await lab.condition(REPLICA_SETS, "web", "ReplicaFailure")
    assert failure["reason"] == "FailedCreate"
    assert "no PriorityClass with name absent was found" in failure["message"]
    await lab.client.patch(
        REPLICA_SETS, "web", {"spec": {"template": {"spec": {"priorityClassName": None}}}}, "default"
    )
    await lab.pods(1)
    await lab.until(REPLICA_SETS, lambda sets: not sets["web"]["status"].get("conditions"))


async def test_pods_are_not_created_twice_while_the_watch_stands_still(lab: Lab) -> None:
    await lab.stop_controllers()
    held = HeldWatches(lab.server.client("system:informers").transport)
    await lab.start_controllers(held)
    await lab.client.create(REPLICA_SETS, body(3))
    await lab.pods(3)
    await lab.client.patch(REPLICA_SETS, "web", {"spec": {"replicas": 1}}, "default")
    await lab.until(REPLICA_SETS, lambda sets: sets["web"]["status"].get("replicas") == 1)
    held.open.set()
    assert len(await lab.pods(1)) == 1


async def test_a_set_of_the_same_name_does_not_take_over_the_old_ones_pods(lab: Lab) -> None:
    await lab.client.create(REPLICA_SETS, body(1))
    (old,) = await lab.pods(1)
    await lab.set_phase(old, "Running")
    await lab.client.delete(REPLICA_SETS, "web", "default", propagation="Background")
    await lab.gone(REPLICA_SETS, "web")
    await lab.client.create(REPLICA_SETS, body(1))
    await lab.gone(PODS, old["metadata"]["name"])
    (new,) = await lab.pods(1)
    assert new["metadata"]["name"] != old["metadata"]["name"]
