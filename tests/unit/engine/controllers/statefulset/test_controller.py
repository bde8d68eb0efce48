from kubelab.client import CONTROLLER_REVISIONS, EVENTS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS, Object
from tests.unit.engine.controllers.lab import Lab
from tests.unit.engine.controllers.statefulset.world import stateful_set


def body(replicas: int = 2, **spec: object) -> Object:
    template = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    made = stateful_set(replicas, volumeClaimTemplates=[template], **spec)  # type: ignore[arg-type]
    return {**made, "metadata": {"name": "web", "namespace": "default"}}


async def _run(lab: Lab, name: str) -> Object:
    pod: Object = await lab.until(PODS, lambda pods: pods.get(name))
    await lab.set_phase(pod, "Running")
    return pod


async def test_pods_come_in_order_with_their_claims(lab: Lab) -> None:
    await lab.client.create(STATEFUL_SETS, body(2))
    await _run(lab, "web-0")
    await _run(lab, "web-1")
    await lab.until(STATEFUL_SETS, lambda sets: sets["web"]["status"].get("readyReplicas") == 2)
    claims = await lab.until(PERSISTENT_VOLUME_CLAIMS, lambda found: len(found) == 2 and found)
    assert sorted(claims) == ["data-web-0", "data-web-1"]
    (revision,) = (await lab.client.list(CONTROLLER_REVISIONS, "default")).items
    assert "controller.kubernetes.io/hash" in revision["metadata"]["labels"]
    events = await lab.until(EVENTS, lambda found: len(found) >= 4 and found)
    messages = {event["message"] for event in events.values()}
    assert "Create Pod web-0 in StatefulSet web successful" in messages
    assert "Create Claim data-web-0 Pod web-0 in StatefulSet web success" in messages


async def test_claims_go_with_a_pod_that_is_scaled_away_and_come_back_with_it(lab: Lab) -> None:
    policy = {"whenScaled": "Delete", "whenDeleted": "Retain"}
    await lab.client.create(STATEFUL_SETS, body(2, persistentVolumeClaimRetentionPolicy=policy))
    await _run(lab, "web-0")
    await _run(lab, "web-1")
    await lab.until(STATEFUL_SETS, lambda sets: sets["web"]["status"].get("readyReplicas") == 2)
    await lab.client.patch(STATEFUL_SETS, "web", {"spec": {"replicas": 1}}, "default")
    await lab.gone(PERSISTENT_VOLUME_CLAIMS, "data-web-1")
    await lab.client.patch(STATEFUL_SETS, "web", {"spec": {"replicas": 2}}, "default")
    await _run(lab, "web-1")
    await lab.until(PERSISTENT_VOLUME_CLAIMS, lambda found: "data-web-1" in found)


async def test_claims_go_with_the_set_where_that_is_wanted(lab: Lab) -> None:
    policy = {"whenScaled": "Retain", "whenDeleted": "Delete"}
    await lab.client.create(STATEFUL_SETS, body(1, persistentVolumeClaimRetentionPolicy=policy))
    await _run(lab, "web-0")
    owned = "ownerReferences"
    await lab.until(
        PERSISTENT_VOLUME_CLAIMS, lambda found: found.get("data-web-0", {}).get("metadata", {}).get(owned)
    )
    await lab.client.delete(STATEFUL_SETS, "web", "default", propagation="Background")
    await lab.gone(PERSISTENT_VOLUME_CLAIMS, "data-web-0")
