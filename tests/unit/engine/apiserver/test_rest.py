"""Get, list, create and update as a client sees them, with upstream's refusals."""

from __future__ import annotations

import asyncio
import json

import orjson
import pytest

from kubelab.client import (
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    JOBS,
    LEASES,
    NAMESPACES,
    PODS,
    PRIORITY_CLASSES,
    SECRETS,
    SERVICES,
    Client,
    Object,
)
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ExpiredError,
    InvalidError,
    NotFoundError,
)
from tests.unit.engine.apiserver.conftest import FOOS, SetClock, config_map, foo_definition, pod


async def send_json(client: Client, method: str, path: str, body: Object, **query: str) -> Object:
    answer = await client.transport.request(method, path, query, orjson.dumps(body), "application/json")
    document: Object = orjson.loads(answer.body)
    if answer.status >= 400:
        raise ApiError.of(document)
    return document


async def test_a_created_object_has_what_the_server_owns(client: Client) -> None:
    given = pod(uid="mine", creationTimestamp="2000-01-01T00:00:00Z", generation=9)
    created = await client.create(PODS, given, "default")
    metadata = created["metadata"]
    assert metadata["uid"] != "mine"
    assert metadata["creationTimestamp"] == "2026-01-31T12:00:00Z"
    assert metadata["generation"] == 1
    assert metadata["namespace"] == "default"
    assert created["status"]["phase"] == "Pending"
    assert await client.get(PODS, "web", "default") == created


async def test_generate_name_adds_five_letters(client: Client) -> None:
    given = pod()
    given["metadata"] = {"generateName": "web-"}
    names = {(await client.create(PODS, given, "default"))["metadata"]["name"] for _ in range(20)}
    assert len(names) == 20
    assert all(name.startswith("web-") and len(name) == 9 for name in names)


async def test_a_name_that_is_taken_is_refused(client: Client) -> None:
    await client.create(PODS, pod(), "default")
    with pytest.raises(AlreadyExistsError, match=r'^pods "web" already exists$') as refused:
        await client.create(PODS, pod(), "default")
    assert refused.value.code == 409
    assert refused.value.status["details"] == {"name": "web", "kind": "pods"}


async def test_of_two_creations_at_once_one_wins(client: Client) -> None:
    creations = (client.create(CONFIG_MAPS, config_map("one"), "default") for _ in range(8))
    outcomes = await asyncio.gather(*creations, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyExistsError"] * 7 + ["dict"]


async def test_a_missing_object_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r'^jobs.batch "x" not found$') as refused:
        await client.get(JOBS, "x", "default")
    assert refused.value.status["details"] == {"name": "x", "group": "batch", "kind": "jobs"}


async def test_a_missing_namespace_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match=r'^namespaces "nowhere" not found$'):
        await client.create(PODS, pod(), "nowhere")


async def test_an_object_without_a_name_is_invalid(client: Client) -> None:
    given = pod()
    del given["metadata"]["name"]
    with pytest.raises(InvalidError, match="name or generateName is required") as refused:
        await client.create(PODS, given, "default")
    assert refused.value.causes[0]["field"] == "metadata.name"


async def test_names_and_namespaces_must_agree_with_the_path(client: Client) -> None:
    with pytest.raises(ApiError, match="the namespace of the provided object does not match") as refused:
        await send_json(client, "POST", "/api/v1/namespaces/default/pods", pod(namespace="other"))
    assert refused.value.code == 400
    await client.create(PODS, pod(), "default")
    with pytest.raises(
        ApiError, match=r"the name of the object \(db\) does not match the name on the URL \(web\)"
    ):
        await send_json(client, "PUT", "/api/v1/namespaces/default/pods/web", pod("db"))


async def test_an_object_of_another_version_or_kind_is_refused(client: Client) -> None:
    with pytest.raises(ApiError, match='no kind "Pod" is registered for version "v2"'):
        await client.create(PODS, {**pod(), "apiVersion": "v2"}, "default")
    with pytest.raises(ApiError, match='Service in version "v1" cannot be handled as a Pod'):
        await client.create(PODS, {**pod(), "kind": "Service"}, "default")


async def test_kind_and_version_may_be_left_out(client: Client) -> None:
    given = pod()
    del given["kind"], given["apiVersion"]
    created = await client.create(PODS, given, "default")
    assert (created["kind"], created["apiVersion"]) == ("Pod", "v1")


async def test_unknown_fields_are_refused_warned_of_or_ignored(client: Client) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    given = {**config_map("a"), "colour": "red"}
    with pytest.raises(ApiError, match='strict decoding error: unknown field "colour"') as refused:
        await send_json(client, "POST", path, given, fieldValidation="Strict")
    assert refused.value.code == 400
    created = await send_json(client, "POST", path, given, fieldValidation="Warn")
    assert "colour" not in created


async def test_fields_given_twice_are_refused_or_warned_of(client: Client) -> None:
    path = "/api/v1/namespaces/default/pods"
    containers = b'[{"name":"main","image":"a","image":"b","imagee":"c"}]'
    body = b'{"metadata":{"name":"web"},"spec":{"containers":%b}}' % containers
    query = {"fieldValidation": "Strict"}
    answer = await client.transport.request("POST", path, query, body, "application/json")
    assert orjson.loads(answer.body)["message"].endswith(
        'strict decoding error: duplicate field "spec.containers[0].image", '
        'unknown field "spec.containers[0].imagee"'
    )
    query = {"fieldValidation": "Warn"}
    answer = await client.transport.request("POST", path, query, body, "application/json")
    assert answer.status == 201
    assert orjson.loads(answer.body)["spec"]["containers"][0]["image"] == "b"


async def test_what_is_too_long_is_refused(client: Client) -> None:
    with pytest.raises(InvalidError, match="fieldManager: Too long: may not be more than 128 bytes"):
        await send_json(client, "POST", "/api/v1/namespaces/default/pods", pod(), fieldManager="x" * 129)
    with pytest.raises(InvalidError, match=r'"a" is invalid: \[\]: Too long: may not be more than 1048576'):
        await client.create(
            CONFIG_MAPS, {**config_map("a"), "data": {"a": "x" * (1024 * 1024 + 1)}}, "default"
        )


async def test_a_dry_run_creates_nothing(client: Client) -> None:
    created = await send_json(
        client, "POST", "/api/v1/namespaces/default/pods", pod(), dryRun="All", fieldManager="me"
    )
    assert created["metadata"]["uid"]
    with pytest.raises(NotFoundError):
        await client.get(PODS, "web", "default")
    with pytest.raises(InvalidError, match=r'dryRun: Unsupported value: \["Some"\]'):
        await send_json(client, "POST", "/api/v1/namespaces/default/pods", pod(), dryRun="Some")


async def test_yaml_and_bodies_without_a_type_are_read(client: Client) -> None:
    text = b"metadata: {name: a}\ndata: {x: 'y'}\n"
    path = "/api/v1/namespaces/default/configmaps"
    answer = await client.transport.request("POST", path, {}, text, "application/yaml")
    assert answer.status == 201
    answer = await client.transport.request("POST", path, {}, b'{"metadata":{"name":"b"}}', "")
    assert answer.status == 201
    answer = await client.transport.request("POST", path, {}, b"\0", "text/html")
    assert answer.status == 415


async def test_an_update_with_a_stale_version_conflicts(client: Client) -> None:
    old = await client.create(CONFIG_MAPS, config_map("a"), "default")
    new = await client.update(CONFIG_MAPS, {**old, "data": {"a": "c"}})
    assert int(new["metadata"]["resourceVersion"]) > int(old["metadata"]["resourceVersion"])
    with pytest.raises(ConflictError) as refused:
        await client.update(CONFIG_MAPS, {**old, "data": {"a": "d"}})
    assert refused.value.message == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )


async def test_an_update_for_another_object_of_that_name_conflicts(client: Client) -> None:
    old = await client.create(CONFIG_MAPS, config_map("a"), "default")
    with pytest.raises(
        ConflictError, match="Precondition failed: UID in precondition: other, UID in object meta"
    ):
        await client.update(CONFIG_MAPS, {**old, "metadata": {**old["metadata"], "uid": "other"}})


async def test_an_update_that_changes_nothing_keeps_the_version(client: Client) -> None:
    old = await client.create(CONFIG_MAPS, config_map("a"), "default")
    assert await client.update(CONFIG_MAPS, old) == old


async def test_only_changes_of_the_spec_count_as_generations(client: Client) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "j"},
        "spec": {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}},
    }
    old = await client.create(JOBS, job, "default")
    labelled = await client.patch(JOBS, "j", {"metadata": {"labels": {"a": "b"}}}, "default")
    assert labelled["metadata"]["generation"] == old["metadata"]["generation"] == 1
    suspended = await client.patch(JOBS, "j", {"spec": {"suspend": True}}, "default")
    assert suspended["metadata"]["generation"] == 2


async def test_status_changes_only_through_its_subresource(client: Client) -> None:
    created = await client.create(PODS, pod(), "default")
    running = {**created, "status": {"phase": "Running"}}
    assert (await client.update(PODS, running))["status"]["phase"] == "Pending"
    changed = {**running, "spec": {**created["spec"], "priority": 5}}
    updated = await client.update(PODS, changed, subresource="status")
    assert updated["status"]["phase"] == "Running"
    assert updated["spec"] == created["spec"]


async def test_a_lease_is_created_by_an_update(client: Client) -> None:
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l", "namespace": "default"},
    }
    assert (await client.update(LEASES, lease))["metadata"]["uid"]
    with pytest.raises(NotFoundError):
        await client.update(CONFIG_MAPS, config_map("absent", namespace="default"))


async def test_custom_objects_are_updated_only_with_a_version(client: Client) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    foo = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "namespace": "default"}}
    await client.create(FOOS, foo)
    with pytest.raises(InvalidError, match=r"metadata.resourceVersion: Invalid value: 0: must be specified"):
        await client.update(FOOS, foo)


async def test_lists_are_in_order_and_their_items_say_their_kind(client: Client) -> None:
    for name in ("b", "a", "c"):
        await client.create(CONFIG_MAPS, config_map(name), "default")
    page = await client.list(CONFIG_MAPS, "default")
    assert [item["metadata"]["name"] for item in page.items] == ["a", "b", "c"]
    assert {(item["kind"], item["apiVersion"]) for item in page.items} == {("ConfigMap", "v1")}


async def test_pages_show_the_collection_as_it_was_at_the_first(client: Client) -> None:
    for name in "abcde":
        await client.create(CONFIG_MAPS, config_map(name), "default")
    first = await client.list(CONFIG_MAPS, "default", limit=2)
    await client.delete(CONFIG_MAPS, "c", "default")
    await client.create(CONFIG_MAPS, config_map("bb"), "default")
    await client.patch(CONFIG_MAPS, "d", {"data": {"a": "new"}}, "default")
    second = await client.list(CONFIG_MAPS, "default", limit=2, continue_token=first.continue_token)
    last = await client.list(CONFIG_MAPS, "default", limit=2, continue_token=second.continue_token)
    names = [item["metadata"]["name"] for page in (first, second, last) for item in page.items]
    assert names == list("abcde")
    assert second.items[1]["data"] == {"a": "b"}
    assert {first.resource_version, second.resource_version, last.resource_version} == {
        first.resource_version
    }
    assert last.continue_token == ""


async def test_a_page_tells_how_many_items_remain(client: Client) -> None:
    for name in "abcde":
        await client.create(CONFIG_MAPS, config_map(name), "default")
    page = await send_json(client, "GET", "/api/v1/namespaces/default/configmaps", {}, limit="2")
    assert page["metadata"]["remainingItemCount"] == 3


async def test_a_page_of_a_forgotten_version_expires_with_a_token_to_go_on(
    client: Client, server: ApiServer
) -> None:
    for name in "abcd":
        await client.create(CONFIG_MAPS, config_map(name), "default")
    first = await client.list(CONFIG_MAPS, "default", limit=2)
    server.store.collection(CONFIG_MAPS).floor = server.store.version + 1
    with pytest.raises(ExpiredError, match="The provided continue parameter is too old") as refused:
        await client.list(CONFIG_MAPS, "default", limit=2, continue_token=first.continue_token)
    token = refused.value.status["metadata"]["continue"]
    rest = await client.list(CONFIG_MAPS, "default", continue_token=token)
    assert [item["metadata"]["name"] for item in rest.items] == ["c", "d"]


async def test_a_list_can_be_of_an_exact_version(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    then = (await client.list(CONFIG_MAPS, "default")).resource_version
    await client.create(CONFIG_MAPS, config_map("b"), "default")
    path = "/api/v1/namespaces/default/configmaps"
    page = await send_json(client, "GET", path, {}, resourceVersion=then, resourceVersionMatch="Exact")
    assert [item["metadata"]["name"] for item in page["items"]] == ["a"]
    assert page["metadata"]["resourceVersion"] == then
    page = await send_json(client, "GET", path, {}, resourceVersion=then, resourceVersionMatch="NotOlderThan")
    assert len(page["items"]) == 2
    with pytest.raises(
        InvalidError, match="resourceVersionMatch is forbidden unless resourceVersion is provided"
    ):
        await send_json(client, "GET", path, {}, resourceVersionMatch="Exact")


async def test_a_version_that_is_never_reached_times_out(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.reading._FRESH_PATIENCE_S", 0.01)
    with pytest.raises(ApiError, match="Too large resource version: 999999, current: 4") as refused:
        await send_json(client, "GET", "/api/v1/pods", {}, resourceVersion="999999")
    assert refused.value.code == 504
    assert refused.value.causes[0]["reason"] == "ResourceVersionTooLarge"


async def test_selectors_choose_by_labels_and_fields(client: Client) -> None:
    await client.create(PODS, pod("a", labels={"app": "web", "tier": "front"}), "default")
    await client.create(PODS, pod("b", labels={"app": "web"}), "default")

    async def names(label_selector: str = "", field_selector: str = "") -> list[str]:
        page = await client.list(
            PODS, "default", label_selector=label_selector, field_selector=field_selector
        )
        return [item["metadata"]["name"] for item in page.items]

    assert await names(label_selector="app=web") == ["a", "b"]
    assert await names(label_selector="tier in (front, back)") == ["a"]
    assert await names(label_selector="!tier,app") == ["b"]
    assert await names(field_selector="status.phase=Pending,metadata.name!=a") == ["b"]
    with pytest.raises(ApiError, match=r"field label not supported: spec.colour"):
        await names(field_selector="spec.colour=red")
    with pytest.raises(ApiError, match=r'"data.a" is not a known field selector: only "metadata.name"'):
        await client.list(CONFIG_MAPS, "default", field_selector="data.a=b")


async def test_events_are_one_kind_in_two_groups(client: Client) -> None:
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web"},
        "message": "hello",
        "reason": "Testing",
        "type": "Normal",
    }
    await send_json(client, "POST", "/api/v1/namespaces/default/events", event)
    seen = await send_json(client, "GET", "/apis/events.k8s.io/v1/namespaces/default/events", {})
    assert seen["items"][0]["note"] == "hello"
    assert seen["items"][0]["regarding"]["name"] == "web"
    assert seen["items"][0]["apiVersion"] == "events.k8s.io/v1"


async def test_admission_fills_in_priority_and_account(client: Client) -> None:
    classes = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass"}
    await client.create(PRIORITY_CLASSES, {**classes, "metadata": {"name": "high"}, "value": 1000})
    given = pod()
    given["spec"]["priorityClassName"] = "high"
    created = await client.create(PODS, given, "default")
    assert created["spec"]["priority"] == 1000
    assert created["spec"]["serviceAccountName"] == "default"
    tolerated = {each["key"] for each in created["spec"]["tolerations"]}
    assert tolerated == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
    given = pod("other")
    given["spec"]["priorityClassName"] = "absent"
    with pytest.raises(ApiError, match="no PriorityClass with name absent was found") as refused:
        await client.create(PODS, given, "default")
    assert refused.value.code == 403


async def test_services_get_addresses_of_their_own_and_keep_them(client: Client) -> None:
    def service(name: str, **spec: object) -> Object:
        ports = {"ports": [{"port": 80}]}
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {**ports, **spec}}

    a = await client.create(SERVICES, service("a"), "default")
    b = await client.create(SERVICES, service("b", type="NodePort"), "default")
    headless = await client.create(SERVICES, service("c", clusterIP="None"), "default")
    assert a["spec"]["clusterIP"] != b["spec"]["clusterIP"]
    assert a["spec"]["clusterIPs"] == [a["spec"]["clusterIP"]]
    assert headless["spec"]["clusterIP"] == "None"
    assert 30000 <= b["spec"]["ports"][0]["nodePort"] < 32768
    with pytest.raises(InvalidError, match="provided IP is already allocated"):
        await client.create(SERVICES, service("d", clusterIP=a["spec"]["clusterIP"]), "default")
    again = await client.update(SERVICES, {**service("a"), "metadata": {"name": "a", "namespace": "default"}})
    assert again["spec"]["clusterIP"] == a["spec"]["clusterIP"]


async def test_string_data_of_a_secret_is_encoded(client: Client) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
    created = await client.create(SECRETS, secret, "default")
    assert created["data"] == {"a": "Yg=="}
    assert "stringData" not in created


async def test_paths_that_nothing_is_served_at_and_verbs_that_are_not_served(client: Client) -> None:
    with pytest.raises(NotFoundError, match="the server could not find the requested resource"):
        await send_json(client, "GET", "/apis/nothing.io/v1/things", {})
    with pytest.raises(
        ApiError, match="the server does not allow this method on the requested resource"
    ) as refused:
        await send_json(client, "POST", "/api/v1/namespaces/default/pods/web", {})
    assert refused.value.code == 405


async def test_initial_events_are_for_watches(client: Client) -> None:
    with pytest.raises(InvalidError, match="sendInitialEvents is forbidden for list"):
        await send_json(client, "GET", "/api/v1/namespaces/default/pods", {}, sendInitialEvents="true")


async def test_objects_survive_a_restart(server: ApiServer, client: Client, clock: SetClock) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    foo = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": {}}
    created = await client.create(FOOS, foo, "default")
    await server.stop()
    again = ApiServer(server.store.path.parent, clock, token="secret")
    await again.start()
    assert await again.client("system:test").get(FOOS, "a", "default") == created
    assert len((await again.client("system:test").list(NAMESPACES)).items) == 4
    await again.stop()


async def test_deep_nesting_is_a_bad_request(client: Client) -> None:
    deep: object = 1
    for _ in range(300):
        deep = [deep]
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    for body in ([{"op": "add", "path": "/metadata/labels", "value": deep}], {"data": deep}):
        media = "application/json-patch+json" if isinstance(body, list) else "application/merge-patch+json"
        answer = await client.transport.request(
            "PATCH", CONFIG_MAPS.path("default", "a"), {}, json.dumps(body).encode(), media
        )
        assert answer.status == 400, answer.body
