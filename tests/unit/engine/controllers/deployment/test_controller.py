from kubelab.client import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS, Object
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.workloads import deployment


def body(replicas: int = 2) -> Object:
    return {**deployment(replicas), "metadata": {"name": "web", "namespace": "default"}}


async def _run(lab: Lab, number: int) -> list[Object]:
    pods = await lab.pods(number)
    for pod in pods:
        await lab.set_phase(pod, "Running")
    return pods


async def test_a_deployment_rolls_from_one_replica_set_to_the_next(lab: Lab) -> None:
    await lab.client.create(DEPLOYMENTS, body(1))
    (first,) = await _run(lab, 1)
    await lab.condition(DEPLOYMENTS, "web", "Available")
    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}}}
    await lab.client.patch(DEPLOYMENTS, "web", image, "default")
    await _run(lab, 2)
    await lab.gone(PODS, first["metadata"]["name"])
    made = await lab.until(
        DEPLOYMENTS, lambda found: found["web"]["status"].get("updatedReplicas") == 1 and found["web"]
    )
    assert made["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    events = await lab.until(EVENTS, lambda found: len(_scalings(found)) >= 3 and found)
    assert sum("Scaled up" in each for each in _scalings(events)) == 2


async def test_a_name_that_is_taken_is_avoided(lab: Lab) -> None:
    await lab.client.create(DEPLOYMENTS, body(1))
    taken = await lab.until(REPLICA_SETS, lambda found: next(iter(found.values()), None))
    await lab.client.delete(DEPLOYMENTS, "web", "default", propagation="Foreground")
    await lab.gone(DEPLOYMENTS, "web")
    meta = {"name": taken["metadata"]["name"], "namespace": "default"}
    foreign = {**taken, "metadata": meta, "spec": {**taken["spec"], "replicas": 0}}
    foreign["spec"]["selector"] = {"matchLabels": {"other": "one"}}
    foreign["spec"]["template"]["metadata"]["labels"] = {"other": "one"}
    await lab.client.create(REPLICA_SETS, foreign)
    await lab.client.create(DEPLOYMENTS, body(1))
    await lab.until(DEPLOYMENTS, lambda found: found["web"]["status"].get("collisionCount") == 1)
    await lab.pods(1)


async def test_orphaned_replica_sets_are_adopted(lab: Lab) -> None:
    await lab.client.create(DEPLOYMENTS, body(1))
    (pod,) = await _run(lab, 1)
    await lab.client.delete(DEPLOYMENTS, "web", "default", propagation="Orphan")
    await lab.gone(DEPLOYMENTS, "web")
    await lab.client.create(DEPLOYMENTS, body(1))
    await lab.condition(DEPLOYMENTS, "web", "Available")
    (kept,) = await lab.pods(1)
    assert kept["metadata"]["name"] == pod["metadata"]["name"]


def _scalings(events: dict[str, Object]) -> list[str]:
    return [each["message"] for each in events.values() if each["reason"] == "ScalingReplicaSet"]


async def test_a_rollout_goes_on_after_the_control_plane_was_dead(lab: Lab) -> None:
    await lab.client.create(DEPLOYMENTS, body(1))
    (old,) = await _run(lab, 1)
    await lab.condition(DEPLOYMENTS, "web", "Available")
    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}}}
    await lab.client.patch(DEPLOYMENTS, "web", image, "default")
    await lab.pods(2)
    await lab.stop_controllers()
    await _run(lab, 2)
    await lab.start_controllers()
    await lab.gone(PODS, old["metadata"]["name"])
    await lab.until(
        REPLICA_SETS, lambda found: sorted(each["spec"]["replicas"] for each in found.values()) == [0, 1]
    )
    assert len(await lab.pods(1)) == 1


def _sizes(replica_sets: dict[str, Object]) -> list[int]:
    return sorted(each["spec"]["replicas"] for each in replica_sets.values())
