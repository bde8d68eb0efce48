import pytest

from kubelab.client import BUDGETS, PODS, Object, Resource
from kubelab.errors import ApiError
from tests.unit.engine.controllers.lab import Lab

STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")


def pod(name: str, **metadata: object) -> Object:
    meta = {"name": name, "namespace": "default", "labels": {"app": "db"}, **metadata}
    spec = {"containers": [{"name": "c", "image": "i"}], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


async def make_budget(lab: Lab, **spec: object) -> None:
    head = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}}
    selector = {"matchLabels": {"app": "db"}}
    await lab.client.create(BUDGETS, {**head, "spec": {"selector": selector, **spec}}, "default")


async def evict(lab: Lab, name: str) -> None:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "default"}}
    await lab.client.create(PODS, body, "default", subresource_of=name, subresource="eviction")


async def allowed(lab: Lab, number: int) -> None:
    await lab.until(
        BUDGETS, lambda found: found.get("b", {}).get("status", {}).get("disruptionsAllowed") == number
    )


async def test_evictions_spend_a_budget_until_pods_are_ready_again(lab: Lab) -> None:
    await make_budget(lab, minAvailable=1)
    for name in ("a", "b"):
        await lab.set_phase(await lab.client.create(PODS, pod(name)), "Running")
    await allowed(lab, 1)
    await evict(lab, "a")
    with pytest.raises(ApiError) as refused:
        await evict(lab, "b")
    assert refused.value.code == 429
    await allowed(lab, 0)
    await lab.gone(PODS, "a")
    await lab.set_phase(await lab.client.create(PODS, pod("c")), "Running")
    await allowed(lab, 1)
    await evict(lab, "b")


async def test_a_share_of_a_stateful_set_is_found_by_its_scale(lab: Lab) -> None:
    template = {"metadata": {"labels": {"app": "db"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 4, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}}}
    head = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"}}
    owner = await lab.client.create(
        STATEFUL_SETS, {**head, "spec": {**spec, "template": template}}, "default"
    )
    reference = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "controller": True}
    owned = pod("own", ownerReferences=[{**reference, "uid": owner["metadata"]["uid"]}])
    await lab.set_phase(await lab.client.create(PODS, owned), "Running")
    await make_budget(lab, maxUnavailable="50%")
    await lab.until(BUDGETS, lambda found: found.get("b", {}).get("status", {}).get("expectedPods") == 4)


async def test_a_controller_without_a_scale_fails_the_budget(lab: Lab) -> None:
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": "1", "controller": True}
    await lab.client.create(PODS, pod("own", ownerReferences=[reference]))
    await make_budget(lab, maxUnavailable=1)

    def failed(found: dict[str, Object]) -> Object | None:
        conditions = found.get("b", {}).get("status", {}).get("conditions") or [{}]
        return conditions[0] if conditions[0].get("reason") == "SyncFailed" else None

    condition = await lab.until(BUDGETS, failed)
    assert condition["message"] == "jobs.batch does not implement the scale subresource"
