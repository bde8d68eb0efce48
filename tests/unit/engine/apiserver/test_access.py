"""Users from a file, impersonation, and priorities: who may do what."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import orjson
import pytest

from kubelab.client import PODS, PRIORITY_CLASSES, Client, Object
from kubelab.engine.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES
from kubelab.errors import ApiError
from kubelab.http import Kubeconfig
from tests.unit.engine.apiserver.conftest import pod
from tests.unit.engine.apiserver.test_http import fetch

REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


async def grant(client: Client, user: str, *rules: Object) -> None:
    """Let a user do something in the whole cluster."""
    head = {"apiVersion": CLUSTER_ROLES.api_version, "metadata": {"name": user}}
    await client.create(CLUSTER_ROLES, {**head, "kind": "ClusterRole", "rules": list(rules)})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]
    binding = {**head, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": subjects}
    await client.create(CLUSTER_ROLE_BINDINGS, binding)


async def who(kubeconfig: Kubeconfig, token: str, **headers: str) -> tuple[int, Any]:
    """Ask the server whom it takes a request to be from."""
    named = {f"Impersonate-{name.replace('_', '-')}": value for name, value in headers.items()}
    status, _, body = await fetch(
        kubeconfig, REVIEW, method="POST", token=token, headers=named, json={"kind": "SelfSubjectReview"}
    )
    answer = orjson.loads(body)
    return status, answer["status"]["userInfo"] if status == 201 else answer["message"]


def write_users(folder: Path, *lines: str) -> None:
    path = folder / "users.csv"
    path.write_text("\n".join(lines) + "\n")
    os.utime(path, ns=(len(lines), len(lines)))  # a coarse clock may not tell two writes apart


async def test_a_user_with_a_token_may_do_what_is_granted(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    assert (await who(kubeconfig, "t-ann"))[0] == 401
    write_users(tmp_path, "# who,is,who", 't-ann,ann,42,"devs,ops"')
    status, info = await who(kubeconfig, "t-ann")
    assert status == 201
    assert info == {"username": "ann", "uid": "42", "groups": ["devs", "ops", "system:authenticated"]}
    assert (await fetch(kubeconfig, "/api/v1/pods", token="t-ann"))[0] == 403
    await grant(client, "ann", {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})
    assert (await fetch(kubeconfig, "/api/v1/pods", token="t-ann"))[0] == 200
    assert (await fetch(kubeconfig, "/api/v1/secrets", token="t-ann"))[0] == 403


async def test_resizing_is_a_right_of_its_own(client: Client, kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    write_users(tmp_path, "t-ann,ann", "t-bob,bob")
    await grant(client, "ann", {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "patch"]})
    await grant(client, "bob", {"apiGroups": [""], "resources": ["pods/resize"], "verbs": ["get"]})
    await client.create(PODS, pod("a"), "default")
    path = "/api/v1/namespaces/default/pods/a"
    assert (await fetch(kubeconfig, path, token="t-ann"))[0] == 200
    assert (await fetch(kubeconfig, f"{path}/resize", token="t-ann"))[0] == 403
    assert (await fetch(kubeconfig, path, token="t-bob"))[0] == 403
    assert (await fetch(kubeconfig, f"{path}/resize", token="t-bob"))[0] == 200


async def test_a_user_is_added_and_removed_while_the_server_runs(
    kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann")
    assert (await who(kubeconfig, "t-ann"))[0] == 201
    write_users(tmp_path, "t-bob,bob", "t-cid,cid")
    assert (await who(kubeconfig, "t-bob"))[0] == 201
    assert (await who(kubeconfig, "t-ann"))[0] == 401


async def test_speaking_for_others_is_a_verb(client: Client, kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    write_users(tmp_path, "t-ann,ann")
    status, message = await who(kubeconfig, "t-ann", User="bob")
    assert status == 403
    assert message == (
        'users "bob" is forbidden: User "ann" cannot impersonate resource "users" in API group "" '
        "at the cluster scope"
    )
    rule = {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"], "resourceNames": ["bob"]}
    await grant(client, "ann", rule)
    status, info = await who(kubeconfig, "t-ann", User="bob")
    assert (status, info["username"]) == (201, "bob")
    assert (await who(kubeconfig, "t-ann", User="cid"))[0] == 403
    status, message = await who(kubeconfig, "t-ann", User="bob", Group="ops")
    assert (status, 'cannot impersonate resource "groups"' in message) == (403, True)
    assert (await who(kubeconfig, "t-ann", Group="ops"))[0] == 400


async def test_a_service_account_is_spoken_for_in_its_namespace(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann")
    account = "system:serviceaccount:default:robot"
    status, message = await who(kubeconfig, "t-ann", User=account)
    assert status == 403
    assert message == (
        'serviceaccounts "robot" is forbidden: User "ann" cannot impersonate resource "serviceaccounts" '
        'in API group "" in the namespace "default"'
    )
    await grant(
        client, "ann", {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"]}
    )
    status, info = await who(kubeconfig, "t-ann", User=account)
    assert status == 201
    assert info["groups"] == [
        "system:serviceaccounts",
        "system:serviceaccounts:default",
        "system:authenticated",
    ]


async def test_an_administrator_may_claim_uids_and_more(kubeconfig: Kubeconfig) -> None:
    status, info = await who(kubeconfig, "secret", User="bob", Uid="7", Extra_team="blue")
    assert status == 201
    assert (info["uid"], info["extra"]) == ("7", {"team": ["blue"]})


def priority_class(name: str, value: int, **fields: Any) -> Object:
    head = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
    return {**head, "value": value, **fields}


async def test_a_pod_takes_its_classes_priority_and_no_other(client: Client) -> None:
    never = priority_class("calm", 7, preemptionPolicy="Never")
    await client.create(PRIORITY_CLASSES, never)
    calm = pod()
    calm["spec"]["priorityClassName"] = "calm"
    made = await client.create(PODS, calm, "default")
    assert (made["spec"]["priority"], made["spec"]["preemptionPolicy"]) == (7, "Never")
    own = pod("own")
    own["spec"] |= {"priorityClassName": "calm", "priority": 8}
    with pytest.raises(ApiError) as refused:
        await client.create(PODS, own, "default")
    assert refused.value.message == (
        'pods "own" is forbidden: the integer value of priority (8) must not be provided in pod spec; '
        "priority admission controller computed 7 from the given PriorityClass name"
    )
    unknown = pod("unknown")
    unknown["spec"]["priorityClassName"] = "nobody"
    with pytest.raises(ApiError, match="no PriorityClass with name nobody was found"):
        await client.create(PODS, unknown, "default")


async def test_there_is_one_default_class(client: Client) -> None:
    await client.create(PRIORITY_CLASSES, priority_class("usual", 5, globalDefault=True))
    made = await client.create(PODS, pod(), "default")
    assert (made["spec"]["priorityClassName"], made["spec"]["priority"]) == ("usual", 5)
    with pytest.raises(ApiError, match="PriorityClass usual is already marked as default"):
        await client.create(PRIORITY_CLASSES, priority_class("other", 6, globalDefault=True))


async def test_an_update_that_creates_needs_the_right_to_create(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann", "t-bob,bob")
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    await grant(client, "ann", {**leases, "verbs": ["update"]})
    await grant(client, "bob", {**leases, "verbs": ["update", "create"]})
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/new"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "new"}}
    statuses = [
        (await fetch(kubeconfig, path, method="PUT", token=token, json=lease))[0]
        for token in ("t-ann", "t-bob")
    ]
    assert statuses == [403, 201]


async def test_nobody_grants_what_they_may_not_do(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann")
    rbac = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"]}
    own = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    await grant(client, "ann", {**rbac, "verbs": ["create", "update", "patch", "get"]}, own)
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default"

    async def send(plural: str, name: str, method: str = "POST", **fields: Any) -> tuple[int, str]:
        url = f"{path}/{plural}" if method == "POST" else f"{path}/{plural}/{name}"
        body = {"metadata": {"name": name}, **fields}
        status, _, answer = await fetch(kubeconfig, url, method=method, token="t-ann", json=body)
        return status, orjson.loads(answer).get("message", "")

    more = {**own, "verbs": ["*"]}
    assert (await send("roles", "own", rules=[own]))[0] == 201
    for name, method in (("more", "POST"), ("own", "PUT")):
        status, message = await send("roles", name, method, rules=[more])
        assert status == 403
        assert message == (
            f'roles.rbac.authorization.k8s.io "{name}" is forbidden: user "ann" '
            '(groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n'
            '{APIGroups:[""], Resources:["pods"], Verbs:["*"]}'
        )
    ann = {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "own"}
    assert (await send("rolebindings", "own", roleRef=reference, subjects=[ann]))[0] == 201
    role = {"apiVersion": CLUSTER_ROLES.api_version, "kind": "ClusterRole", "metadata": {"name": "all"}}
    await client.create(CLUSTER_ROLES, {**role, "rules": [more]})
    whole = {**reference, "kind": "ClusterRole", "name": "all"}
    assert (await send("rolebindings", "all", roleRef=whole, subjects=[ann]))[0] == 403


async def test_who_may_escalate_and_bind_grants_anything(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann")
    rbac = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"]}
    await grant(client, "ann", {**rbac, "verbs": ["create", "escalate"]})
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
    body = {"metadata": {"name": "any"}, "rules": [rule]}
    assert (await fetch(kubeconfig, path, method="POST", token="t-ann", json=body))[0] == 201
