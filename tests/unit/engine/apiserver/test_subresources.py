"""Binding, eviction, scale, logs, tokens, progress and reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from kubelab.client import (
    CUSTOM_RESOURCE_DEFINITIONS,
    PODS,
    SERVICE_ACCOUNTS,
    Client,
    Object,
    Resource,
)
from kubelab.engine.apiserver import ApiServer, LogOptions
from kubelab.engine.apiserver.status import bad_request
from kubelab.engine.nodes.status import Observation, pod_status
from kubelab.errors import ApiError, ConflictError, InvalidError, NotFoundError
from tests.unit.engine.apiserver.conftest import FOOS, SetClock, foo_definition, pod

BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")


class Node:
    """A node with one log."""

    def __init__(self, *chunks: bytes, error: Exception | None = None) -> None:
        self.chunks = chunks
        self.error = error
        self.asked: list[tuple[str, LogOptions]] = []

    async def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        self.asked.append((container, options))
        if self.error is not None:
            raise self.error
        for chunk in self.chunks:
            yield chunk


async def post(client: Client, path: str, body: Object, **query: str) -> Object:
    answer = await client.transport.request("POST", path, query, orjson.dumps(body), "application/json")
    document: Object = orjson.loads(answer.body)
    if answer.status >= 400:
        raise ApiError.of(document)
    return document


async def bind(client: Client, node: str = "n1", **metadata: Any) -> Object:
    body = {"metadata": {"name": "web", **metadata}, "target": {"kind": "Node", "name": node}}
    return await post(client, "/api/v1/namespaces/default/pods/web/binding", body)


async def test_a_binding_sets_node_and_condition_in_one_write(client: Client) -> None:
    created = await client.create(PODS, pod(), "default")
    assert (await bind(client, annotations={"a": "b"}))["status"] == "Success"
    bound = await client.get(PODS, "web", "default")
    assert bound["spec"]["nodeName"] == "n1"
    assert bound["metadata"]["annotations"] == {"a": "b"}
    assert int(bound["metadata"]["resourceVersion"]) == int(created["metadata"]["resourceVersion"]) + 1
    (condition,) = bound["status"]["conditions"]
    assert (condition["type"], condition["status"]) == ("PodScheduled", "True")


async def test_a_bound_pod_is_not_bound_again(client: Client) -> None:
    await client.create(PODS, pod(), "default")
    await bind(client)
    with pytest.raises(ConflictError) as refused:
        await bind(client, "n2")
    assert refused.value.message == (
        'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"'
    )


async def test_a_gated_pod_is_not_bound(client: Client) -> None:
    gated = pod()
    gated["spec"]["schedulingGates"] = [{"name": "example.com/wait"}]
    created = await client.create(PODS, gated, "default")
    assert created["status"]["conditions"][0]["reason"] == "SchedulingGated"
    with pytest.raises(ConflictError, match=r"pod web has non-empty .spec.schedulingGates"):
        await bind(client)


async def test_a_status_comes_back_as_its_node_wrote_it(client: Client) -> None:
    created = await client.create(PODS, pod("web"), "default")
    seen = Observation("127.1.0.1", "127.0.0.1", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z")
    status = pod_status(created, seen)
    await client.patch(PODS, "web", {"status": status}, "default", subresource="status")
    written = (await client.get(PODS, "web", "default"))["status"]
    assert {key: written[key] for key in status} == status


async def test_an_eviction_asks_the_budget(client: Client) -> None:
    await client.create(PODS, pod(labels={"app": "web"}), "default")
    await bind(client)
    current = await client.get(PODS, "web", "default")
    await client.update(PODS, {**current, "status": {"phase": "Running"}}, subresource="status")
    budget: Object = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "b"}}
    budget["spec"] = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    created = await client.create(BUDGETS, budget, "default")
    eviction = {"metadata": {"name": "web", "namespace": "default"}}
    path = "/api/v1/namespaces/default/pods/web/eviction"
    with pytest.raises(ApiError, match="it would violate the pod's disruption budget") as refused:
        await post(client, path, eviction)
    assert refused.value.code == 429
    status = {**created["status"], "disruptionsAllowed": 1, "observedGeneration": 1}
    await client.update(BUDGETS, {**created, "status": status}, subresource="status")
    await post(client, path, eviction)
    assert "deletionTimestamp" in (await client.get(PODS, "web", "default"))["metadata"]
    spent = (await client.get(BUDGETS, "b", "default"))["status"]
    assert spent["disruptionsAllowed"] == 0
    assert spent["disruptedPods"] == {"web": "2026-01-31T12:00:00Z"}
    evicted = await client.get(PODS, "web", "default")
    assert evicted["status"]["conditions"][-1]["reason"] == "EvictionByEvictionAPI"


async def test_scale_reads_and_writes_replicas_where_a_definition_keeps_them(client: Client) -> None:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, foo_definition())
    foo = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a"}, "spec": {}}
    await client.create(FOOS, foo, "default")
    patched = await client.patch(FOOS, "a", {"spec": {"replicas": 5}}, "default", subresource="scale")
    assert (patched["kind"], patched["spec"]) == ("Scale", {"replicas": 5})
    assert (await client.get(FOOS, "a", "default"))["spec"]["replicas"] == 5
    with pytest.raises(InvalidError, match=r"spec.replicas: Invalid value: -1"):
        await client.patch(FOOS, "a", {"spec": {"replicas": -1}}, "default", subresource="scale")


async def test_logs_come_from_the_pods_node(client: Client, server: ApiServer) -> None:
    node = Node(b"one\n", b"two\n")
    server.register_node("n1", node)
    await client.create(PODS, pod(), "default")
    assert [line async for line in client.logs("web", "default")] == []
    await bind(client)
    lines = client.logs("web", "default", follow=True, tail_lines=5, timestamps=True)
    assert [line async for line in lines] == ["one", "two"]
    assert node.asked == [("main", LogOptions(follow=True, timestamps=True, tail_lines=5))]


async def test_a_pod_on_a_node_that_runs_nothing_has_no_log(client: Client) -> None:
    await client.create(PODS, pod(), "default")
    await bind(client, "kwok-node-0")
    with pytest.raises(ApiError, match='has no log: its node "kwok-node-0" is simulated') as refused:
        await anext(client.logs("web", "default"))
    assert (refused.value.code, refused.value.reason) == (400, "BadRequest")


async def test_flags_of_the_python_client_are_understood(client: Client, server: ApiServer) -> None:
    node = Node()
    server.register_node("n1", node)
    await client.create(PODS, pod(), "default")
    await bind(client)
    query = {"follow": "True", "previous": "False", "sinceSeconds": "60"}
    await client.transport.request("GET", "/api/v1/namespaces/default/pods/web/log", query)
    assert node.asked[0][1] == LogOptions(follow=True, since_seconds=60)


async def test_a_nodes_refusal_is_the_answer(client: Client, server: ApiServer) -> None:
    message = 'container "main" in pod "web" is waiting to start: ContainerCreating'
    server.register_node("n1", Node(error=bad_request(message)))
    await client.create(PODS, pod(), "default")
    await bind(client)
    with pytest.raises(ApiError, match="is waiting to start: ContainerCreating") as refused:
        await anext(client.logs("web", "default"))
    assert refused.value.code == 400


async def test_a_container_must_be_named_if_there_are_several(client: Client) -> None:
    two = pod()
    two["spec"]["containers"].append({"name": "side", "image": "busybox"})
    await client.create(PODS, two, "default")
    with pytest.raises(
        ApiError, match=r"a container name must be specified for pod web, choose one of: \[main side\]"
    ):
        await anext(client.logs("web", "default"))
    with pytest.raises(ApiError, match="container other is not valid for pod web"):
        await anext(client.logs("web", "default", container="other"))
    with pytest.raises(InvalidError, match="tailLines: Invalid value: -1"):
        await anext(client.logs("web", "default", container="main", tail_lines=-1))


async def account(client: Client) -> None:
    body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    await client.create(SERVICE_ACCOUNTS, body, "default")


async def issue(client: Client, **spec: object) -> Object:
    path = "/api/v1/namespaces/default/serviceaccounts/robot/token"
    return await post(client, path, {"spec": spec})


async def review(client: Client, token: str, *audiences: str) -> Object:
    body = {"spec": {"token": token, "audiences": list(audiences)}}
    answer = await post(client, "/apis/authentication.k8s.io/v1/tokenreviews", body)
    status: Object = answer["status"]
    return status


async def test_a_token_stands_for_its_account_until_it_expires(client: Client, clock: SetClock) -> None:
    await account(client)
    answer = await issue(client, expirationSeconds=600)
    assert answer["status"]["expirationTimestamp"] == "2026-01-31T12:10:00Z"
    status = await review(client, answer["status"]["token"])
    assert status["authenticated"]
    assert status["user"]["username"] == "system:serviceaccount:default:robot"
    clock.advance(601)
    assert not (await review(client, answer["status"]["token"]))["authenticated"]


async def test_a_token_ends_with_the_pod_it_is_bound_to(client: Client) -> None:
    await account(client)
    created = await client.create(PODS, pod(), "default")
    reference = {"kind": "Pod", "apiVersion": "v1", "name": "web", "uid": created["metadata"]["uid"]}
    token = (await issue(client, boundObjectRef=reference))["status"]["token"]
    assert (await review(client, token))["authenticated"]
    await client.delete(PODS, "web", "default")
    assert not (await review(client, token))["authenticated"]
    with pytest.raises(NotFoundError):
        await issue(client, boundObjectRef=reference)


async def test_a_forged_token_is_nobody(client: Client) -> None:
    await account(client)
    head, claims, signature = (await issue(client))["status"]["token"].split(".")
    other = "A" if signature[0] != "A" else "B"
    for forged in (f"{head}.{claims}.{other}{signature[1:]}", "a.b.c", "", "ü"):
        assert not (await review(client, forged))["authenticated"]


async def test_a_token_is_good_only_for_its_audience(client: Client) -> None:
    await account(client)
    token = (await issue(client, audiences=["bank"]))["status"]["token"]
    assert not (await review(client, token))["authenticated"]
    assert (await review(client, token, "bank", "shop"))["audiences"] == ["bank"]
    with pytest.raises(InvalidError, match="may not specify a duration less than 10 minutes"):
        await issue(client, expirationSeconds=10)


async def test_reviews_tell_who_i_am_and_what_i_may(client: Client) -> None:
    answer = await post(client, "/apis/authentication.k8s.io/v1/selfsubjectreviews", {})
    assert answer["status"]["userInfo"]["username"] == "system:test"
    spec = {"resourceAttributes": {"verb": "delete", "resource": "pods", "namespace": "default"}}
    answer = await post(client, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": spec})
    assert answer["status"]["allowed"] is True
    answer = await post(
        client, "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": {**spec, "user": "bob"}}
    )
    assert answer["status"]["allowed"] is False


async def test_roles_allow_what_they_say(client: Client) -> None:
    rbac = "/apis/rbac.authorization.k8s.io/v1"
    rules = [{"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]}]
    await post(client, f"{rbac}/namespaces/default/roles", {"metadata": {"name": "reader"}, "rules": rules})
    binding = {
        "metadata": {"name": "robots"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
    }
    await post(client, f"{rbac}/namespaces/default/rolebindings", binding)

    async def may(verb: str, resource: str, subresource: str = "", namespace: str = "default") -> bool:
        asked = {"verb": verb, "resource": resource, "subresource": subresource, "namespace": namespace}
        body = {"spec": {"user": "system:serviceaccount:default:robot", "resourceAttributes": asked}}
        answer = await post(client, "/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
        return bool(answer["status"]["allowed"])

    assert await may("list", "pods")
    assert await may("get", "pods", "log")
    assert not await may("delete", "pods")
    assert not await may("list", "secrets")
    assert not await may("list", "pods", namespace="kube-system")


async def test_a_status_may_touch_finalizers(client: Client) -> None:
    await client.create(PODS, pod(), "default")
    touched = {"metadata": {"finalizers": ["x.dev/wait"]}, "status": {"phase": "Running"}}
    after = await client.patch(PODS, "web", touched, "default", subresource="status")
    assert after["metadata"]["finalizers"] == ["x.dev/wait"]
