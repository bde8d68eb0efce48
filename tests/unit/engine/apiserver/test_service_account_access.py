"""A service account, signed in with a token that the server issued, can do only what RBAC grants it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kubelab.client import CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS, Client, Object
from kubelab.engine.apiserver.kinds import Resource
from kubelab.http import Kubeconfig
from tests.unit.engine.apiserver.conftest import config_map, pod
from tests.unit.engine.apiserver.test_http import fetch

_RBAC = "rbac.authorization.k8s.io"
_ROLES = Resource(_RBAC, "v1", "roles", "Role")
_ROLE_BINDINGS = Resource(_RBAC, "v1", "rolebindings", "RoleBinding")
_NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
_OWN, _OTHER = "/api/v1/namespaces/own", "/api/v1/namespaces/other"
_BINDINGS = f"/apis/{_RBAC}/v1"
_WRITE = ["get", "create", "update", "patch", "delete"]  # neither escalate nor bind
_RULES = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "create"]},
    {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["*"]},
    {"apiGroups": [_RBAC], "resources": ["roles", "rolebindings"], "verbs": _WRITE},
]


class Robot:
    """The account ``robot`` of the namespace ``own``."""

    def __init__(self, kubeconfig: Kubeconfig, token: str) -> None:
        self.kubeconfig = kubeconfig
        self.token = token

    async def may(self, method: str, path: str, body: Object | None = None, **headers: str) -> int:
        return (await self.asks(method, path, body, **headers))[0]

    async def asks(
        self, method: str, path: str, body: Object | None = None, **headers: str
    ) -> tuple[int, Any]:
        options: dict[str, Any] = {"json": body} if body is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        code, _, answer = await fetch(
            self.kubeconfig, path, method=method, token=self.token, headers=named, **options
        )
        return code, orjson.loads(answer)


@pytest.fixture
async def robot(client: Client, kubeconfig: Kubeconfig) -> Robot:
    for namespace in ("own", "other"):
        await client.create(_NAMESPACES, {"metadata": {"name": namespace}})
        meta = {"name": "there", "namespace": namespace}
        await client.create(SECRETS, {"metadata": meta, "stringData": {"a": "b"}})
        await client.create(CONFIG_MAPS, config_map("there", namespace=namespace))
        await client.create(PODS, pod("there", namespace=namespace))
    meta = {"name": "robot", "namespace": "own"}
    await client.create(SERVICE_ACCOUNTS, {"metadata": meta})
    await client.create(_ROLES, {"metadata": meta, "rules": _RULES})
    reference = {"apiGroup": _RBAC, "kind": "Role", "name": "robot"}
    subjects = [{"kind": "ServiceAccount", "name": "robot", "namespace": "own"}]
    await client.create(_ROLE_BINDINGS, {"metadata": meta, "roleRef": reference, "subjects": subjects})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    answer = await client.create(
        SERVICE_ACCOUNTS, request, "own", subresource_of="robot", subresource="token"
    )
    return Robot(kubeconfig, answer["status"]["token"])


async def test_what_is_granted_is_allowed_in_the_own_namespace(robot: Robot) -> None:
    assert await robot.may("GET", f"{_OWN}/pods") == 200
    assert await robot.may("GET", f"{_OWN}/secrets/there") == 200
    assert await robot.may("POST", f"{_OWN}/configmaps", config_map("mine")) == 201
    assert await robot.may("DELETE", f"{_OWN}/configmaps/mine") == 200


@pytest.mark.parametrize("kind", ["secrets", "configmaps", "pods"])
async def test_other_namespaces_are_closed(robot: Robot, kind: str) -> None:
    for method, path in (
        ("GET", f"{_OTHER}/{kind}/there"),
        ("GET", f"{_OTHER}/{kind}"),
        ("GET", f"{_OTHER}/{kind}?watch=true"),
        ("GET", f"/api/v1/{kind}"),
        ("DELETE", f"{_OTHER}/{kind}/there"),
        ("DELETE", f"{_OTHER}/{kind}"),
    ):
        assert await robot.may(method, path) == 403, (method, path)
    assert await robot.may("POST", f"{_OTHER}/configmaps", config_map("mine")) == 403


async def test_an_object_of_another_namespace_cannot_be_smuggled_in_by_its_body(robot: Robot) -> None:
    assert await robot.may("POST", f"{_OWN}/configmaps", config_map("mine", namespace="other")) == 400
    assert await robot.may("GET", f"{_OWN}/..%2Fother/secrets/there") in {403, 404}
    assert await robot.may("GET", f"{_OWN}/secrets/..%2F..%2Fother%2Fsecrets%2Fthere") in {400, 403, 404}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{_OWN}/pods/there/exec?command=id&stdout=true"),
        ("GET", f"{_OWN}/pods/there/exec?command=id&stdout=true"),
        ("POST", f"{_OWN}/pods/there/attach?stdout=true"),
        ("POST", f"{_OWN}/pods/there/portforward"),
        ("GET", f"{_OWN}/pods/there/log"),
        ("POST", f"{_OWN}/pods/there/binding"),
        ("POST", f"{_OWN}/pods/there/eviction"),
        ("PUT", f"{_OWN}/pods/there/status"),
        ("DELETE", f"{_OWN}/pods/there"),
        ("POST", f"{_OWN}/serviceaccounts/robot/token"),
        ("GET", "/api/v1/nodes"),
        ("GET", "/api/v1/namespaces"),
        ("DELETE", "/api/v1/namespaces/own"),
        ("GET", "/metrics"),
        ("GET", f"{_BINDINGS}/clusterroles"),
    ],
)
async def test_what_is_not_granted_is_refused(robot: Robot, method: str, path: str) -> None:
    assert await robot.may(method, path, {} if method in {"POST", "PUT"} else None) == 403


async def test_nobody_grants_themselves_more(robot: Robot, client: Client) -> None:
    everything = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    cluster_roles = Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
    await client.create(cluster_roles, {"metadata": {"name": "cluster-admin"}, "rules": everything})
    subjects = [{"kind": "ServiceAccount", "name": "robot", "namespace": "own"}]
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "more"}, "roleRef": reference, "subjects": subjects}
    own = f"{_BINDINGS}/namespaces/own"
    code, told = await robot.asks("POST", f"{own}/rolebindings", binding)
    assert (code, "not currently held" in told["message"]) == (403, True)
    assert await robot.may("POST", f"{_BINDINGS}/clusterrolebindings", binding) == 403
    role = {"metadata": {"name": "more"}, "rules": everything}
    assert await robot.may("POST", f"{own}/roles", role) == 403
    patch = {"Content_Type": "application/merge-patch+json"}
    assert await robot.may("PATCH", f"{own}/roles/robot", {"rules": everything}, **patch) == 403
    assert await robot.may("PUT", f"{own}/roles/robot", {**role, "metadata": {"name": "robot"}}) == 403
    lesser = {"metadata": {"name": "less"}, "rules": _RULES[:1]}
    assert await robot.may("POST", f"{own}/roles", lesser) == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Impersonate_User": "admin"},
        {"Impersonate_User": "system:serviceaccount:kube-system:default"},
        {"Impersonate_User": "admin", "Impersonate_Group": "system:masters"},
    ],
)
async def test_nobody_is_spoken_for_without_the_verb(robot: Robot, headers: dict[str, str]) -> None:
    assert await robot.may("GET", f"{_OWN}/pods", **headers) == 403


async def test_a_changed_token_and_one_of_a_deleted_account_are_no_tokens(
    robot: Robot, client: Client
) -> None:
    head, claims, signature = robot.token.split(".")
    for forged in (
        f"{head}.{claims}.{signature[:-4]}AAAA",
        f"{head}.{claims}.",
        f"{head}.{claims[:-4]}AAAA.{signature}",
        "eyJhbGciOiJub25lIn0." + claims + ".",
    ):
        assert await Robot(robot.kubeconfig, forged).may("GET", f"{_OWN}/pods") == 401
    await client.delete(SERVICE_ACCOUNTS, "robot", "own")
    assert await robot.may("GET", f"{_OWN}/pods") == 401
