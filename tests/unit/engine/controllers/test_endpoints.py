from kubelab.client import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES, Object
from kubelab.engine.controllers.addresses import build_endpoints
from kubelab.objects import selects
from tests.unit.engine.controllers.lab import Lab


def service(**spec: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "uid": "service"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}], **spec},
    }


def pod(name: str, *, ip: str = "127.1.0.1", ready: bool = True, **spec: object) -> Object:
    container = {"name": "main", "image": "busybox", "ports": [{"name": "http", "containerPort": 8080}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": name, "labels": {"app": "web"}},
        "spec": {"containers": [container], "nodeName": "node", **spec},
        "status": {
            "phase": "Running",
            "podIP": ip,
            "conditions": [{"type": "Ready", "status": str(ready)}],
        },
    }


def test_a_service_without_a_selector_selects_nothing() -> None:
    assert not selects({"spec": {}}, pod("a"))
    assert selects(service(), pod("a"))


def test_only_ready_pods_are_addresses() -> None:
    (subset,) = build_endpoints(service(), [pod("b", ready=False, ip="127.1.0.2"), pod("a")])["subsets"]
    assert [each["ip"] for each in subset["addresses"]] == ["127.1.0.1"]
    assert [each["ip"] for each in subset["notReadyAddresses"]] == ["127.1.0.2"]
    assert subset["ports"] == [{"port": 8080, "protocol": "TCP"}]


def test_pods_without_an_address_or_ended_are_left_out() -> None:
    ended = pod("a")
    ended["status"]["phase"] = "Succeeded"
    assert "subsets" not in build_endpoints(service(), [ended, pod("b", ip="")])


async def test_addresses_follow_the_pods(lab: Lab) -> None:
    body = service()
    del body["metadata"]["uid"]
    await lab.client.create(SERVICES, body)
    created = pod("a")
    created["metadata"] = {"name": "a", "namespace": "default", "labels": {"app": "web"}}
    del created["spec"]["nodeName"]
    made = await lab.client.create(PODS, created)
    await lab.set_phase(made, "Running")
    slices = await lab.until(
        ENDPOINT_SLICES,
        lambda found: next((each for each in found.values() if each.get("endpoints")), None),
    )
    assert slices["endpoints"][0]["addresses"] == ["127.1.0.1"]
    await lab.until(ENDPOINTS, lambda found: (found.get("web") or {}).get("subsets"))
    await lab.client.delete(PODS, "a", "default", grace_period_seconds=0)
    await lab.until(ENDPOINTS, lambda found: not found["web"].get("subsets"))
    await lab.client.delete(SERVICES, "web", "default")
    await lab.gone(ENDPOINTS, "web")
    await lab.gone(ENDPOINT_SLICES, slices["metadata"]["name"])
