"""Patch requests: which patch a Content-Type means, and what becomes of the object."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from kubelab.client import CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, PODS, Client, Object
from kubelab.errors import ApiError, ConflictError, InvalidError, NotFoundError
from tests.unit.engine.apiserver.conftest import FOOS, config_map, foo_definition, pod

PATH = "/api/v1/namespaces/default/configmaps/a"


async def patch(client: Client, path: str, media: str, body: Any, **query: str) -> tuple[int, Object]:
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    answer = await client.transport.request("PATCH", path, query, data, media)
    document: Object = orjson.loads(answer.body)
    if answer.status >= 400:
        raise ApiError.of(document)
    return answer.status, document


async def test_each_type_of_patch_changes_the_object(client: Client) -> None:
    await client.create(PODS, pod(), "default")
    merged = await client.patch(PODS, "web", {"metadata": {"labels": {"a": "1"}}}, "default")
    assert merged["metadata"]["labels"] == {"a": "1"}
    operations = [{"op": "add", "path": "/metadata/labels/b", "value": "2"}]
    changed = await client.patch(PODS, "web", operations, "default", type="json")
    assert changed["metadata"]["labels"] == {"a": "1", "b": "2"}
    containers = {"spec": {"containers": [{"name": "main", "image": "alpine"}]}}
    changed = await client.patch(PODS, "web", containers, "default", type="strategic")
    assert [each["image"] for each in changed["spec"]["containers"]] == ["alpine"]
    assert changed["spec"]["containers"][0]["terminationMessagePath"] == "/dev/termination-log"


async def test_a_patch_of_what_does_not_exist_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match='configmaps "a" not found'):
        await client.patch(CONFIG_MAPS, "a", {}, "default")


async def test_a_patch_may_require_a_version(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a"), "default")
    version = created["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "data": {"x": "y"}}
    await client.patch(CONFIG_MAPS, "a", body, "default")
    with pytest.raises(ConflictError, match="the object has been modified"):
        await client.patch(CONFIG_MAPS, "a", {**body, "data": {"x": "z"}}, "default")


async def test_a_patch_may_not_rename(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(
        ApiError, match=r"the name of the object \(b\) does not match the name on the URL \(a\)"
    ):
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"name": "b"}}, "default")


async def test_an_unknown_type_is_refused(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(ApiError, match="415: Unsupported Media Type") as refused:
        await patch(client, PATH, "text/plain", {})
    assert refused.value.code == 415
    with pytest.raises(ApiError, match="Unsupported Media Type"):  # before the object is looked for
        await patch(client, f"{PATH}-missing", "text/plain", {})


async def test_custom_objects_have_no_strategic_merge(client: Client) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    foo = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": {}}
    await client.create(FOOS, foo, "default")
    with pytest.raises(ApiError, match="in an unknown format") as refused:
        await client.patch(FOOS, "a", {}, "default", type="strategic")
    assert refused.value.code == 415
    assert "strategic" not in refused.value.message


async def test_an_apply_creates_then_changes_then_leaves_alone(client: Client) -> None:
    applied = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1'}\n"
    media = "application/apply-patch+yaml"
    status, created = await patch(client, PATH, media, applied, fieldManager="me")
    assert status == 201
    assert created["metadata"]["managedFields"][0]["manager"] == "me"
    status, changed = await patch(client, PATH, media, applied.replace(b"'1'", b"'2'"), fieldManager="me")
    assert (status, changed["data"]) == (200, {"x": "2"})
    _, same = await patch(client, PATH, media, applied.replace(b"'1'", b"'2'"), fieldManager="me")
    assert same == changed


async def test_an_apply_meets_another_manager(client: Client) -> None:
    applied = {**config_map("a"), "data": {"x": "1"}}
    await client.patch(CONFIG_MAPS, "a", applied, "default", type="apply")
    other = {**applied, "data": {"x": "2"}}
    media = "application/apply-patch+yaml"
    with pytest.raises(
        ConflictError, match=r"Apply failed with 1 conflict: conflict with .*: \.data\.x"
    ) as refused:
        await patch(client, PATH, media, other, fieldManager="other")
    assert refused.value.causes[0]["reason"] == "FieldManagerConflict"
    _, forced = await patch(client, PATH, media, other, fieldManager="other", force="true")
    assert forced["data"] == {"x": "2"}


async def test_a_plain_write_is_recorded_once_fields_are_managed(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a"), "default")
    assert "managedFields" not in created["metadata"]
    await client.patch(CONFIG_MAPS, "a", {**config_map("a"), "data": {"a": "b"}}, "default", type="apply")
    _, changed = await patch(
        client, PATH, "application/merge-patch+json", {"data": {"new": "1"}}, fieldManager="hand"
    )
    managers = {entry["manager"] for entry in changed["metadata"]["managedFields"]}
    assert "hand" in managers


async def test_options_that_do_not_belong_are_refused(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(InvalidError, match="fieldManager: Required value: is required for apply patch"):
        await patch(client, PATH, "application/apply-patch+yaml", config_map("a"))
    with pytest.raises(InvalidError, match="force: Forbidden: may not be specified for non-apply patch"):
        await patch(client, PATH, "application/merge-patch+json", {}, force="true")


async def test_a_dry_run_changes_nothing(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map("a"), "default")
    _, shown = await patch(client, PATH, "application/merge-patch+json", {"data": {"x": "y"}}, dryRun="All")
    assert shown["data"] == {"a": "b", "x": "y"}
    assert await client.get(CONFIG_MAPS, "a", "default") == created


async def test_concurrent_patches_are_all_kept(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    patches = (client.patch(CONFIG_MAPS, "a", {"data": {f"k{each}": "v"}}, "default") for each in range(50))
    await asyncio.gather(*patches)
    assert len((await client.get(CONFIG_MAPS, "a", "default"))["data"]) == 51
