from kubelab.client import CONFIG_MAPS, PODS, RESOURCE_QUOTAS, Object
from tests.unit.engine.controllers.lab import Lab


def used(quotas: dict[str, Object], name: str = "q") -> Object:
    found: Object = (quotas.get(name, {}).get("status") or {}).get("used") or {}
    return found


async def test_a_quotas_status_follows_what_is_there(lab: Lab) -> None:
    quota: Object = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}}
    quota["spec"] = {"hard": {"pods": "3", "requests.memory": "1Gi", "count/configmaps": "9"}}
    await lab.client.create(RESOURCE_QUOTAS, quota, "default")
    container = {"name": "c", "image": "i", "resources": {"requests": {"memory": "384Mi"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    await lab.client.create(PODS, pod, "default")
    await lab.until(RESOURCE_QUOTAS, lambda quotas: used(quotas).get("requests.memory") == "384Mi")
    there = len((await lab.client.list(CONFIG_MAPS, "default")).items)
    status = await lab.until(RESOURCE_QUOTAS, lambda quotas: quotas["q"]["status"])
    assert status["hard"] == quota["spec"]["hard"]
    assert status["used"] == {"pods": "1", "requests.memory": "384Mi", "count/configmaps": str(there)}
    await lab.client.delete(PODS, "p", "default")
    await lab.until(RESOURCE_QUOTAS, lambda quotas: used(quotas).get("pods") == "0")
