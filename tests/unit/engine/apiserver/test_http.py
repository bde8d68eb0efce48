"""Over TLS: sign-in, headers, tables, streams, disconnects, discovery and health."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import yaml

from kubelab.client import CONFIG_MAPS, PODS, SERVICE_ACCOUNTS, TRAIN_JOBS, Client
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.serve import PortTakenError, Served, serve
from kubelab.engine.apiserver.tls import ensure_tls
from kubelab.errors import ApiError, NotFoundError
from kubelab.http import HttpTransport, Kubeconfig
from tests.unit.engine.apiserver.conftest import config_map, pod

TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


async def fetch(
    kubeconfig: Kubeconfig, path: str, *, method: str = "GET", token: str = "secret", **options: Any
) -> tuple[int, Any, bytes]:
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **options.pop("headers", {})}
    tls = kubeconfig.ssl_context()
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, kubeconfig.server + path, ssl=tls, headers=headers, **options) as answer,
    ):
        return answer.status, answer.headers, await answer.read()


async def test_the_same_object_by_both_ways(client: Client, remote: Client) -> None:
    created = await remote.create(PODS, pod(), "default")
    assert await client.get(PODS, "web", "default") == created
    with pytest.raises(NotFoundError, match=r'^pods "x" not found$'):
        await remote.get(PODS, "x", "default")


async def test_a_wrong_token_is_refused(kubeconfig: Kubeconfig) -> None:
    for token in ("wrong", ""):
        status, _, body = await fetch(kubeconfig, "/api/v1/pods", token=token)
        assert status == 401
        assert orjson.loads(body)["reason"] == "Unauthorized"


async def test_health_and_version_need_no_token(kubeconfig: Kubeconfig) -> None:
    for path in ("/healthz", "/livez", "/readyz"):
        assert (await fetch(kubeconfig, path, token=""))[::2] == (200, b"ok")
    _, _, body = await fetch(kubeconfig, "/readyz?verbose", token="")
    assert body.splitlines()[-1] == b"readyz check passed"
    _, _, body = await fetch(kubeconfig, "/version", token="")
    assert orjson.loads(body)["minor"] == "37"


async def test_plain_http_is_not_served(served: Served) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert b"200" not in await reader.read(100)
    writer.close()


async def test_the_certificate_is_for_this_address_and_signed_by_the_ca(
    served: Served, tmp_path: Path
) -> None:
    context = ssl.create_default_context(cafile=str(ensure_tls(tmp_path).ca))
    _, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context)
    writer.close()
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncio.open_connection("127.0.0.1", served.port, ssl=ssl.create_default_context())


async def test_keys_and_kubeconfig_are_private(kubeconfig: Kubeconfig, tmp_path: Path) -> None:
    for path in (tmp_path / "kubeconfig", tmp_path / "tls" / "server.key", tmp_path / "journal.db"):
        assert path.stat().st_mode & 0o077 == 0
    assert yaml.safe_load((tmp_path / "kubeconfig").read_text())["current-context"] == "lab"


async def test_a_port_in_use_is_a_clear_error(server: ApiServer, served: Served, tmp_path: Path) -> None:
    with pytest.raises(PortTakenError, match=str(served.port)):
        await serve(server, port=served.port, tls=ensure_tls(tmp_path))


@pytest.mark.parametrize(
    "host", ["localhost:1", "127.0.0.1", "127.0.0.2:443", "[::1]:80", "kubernetes.default.svc"]
)
async def test_this_machines_names_are_answered(kubeconfig: Kubeconfig, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert (await fetch(kubeconfig, "/api/v1/pods", headers=headers))[0] == 200


@pytest.mark.parametrize("header", ["Host", "Origin"])
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "8.8.8.8", "["]
)
async def test_a_foreign_host_or_origin_is_refused(kubeconfig: Kubeconfig, header: str, host: str) -> None:
    headers = {header: host if header == "Host" else f"https://{host}"}
    for path in ("/api/v1/pods", "/readyz"):
        status, _, body = await fetch(kubeconfig, path, headers=headers)
        assert status == 403
        assert orjson.loads(body)["message"].startswith(f"{header} '")
    assert (await fetch(kubeconfig, "/readyz", headers={"Origin": "null"}))[0] == 403


async def test_nothing_but_health_and_version_is_served_without_a_token(kubeconfig: Kubeconfig) -> None:
    paths = orjson.loads((await fetch(kubeconfig, "/"))[2])["paths"]
    groups = [path for path in paths if path.startswith(("/api/", "/apis/"))]
    resources = []
    for path in groups:
        found = orjson.loads((await fetch(kubeconfig, path))[2])
        resources += [f"{path}/{entry['name'].replace('/', '/x/')}" for entry in found["resources"]]
    assert len(resources) > 50
    others = ["/metrics", "/healthzz", "/versions"]
    open_paths = set()
    for path in [*paths, *resources, *others]:
        for method in ("GET", "POST", "DELETE"):
            status, _, _ = await fetch(kubeconfig, path, method=method, token="")
            if status != 401:
                open_paths.add(path)
    assert open_paths == {"/healthz", "/livez", "/readyz", "/version"}


async def test_unknown_fields_are_warned_of(kubeconfig: Kubeconfig) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    body = orjson.dumps({**config_map("a"), 'co"lour': "red"})
    _, headers, _ = await fetch(kubeconfig, path, method="POST", data=body)
    assert headers["Warning"] == '299 - "unknown field \\"co\\\\\\"lour\\""'.replace("\\\\\\", "\\")


async def test_tables_and_metadata_by_accept(remote: Client, kubeconfig: Kubeconfig) -> None:
    await remote.create(PODS, pod(), "default")
    _, _, body = await fetch(kubeconfig, "/api/v1/namespaces/default/pods", headers={"Accept": TABLE})
    table = orjson.loads(body)
    assert table["kind"] == "Table"
    assert table["rows"][0]["cells"][0] == "web"
    assert table["metadata"]["resourceVersion"] == "5"
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    _, _, body = await fetch(kubeconfig, "/api/v1/namespaces/default/pods", headers=accept)
    partial = orjson.loads(body)
    assert partial["kind"] == "PartialObjectMetadataList"
    assert set(partial["items"][0]) == {"kind", "apiVersion", "metadata"}


async def test_a_client_that_reads_none_of_our_formats_is_refused(kubeconfig: Kubeconfig) -> None:
    status, _, body = await fetch(kubeconfig, "/api/v1/pods", headers={"Accept": "application/xml"})
    assert status == 406
    assert orjson.loads(body)["reason"] == "NotAcceptable"
    protobuf = {"Accept": "application/vnd.kubernetes.protobuf"}
    assert (await fetch(kubeconfig, "/api/v1/pods", headers=protobuf))[0] == 200


async def test_a_table_watch_sends_its_columns_once(remote: Client, kubeconfig: Kubeconfig) -> None:
    for name in ("a", "b"):
        await remote.create(PODS, pod(name), "default")
    path = "/api/v1/namespaces/default/pods?watch=1&timeoutSeconds=1"
    _, _, body = await fetch(kubeconfig, path, headers={"Accept": TABLE})
    first, second = (orjson.loads(line)["object"] for line in body.splitlines())
    assert first["columnDefinitions"]
    assert not second["columnDefinitions"]
    assert second["rows"][0]["cells"][0] == "b"


async def test_a_watch_ends_with_its_client(
    remote: Client, server: ApiServer, kubeconfig: Kubeconfig
) -> None:
    watched = server._watches._watched
    transport = HttpTransport(kubeconfig)
    source = Client(transport).watch(CONFIG_MAPS, "default")
    await remote.create(CONFIG_MAPS, config_map("a"), "default")
    assert (await anext(source)).type == "ADDED"
    assert len(watched) == 1
    await source.aclose()
    await transport.close()
    async with asyncio.timeout(10):
        while watched:  # noqa: ASYNC110 - the server tells nobody when a watch ends
            await asyncio.sleep(0.001)


async def test_no_number_of_watches_makes_a_request_of_the_same_client_wait(remote: Client) -> None:
    watches = [remote.watch(CONFIG_MAPS, "default") for _ in range(100)]
    async with asyncio.timeout(60):
        first = await asyncio.gather(*(anext(each) for each in watches))
        assert {event.type for event in first} == {"BOOKMARK"}
        await remote.create(CONFIG_MAPS, config_map("a"), "default")
        assert {(await anext(each)).type for each in watches} == {"ADDED"}
    for each in watches:
        await each.aclose()


async def test_a_client_that_does_not_read_is_given_up(
    remote: Client, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.engine.apiserver.collection._HISTORY_BYTES", 1_000_000)
    context = ssl.create_default_context(cafile=str(ensure_tls(tmp_path).ca))
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context)
    head = "GET /api/v1/configmaps?watch=1&resourceVersion=4 HTTP/1.1\r\nHost: localhost"
    writer.write(f"{head}\r\nAuthorization: Bearer secret\r\n\r\n".encode())
    assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
    large, count = "x" * 500_000, 60
    for each in range(count):
        await remote.create(CONFIG_MAPS, {**config_map(f"m{each}"), "data": {"a": large}}, "default")
    rest = b""
    async with asyncio.timeout(30):
        while not rest.endswith(b"\r\n0\r\n\r\n"):
            rest += await reader.read(2**20)
    assert b"too old resource version" in rest[-1000:]
    assert len(rest) < count * len(large)
    writer.close()


async def test_a_client_that_leaves_in_mid_request_harms_nobody(
    remote: Client, served: Served, tmp_path: Path
) -> None:
    context = ssl.create_default_context(cafile=str(ensure_tls(tmp_path).ca))
    _, writer = await asyncio.open_connection("127.0.0.1", served.port, ssl=context)
    head = (
        "POST /api/v1/namespaces/default/pods HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\n"
    )
    writer.write(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    await writer.drain()
    writer.transport.abort()
    assert (await remote.list(PODS)).items == []


async def test_a_body_over_the_limit_is_refused(kubeconfig: Kubeconfig) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    status, _, body = await fetch(kubeconfig, path, method="POST", data=b" " * (3 * 1024 * 1024 + 1))
    assert status == 413
    assert orjson.loads(body)["reason"] == "RequestEntityTooLarge"


async def test_discovery_plain_and_aggregated(kubeconfig: Kubeconfig) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
    _, headers, body = await fetch(kubeconfig, "/apis", headers={"Accept": accept})
    assert "as=APIGroupDiscoveryList" in headers["Content-Type"]
    groups = {item["metadata"]["name"] for item in orjson.loads(body)["items"]}
    assert {"apps", "batch"} <= groups
    _, _, body = await fetch(kubeconfig, "/apis")
    assert orjson.loads(body)["kind"] == "APIGroupList"
    _, _, body = await fetch(kubeconfig, "/api/v1")
    assert "pods/log" in {entry["name"] for entry in orjson.loads(body)["resources"]}
    _, _, body = await fetch(kubeconfig, "/openapi/v3")
    assert "apis/batch/v1" in orjson.loads(body)["paths"]
    status, _, _ = await fetch(kubeconfig, "/openapi/v3/apis/batch/v1")
    assert status == 200
    status, _, _ = await fetch(kubeconfig, "/openapi/v3/apis/nothing/v1")
    assert status == 404


async def test_an_administrator_speaks_for_others(remote: Client, kubeconfig: Kubeconfig) -> None:
    headers = {"Impersonate-User": "bob"}
    status, _, body = await fetch(kubeconfig, "/api/v1/namespaces/default/pods", headers=headers)
    assert status == 403
    assert orjson.loads(body)["message"] == (
        'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "default"'
    )


async def test_a_jobs_token_reports_its_progress_and_nothing_else(
    client: Client, remote: Client, kubeconfig: Kubeconfig
) -> None:
    from kubelab.clock import RealClock
    from kubelab.engine.bootstrap import bootstrap

    await bootstrap(client, RealClock())
    job = {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": "digits"},
        "spec": {"runtimeRef": {"name": "jax-distributed"}},
    }
    await client.create(TRAIN_JOBS, job, "default")
    path = f"{TRAIN_JOBS.path('default', 'digits')}/status"
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
    await client.create(SERVICE_ACCOUNTS, account, "default")
    request = {"spec": {"audiences": [path.removeprefix("/apis/")]}}
    issued = await client.create(
        SERVICE_ACCOUNTS, request, "default", subresource_of="robot", subresource="token"
    )
    token = issued["status"]["token"]
    body = {"trainerStatus": {"progressPercentage": 40, "metrics": [{"name": "loss", "value": "0.5"}]}}
    status, _, answer = await fetch(kubeconfig, path, method="POST", token=token, json=body)
    assert status == 200, answer
    reported = (await client.get(TRAIN_JOBS, "digits", "default"))["status"]["trainerStatus"]
    assert reported["progressPercentage"] == 40
    assert (await fetch(kubeconfig, path, token=token))[0] == 401
    assert (await fetch(kubeconfig, "/api/v1/pods", token=token))[0] == 401
    other = path.replace("digits", "letters")
    assert (await fetch(kubeconfig, other, method="POST", token=token, json=body))[0] == 401
    too_many = {"trainerStatus": {"metrics": [{"name": str(each), "value": "1"} for each in range(257)]}}
    with pytest.raises(ApiError):
        await remote.create(TRAIN_JOBS, too_many, "default", subresource_of="digits", subresource="status")


async def test_yaml_is_answered_where_it_is_asked_for(remote: Client, kubeconfig: Kubeconfig) -> None:
    await remote.create(CONFIG_MAPS, {"metadata": {"name": "a"}, "data": {"k": "1"}}, "default")
    path, accept = "/api/v1/namespaces/default/configmaps", {"Accept": "application/yaml"}
    for at, name in ((f"{path}/a", "a"), (f"{path}/none", "none")):
        _, headers, body = await fetch(kubeconfig, at, headers=accept)
        assert headers["Content-Type"] == "application/yaml"
        found = yaml.safe_load(body)
        assert name in (found["metadata"].get("name"), found.get("details", {}).get("name"))
    _, _, body = await fetch(kubeconfig, path, headers=accept)
    assert yaml.safe_load(body)["items"][0]["data"] == {"k": "1"}


async def test_what_could_not_be_answered_is_not_done(remote: Client, kubeconfig: Kubeconfig) -> None:
    body, path = orjson.dumps(config_map("a")), "/api/v1/namespaces/default/configmaps"
    status, _, _ = await fetch(kubeconfig, path, method="POST", data=body, headers={"Accept": "text/html"})
    assert status == 406
    assert not (await remote.list(CONFIG_MAPS, "default")).items
