from kubelab.client import CONTROLLER_REVISIONS, DAEMON_SETS, EVENTS, NODES, PODS, Object
from tests.unit.engine.controllers.daemonset.test_decision import daemon_set
from tests.unit.engine.controllers.lab import Lab


def body() -> Object:
    return {**daemon_set(), "metadata": {"name": "agent", "namespace": "default"}}


async def _add_node(lab: Lab, name: str) -> None:
    await lab.client.create(NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})


async def test_nodes_that_come_and_go_get_and_lose_their_pod(lab: Lab) -> None:
    await _add_node(lab, "node")
    await lab.client.create(DAEMON_SETS, body())
    (pod,) = await lab.pods(1)
    await lab.set_phase(pod, "Running")
    await _add_node(lab, "other")
    await lab.pods(2)
    await lab.until(DAEMON_SETS, lambda found: found["agent"]["status"].get("desiredNumberScheduled") == 2)
    taint = {"key": "gpu", "effect": "NoExecute"}
    await lab.client.patch(NODES, "node", {"spec": {"taints": [taint]}})
    await lab.gone(PODS, pod["metadata"]["name"])
    await lab.pods(1)


async def test_a_failed_pod_is_replaced_and_told_of(lab: Lab) -> None:
    await _add_node(lab, "node")
    await lab.client.create(DAEMON_SETS, body())
    (pod,) = await lab.pods(1)
    await lab.set_phase(pod, "Failed")
    await lab.gone(PODS, pod["metadata"]["name"])
    await lab.pods(1)
    await lab.until(EVENTS, lambda found: any(each["reason"] == "FailedDaemonPod" for each in found.values()))


async def test_a_new_template_is_a_new_revision(lab: Lab) -> None:
    await _add_node(lab, "node")
    await lab.client.create(DAEMON_SETS, body())
    (old,) = await lab.pods(1)
    await lab.set_phase(old, "Running")
    image = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "busybox:2"}]}}}}
    await lab.client.patch(DAEMON_SETS, "agent", image, "default")
    await lab.gone(PODS, old["metadata"]["name"])
    (new,) = await lab.pods(1)
    assert new["spec"]["containers"][0]["image"] == "busybox:2"
    revisions = await lab.until(CONTROLLER_REVISIONS, lambda found: len(found) == 2 and found)
    assert sorted(each["revision"] for each in revisions.values()) == [1, 2]
