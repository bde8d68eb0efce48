"""Custom kinds: served as soon as they are defined, cleaned up before they go."""

from __future__ import annotations

import asyncio

import pytest

from kubelab.client import CUSTOM_RESOURCE_DEFINITIONS, Client, Object
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import ApiError, NotFoundError
from tests.unit.engine.apiserver.conftest import FOOS, SetClock, foo_definition


def foo(name: str = "a", **metadata: object) -> Object:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Foo",
        "metadata": {"name": name, "namespace": "default", **metadata},
        "spec": {},
    }


async def until_gone(client: Client) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await client.get(CUSTOM_RESOURCE_DEFINITIONS, "foos.example.com")
            except NotFoundError:
                return
            await asyncio.sleep(0.001)


async def test_a_kind_is_served_once_its_definition_is_answered(client: Client) -> None:
    crd = await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    conditions = {each["type"]: each["status"] for each in crd["status"]["conditions"]}
    assert conditions == {"NamesAccepted": "True", "Established": "True"}
    created = await client.create(FOOS, foo())
    assert created["spec"] == {"replicas": 2}
    assert created["metadata"]["generation"] == 1
    assert (await client.list(FOOS)).items == [created]


async def test_a_changed_schema_holds_at_once(client: Client) -> None:
    crd = await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    schema["properties"]["spec"]["properties"]["colour"] = {"type": "string", "enum": ["red"]}
    await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd)
    with pytest.raises(ApiError, match=r"spec.colour"):
        await client.create(FOOS, {**foo(), "spec": {"colour": "blue"}})


async def test_a_deleted_definition_takes_its_objects_along(client: Client) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    await client.create(FOOS, foo("kept", finalizers=["example.com/x"]))
    await client.create(FOOS, foo("plain"))
    marked = await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "foos.example.com")
    assert {each["type"] for each in marked["status"]["conditions"]} >= {"Terminating"}
    with pytest.raises(ApiError, match="create not allowed while custom resource definition is terminating"):
        await client.create(FOOS, foo("late"))
    await client.patch(FOOS, "kept", {"metadata": {"finalizers": None}}, "default")
    await until_gone(client)
    with pytest.raises(NotFoundError, match="could not find the requested resource"):
        await client.list(FOOS)


async def test_a_clean_up_goes_on_after_a_restart(client: Client, server: ApiServer, clock: SetClock) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    await client.create(FOOS, foo("kept", finalizers=["example.com/x"]))
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "foos.example.com")
    await server.stop()
    again = ApiServer(server.store.path.parent, clock, token="secret")
    await again.start()
    client = again.client("system:test")
    await client.patch(FOOS, "kept", {"metadata": {"finalizers": None}}, "default")
    await until_gone(client)
    await again.stop()


async def test_a_definition_with_a_condition_without_a_type_is_served_on(client: Client) -> None:
    crd = await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    crd["status"]["conditions"].insert(0, {})
    changed = await client.update(CUSTOM_RESOURCE_DEFINITIONS, crd, subresource="status")
    established = [each for each in changed["status"]["conditions"] if each.get("type") == "Established"]
    assert [each["status"] for each in established] == ["True"]
