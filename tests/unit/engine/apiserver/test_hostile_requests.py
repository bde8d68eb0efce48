"""Requests of wrong shapes, too large or made to hold up the server: each is refused by a Status."""

from __future__ import annotations

import gzip
from typing import Any
from urllib.parse import quote

import aiohttp
import orjson
import pytest
from yarl import URL

from kubelab.http import Kubeconfig
from tests.unit.engine.apiserver.conftest import config_map, foo_definition, pod

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


async def send(
    kubeconfig: Kubeconfig,
    method: str,
    path: str,
    body: Any = None,
    media: str = "application/json",
    **headers: str,
) -> tuple[int, Any]:
    data = body if isinstance(body, bytes | None) else orjson.dumps(body)
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method,
            URL(kubeconfig.server + path, encoded=True),
            data=data,
            ssl=kubeconfig.ssl_context(),
            headers={"Authorization": "Bearer secret", "Content-Type": media, **headers},
        ) as answer,
    ):
        said = orjson.loads(await answer.read())
        if answer.status >= 400:
            assert (said["kind"], said["code"]) == ("Status", answer.status)
        return answer.status, said


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": "a"}),
        ("/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": {}}}),
        ("/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": 1}),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {"resourceAttributes": []}}),
        ("/api/v1/namespaces/default/bindings", {"metadata": [], "target": "a"}),
        (f"{PODS}/a/binding", {"metadata": {"name": "a"}, "target": ["a"]}),
        (f"{PODS}/a/binding", {"kind": [1], "apiVersion": 1}),
        (f"{PODS}/a/eviction", {"deleteOptions": "a"}),
        (f"{PODS}/a/eviction", {"kind": "Eviction", "apiVersion": ["policy/v1"]}),
    ],
)
async def test_a_review_or_subresource_of_wrong_types_is_refused(
    kubeconfig: Kubeconfig, path: str, body: Any
) -> None:
    await send(kubeconfig, "POST", PODS, pod("a"))
    code, said = await send(kubeconfig, "POST", path, body)
    assert (code, said["reason"]) == (400, "BadRequest")
    assert "cannot be handled as a" in said["message"]


@pytest.mark.parametrize(
    "options",
    [
        {"preconditions": ["a"]},
        {"propagationPolicy": []},
        {"dryRun": 1},
        {"gracePeriodSeconds": "1"},
        {"kind": []},
        [],
    ],
)
async def test_delete_options_of_wrong_types_are_refused(kubeconfig: Kubeconfig, options: Any) -> None:
    await send(kubeconfig, "POST", MAPS, config_map("a"))
    assert (await send(kubeconfig, "DELETE", f"{MAPS}/a", options))[0] == 400
    assert (await send(kubeconfig, "GET", f"{MAPS}/a"))[0] == 200


async def test_a_grace_period_without_end_is_bounded(kubeconfig: Kubeconfig) -> None:
    body = pod("a")
    body["spec"]["nodeName"] = "n"
    await send(kubeconfig, "POST", PODS, body)
    code, said = await send(kubeconfig, "DELETE", f"{PODS}/a", {"gracePeriodSeconds": 2**62})
    assert (code, said["metadata"]["deletionGracePeriodSeconds"]) == (200, 2**31 - 1)


@pytest.mark.parametrize(
    "query",
    [
        "resourceVersion=" + "9" * 5000,
        "resourceVersion=18446744073709551616",
        "resourceVersion=%D9%A3",
        "limit=" + "9" * 5000,
        "limit=9223372036854775808",
        "timeoutSeconds=1&watch=true&resourceVersion=1&timeoutSeconds=" + "9" * 400,
        "continue=eyJydiI6MWUzMDgsInN0YXJ0IjoiYSJ9&limit=1",
        "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6dHJ1ZSwic3RhcnQiOiJhL2EifQ",  # "rv":true
        "labelSelector=a%3E" + "9" * 5000,
        "labelSelector=a%20in%20(" + "%20" * 20_000,
        "fieldSelector=x" + "%20" * 20_000,
    ],
)
async def test_numbers_and_selectors_out_of_bounds_are_refused(kubeconfig: Kubeconfig, query: str) -> None:
    assert (await send(kubeconfig, "GET", f"{MAPS}?{query}"))[0] == 400


async def test_a_copy_bomb_is_refused_before_it_grows(kubeconfig: Kubeconfig) -> None:
    await send(kubeconfig, "POST", MAPS, {**config_map("a"), "data": {"a": "x" * 1000}})
    bomb = [{"op": "copy", "from": "", "path": f"/x{number}"} for number in range(40)]
    code, said = await send(kubeconfig, "PATCH", f"{MAPS}/a", bomb, JSON_PATCH)
    assert code == 422
    assert "accumulated size increase of copy" in said["details"]["causes"][0]["message"]


async def test_moves_copy_nothing(kubeconfig: Kubeconfig) -> None:
    await send(kubeconfig, "POST", MAPS, {**config_map("a"), "data": {"a": "x" * 400_000}})
    there_and_back = [
        {"op": "move", "from": "/data", "path": "/x"},
        {"op": "move", "from": "/x", "path": "/data"},
    ]
    code, said = await send(kubeconfig, "PATCH", f"{MAPS}/a", there_and_back * 5000, JSON_PATCH)
    assert (code, len(said["data"]["a"])) == (200, 400_000)


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"$retainKeys": [[1], {}], "labels": {}}},
        {"metadata": {"$retainKeys": "a"}},
        {"metadata": {"finalizers": ["a.b/c", {"a": 1}]}},
        {"metadata": {"$deleteFromPrimitiveList/finalizers": 1}},
        {"spec": {"$setElementOrder/containers": "a"}},
        {"spec": {"containers": [1]}},
        {"spec": {"containers": "a"}},
        [],
    ],
)
async def test_strategic_patches_of_wrong_types_are_refused(kubeconfig: Kubeconfig, patch: Any) -> None:
    await send(kubeconfig, "POST", PODS, pod("a", finalizers=["a.b/c"]))
    assert (await send(kubeconfig, "PATCH", f"{PODS}/a", patch, STRATEGIC))[0] in {400, 422}


async def test_nulls_in_lists_are_zero_values(kubeconfig: Kubeconfig) -> None:
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "a"}
    body = {"metadata": {"name": "a"}, "roleRef": role, "subjects": [None]}
    code, said = await send(kubeconfig, "POST", path, body)
    assert (code, said["reason"]) == (422, "Invalid")


@pytest.mark.parametrize(
    "body",
    [
        b'{"metadata":{"name":"\\ud800"}}',
        b'{"metadata":{"name":"a\\u0000b"}}',
        b'{"metadata":{"name":"\xff"}}',
        b'{"metadata":{"name":"a","generation":' + b"9" * 5000 + b"}}",
        b'{"metadata":{"name":"a","generation":1e999}}',
    ],
)
async def test_odd_text_and_numbers_are_refused(kubeconfig: Kubeconfig, body: bytes) -> None:
    assert (await send(kubeconfig, "POST", MAPS, body))[0] in {400, 422}


@pytest.mark.parametrize("name", ["a%2fb", "%00", "%2e%2e%2f", "%ff", "..", "a%0d%0ab"])
async def test_odd_names_in_paths_are_not_found(kubeconfig: Kubeconfig, name: str) -> None:
    assert (await send(kubeconfig, "GET", f"{MAPS}/{name}"))[0] in {404, 405}


async def test_a_compressed_body_is_refused(kubeconfig: Kubeconfig) -> None:
    bomb = gzip.compress(orjson.dumps(config_map("a")))
    assert (await send(kubeconfig, "POST", MAPS, bomb, **{"Content-Encoding": "gzip"}))[0] == 400


async def test_of_duplicate_keys_the_last_holds_unless_they_are_refused(kubeconfig: Kubeconfig) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"a":"1","a":"2"}}'
    assert (await send(kubeconfig, "POST", f"{MAPS}?fieldValidation=Strict", body))[0] == 400
    assert (await send(kubeconfig, "POST", MAPS, body))[1]["data"] == {"a": "2"}


async def test_ten_thousand_labels_are_kept_and_selected(kubeconfig: Kubeconfig) -> None:
    labels = {f"k{number}": "v" for number in range(10_000)}
    assert (await send(kubeconfig, "POST", MAPS, config_map("a", labels=labels)))[0] == 201
    code, said = await send(kubeconfig, "GET", f"{MAPS}?labelSelector={quote('k9999=v')}")
    assert (code, len(said["items"])) == (200, 1)


async def test_a_printer_column_of_odd_indices_prints_nothing(kubeconfig: Kubeconfig) -> None:
    from kubelab.engine.apiserver.jsonpath import find

    assert find({"a": [1, 2]}, f".a[{'9' * 5000}]") == []
    assert find({"a": [1, 2]}, ".a[0:2:0]") == [1, 2]


@pytest.mark.parametrize(
    "items",
    [
        {"type": "object", "properties": {"key": []}},
        {"type": "object", "x-kubernetes-validations": [{"rule": {}}]},
        {"type": 1},
        {"items": {"properties": "a"}},
    ],
)
@pytest.mark.parametrize("where", ["items", "additionalProperties"])
async def test_a_schema_of_wrong_types_within_a_definition_is_refused(
    kubeconfig: Kubeconfig, items: Any, where: str
) -> None:
    body = foo_definition()
    schema = body["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    schema["properties"]["inner"] = {"type": "array" if where == "items" else "object", where: items}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    code, said = await send(kubeconfig, "POST", path, body)
    assert code == 400
    assert "cannot unmarshal" in said["message"]
