"""exec, attach and portforward: who may, what is refused, and what a request without a WebSocket gets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from kubelab.client import PODS, Client, Object, Resource
from kubelab.engine.apiserver import ApiServer, LogOptions
from kubelab.engine.apiserver.pod_streams import PodSession, StreamOptions
from kubelab.engine.apiserver.status import failure
from kubelab.errors import ApiError
from kubelab.http import Kubeconfig
from tests.unit.engine.apiserver.conftest import pod
from tests.unit.engine.apiserver.test_http import fetch
from tests.unit.engine.apiserver.test_subresources import bind

ROLES = Resource("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
EXEC = "/api/v1/namespaces/default/pods/web/exec"


class Silent:
    """A command that says nothing and ends at once."""

    async def output(self) -> AsyncIterator[tuple[str, bytes]]:
        yield "stdout", b"done"

    async def write(self, data: bytes) -> None: ...

    def close_stdin(self) -> None: ...

    def resize(self, width: int, height: int) -> None: ...

    async def exit_code(self) -> int | None:
        return 0

    async def close(self) -> None: ...


class Node:
    """A node that runs nothing and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, StreamOptions]] = []
        self.runs = True

    async def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        yield b""

    def check_running(self, pod: Object, container: str) -> None:
        if not self.runs:
            raise failure(500, "InternalError", f'container not found ("{container}")')

    async def exec(self, pod: Object, container: str, options: StreamOptions) -> PodSession:
        self.asked.append((container, options))
        return Silent()

    async def attach(self, pod: Object, container: str, options: StreamOptions) -> PodSession:
        return await self.exec(pod, container, options)

    async def connect(self, pod: Object, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        raise failure(500, "InternalError", "refused")


@pytest.fixture
async def node(server: ApiServer, client: Client) -> Node:
    """A node with a pod on it."""
    made = Node()
    server.register_node("n1", made)
    await client.create(PODS, pod(), "default")
    await bind(client)
    return made


async def send(kubeconfig: Kubeconfig, path: str, method: str = "POST") -> tuple[int, bytes]:
    status, _, body = await fetch(kubeconfig, path, method=method)
    return status, body


async def websocket(kubeconfig: Kubeconfig, path: str, protocol: str, **headers: str) -> list[bytes]:
    """Return the messages that a WebSocket brings until it ends."""
    given = {"Authorization": "Bearer secret", **headers}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            kubeconfig.server + path, ssl=kubeconfig.ssl_context(), headers=given, protocols=[protocol]
        ) as socket,
    ):
        assert socket.protocol == protocol
        return [message.data async for message in socket]


@pytest.mark.parametrize("protocol", ["v5.channel.k8s.io", "v4.channel.k8s.io"])
async def test_a_command_runs_over_a_websocket(kubeconfig: Kubeconfig, node: Node, protocol: str) -> None:
    path = f"{EXEC}?command=echo&command=a%20b&command=&stdout=true&stdin=false&stderr=true"
    messages = await websocket(kubeconfig, path, protocol)
    assert messages[0] == b"\x01done"
    assert b'"Success"' in messages[-1]
    ((container, options),) = node.asked
    assert container == "main"
    assert options == StreamOptions(command=("echo", "a b", ""), stdout=True, stderr=True)


@pytest.mark.parametrize("what", ["exec?command=true", "attach?stdout=true", "portforward?ports=80"])
async def test_a_pod_on_a_node_that_runs_nothing_cannot_be_reached(
    kubeconfig: Kubeconfig, client: Client, what: str
) -> None:
    await client.create(PODS, pod(), "default")
    await bind(client, "kwok-node-0")
    status, body = await send(kubeconfig, f"/api/v1/namespaces/default/pods/web/{what}")
    assert (status, b'its node \\"kwok-node-0\\" is simulated' in body) == (400, True)


async def test_a_protocol_that_is_not_spoken_is_refused(kubeconfig: Kubeconfig, node: Node) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await websocket(kubeconfig, f"{EXEC}?command=true", "v9.channel.k8s.io")
    assert refused.value.status == 403
    assert node.asked == []


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_plain_request_needs_an_upgrade_and_runs_nothing(
    kubeconfig: Kubeconfig, node: Node, method: str
) -> None:
    status, body = await send(kubeconfig, f"{EXEC}?command=true", method)
    assert status == 400
    assert b"Upgrade request required" in body
    assert node.asked == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("command=true&container=other", b"container other is not valid for pod web"),
        ("stdout=true", b"you must specify at least 1 command"),
        ("command=a&stdout=false&stderr=false", b"you must specify at least 1 of stdin, stdout, stderr"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    kubeconfig: Kubeconfig, node: Node, query: str, message: bytes
) -> None:
    status, body = await send(kubeconfig, f"{EXEC}?{query}")
    assert status == 400
    assert message in body


async def test_pods_that_cannot_be_entered_say_why(
    kubeconfig: Kubeconfig, client: Client, node: Node
) -> None:
    assert (await send(kubeconfig, EXEC.replace("web", "none")))[0] == 404
    await client.create(PODS, pod("new"), "default")
    _, body = await send(kubeconfig, f"{EXEC.replace('web', 'new')}?command=true")
    assert b"pod new does not have a host assigned" in body
    _, body = await send(kubeconfig, EXEC.replace("web/exec", "new/portforward"))
    assert b"pod new does not have a host assigned" in body
    node.runs = False
    assert (await send(kubeconfig, f"{EXEC}?command=true"))[0] == 500


async def test_reading_alone_does_not_allow_commands(
    kubeconfig: Kubeconfig, client: Client, node: Node
) -> None:
    rule: dict[str, Any] = {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["get"]}
    await client.create(ROLES, {"metadata": {"name": "in"}, "rules": [rule]}, "default")
    subject = {"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}
    role = {"kind": "Role", "name": "in", "apiGroup": "rbac.authorization.k8s.io"}
    binding = {"metadata": {"name": "in"}, "subjects": [subject], "roleRef": role}
    await client.create(ROLE_BINDINGS, binding, "default")
    path, ann = f"{EXEC}?command=true", {"Impersonate-User": "ann"}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await websocket(kubeconfig, path, "v5.channel.k8s.io", **ann)
    assert refused.value.status == 403
    await client.patch(ROLES, "in", {"rules": [{**rule, "verbs": ["get", "create"]}]}, "default")
    assert (await websocket(kubeconfig, path, "v5.channel.k8s.io", **ann))[0] == b"\x01done"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await websocket(kubeconfig, path, "v5.channel.k8s.io", Authorization="Bearer wrong")
    assert refused.value.status == 401


async def test_what_is_no_stream_is_not_served_over_a_websocket(kubeconfig: Kubeconfig) -> None:
    for path in ("/api/v1/pods", "/api/v1/pods?watch=true"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await websocket(kubeconfig, path, "v5.channel.k8s.io")
        assert refused.value.status == 400


async def test_ephemeral_containers_are_refused_with_the_way_out(client: Client, node: Node) -> None:
    patch = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}}
    with pytest.raises(ApiError, match="--copy-to") as refused:
        await client.patch(PODS, "web", patch, "default", subresource="ephemeralcontainers")
    assert refused.value.code == 403
