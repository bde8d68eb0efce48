from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    PRIORITY_CLASSES,
    SERVICE_ACCOUNTS,
    SERVICES,
    STORAGE_CLASSES,
    Client,
    Resource,
)
from kubelab.clock import RealClock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.bootstrap import MADE_FROM, NAMESPACE_NAMES, bootstrap
from kubelab.engine.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = ApiServer(tmp_path, RealClock(), token="token")
    await server.start()
    yield server.client("system:masters")
    await server.stop()


async def _names(client: Client, resource: Resource) -> set[str]:
    return {item["metadata"]["name"] for item in (await client.list(resource)).items}


async def test_a_new_cluster_has_what_every_cluster_has(client: Client) -> None:
    await bootstrap(client, RealClock())
    assert await _names(client, NAMESPACES) == set(NAMESPACE_NAMES)
    assert "trainjobs.trainer.kubeflow.org" in await _names(client, CUSTOM_RESOURCE_DEFINITIONS)
    assert await _names(client, CLUSTER_TRAINING_RUNTIMES) == {"jax-distributed"}
    assert await _names(client, PRIORITY_CLASSES) == {"system-cluster-critical", "system-node-critical"}
    assert await _names(client, CLUSTER_ROLES) >= {"cluster-admin", "admin", "edit", "view"}
    assert "cluster-admin" in await _names(client, CLUSTER_ROLE_BINDINGS)
    service = await client.get(SERVICES, "kubernetes", "default")
    assert service["spec"]["clusterIP"] == "10.96.0.1"
    public = await client.get(CONFIG_MAPS, "kubeflow-trainer-public", "kubeflow-system")
    assert public["data"] == {"kubeflow_trainer_version": "v2.3.0"}
    assert await _names(client, SERVICE_ACCOUNTS) == {"default"}, "pods made before controllers run as it"
    local = await client.get(STORAGE_CLASSES, "local")
    assert local["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true"


async def test_bootstrapping_again_writes_nothing(client: Client) -> None:
    await bootstrap(client, RealClock())
    before = (await client.list(CLUSTER_TRAINING_RUNTIMES)).resource_version
    await bootstrap(client, RealClock())
    assert (await client.list(CLUSTER_TRAINING_RUNTIMES)).resource_version == before


async def test_what_an_older_version_made_is_renewed_even_where_it_is_immutable(client: Client) -> None:
    await bootstrap(client, RealClock())
    old = await client.get(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    await client.delete(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    old["spec"]["template"]["spec"]["failurePolicy"]["maxRestarts"] = 9
    old["metadata"] = {"name": "jax-distributed", "annotations": {MADE_FROM: "an older version"}}
    await client.create(CLUSTER_TRAINING_RUNTIMES, old)
    await bootstrap(client, RealClock())
    new = await client.get(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    assert new["spec"]["template"]["spec"]["failurePolicy"]["maxRestarts"] == 3


async def test_what_a_user_changed_is_left_alone(client: Client) -> None:
    await bootstrap(client, RealClock())
    not_default = {"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "false"}}}
    await client.patch(STORAGE_CLASSES, "local", not_default)
    await bootstrap(client, RealClock())
    local = await client.get(STORAGE_CLASSES, "local")
    assert local["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "false"
