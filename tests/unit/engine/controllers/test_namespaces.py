import pytest

from kubelab.client import CONFIG_MAPS, NAMESPACES, PODS, SERVICE_ACCOUNTS, Object
from kubelab.errors import ApiError
from tests.unit.engine.controllers.lab import Lab


def namespace(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def test_a_namespace_gets_an_account_and_the_servers_certificate(lab: Lab) -> None:
    await lab.until(SERVICE_ACCOUNTS, lambda accounts: "default" in accounts)
    found = await lab.until(CONFIG_MAPS, lambda maps: maps.get("kube-root-ca.crt"))
    assert found["data"] == {"ca.crt": "CERTIFICATE"}


async def test_a_deleted_account_comes_back(lab: Lab) -> None:
    first = await lab.until(SERVICE_ACCOUNTS, lambda accounts: accounts.get("default"))
    await lab.client.delete(SERVICE_ACCOUNTS, "default", "default")

    def again(accounts: dict[str, Object]) -> bool:
        uid = accounts.get("default", {}).get("metadata", {}).get("uid")
        return uid not in (None, first["metadata"]["uid"])

    await lab.until(SERVICE_ACCOUNTS, again)


async def test_a_deleted_namespace_is_emptied_and_goes(lab: Lab) -> None:
    await lab.client.create(NAMESPACES, namespace("team"))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "main", "namespace": "team"},
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    }
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": "team", "finalizers": ["test.kubelab.dev/hold"]},
    }
    await lab.client.create(PODS, pod)
    await lab.client.create(CONFIG_MAPS, held)
    await lab.client.delete(NAMESPACES, "team")
    ending = await lab.condition(NAMESPACES, "team", "NamespaceContentRemaining")
    assert ending["reason"] == "SomeResourcesRemain"
    assert "configmaps has 1 resource instances" in ending["message"]
    with pytest.raises(ApiError, match="being terminated"):
        await lab.client.create(PODS, {**pod, "metadata": {"name": "late", "namespace": "team"}})
    await lab.client.patch(CONFIG_MAPS, "held", {"metadata": {"finalizers": None}}, "team")
    await lab.gone(NAMESPACES, "team")
    assert (await lab.client.list(PODS, "team")).items == []
