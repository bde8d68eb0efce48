"""What ``/metrics`` says of the requests before it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kubelab.client import CONFIG_MAPS, PODS, Client
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import NotFoundError
from kubelab.http import Kubeconfig
from tests.measured import Numbers, numbers, total
from tests.unit.engine.apiserver.conftest import config_map, foo_definition
from tests.unit.engine.apiserver.test_access import grant, write_users
from tests.unit.engine.apiserver.test_http import fetch


async def scrape(client: Client) -> Numbers:
    """Return every number that the server tells."""
    answer = await client.transport.request("GET", "/metrics", {})
    assert answer.status == 200
    return numbers(answer.body.decode())


async def test_requests_are_counted_by_what_they_ask_and_how_they_end(client: Client) -> None:
    before = await scrape(client)
    for name in ("a", "b", "c"):
        await client.create(CONFIG_MAPS, config_map(name), "default")
    for name in ("a", "a", "b"):
        await client.get(CONFIG_MAPS, name, "default")
    with pytest.raises(NotFoundError):
        await client.get(CONFIG_MAPS, "none", "default")
    await client.list(CONFIG_MAPS, "default")
    await client.list(CONFIG_MAPS)
    await client.patch(CONFIG_MAPS, "a", {"data": {"a": "c"}}, "default")
    await client.delete(CONFIG_MAPS, "a", "default")
    after = await scrape(client)

    def moved(**labels: str) -> float:
        name = "apiserver_request_total"
        told = {"resource": "configmaps", "component": "apiserver", **labels}
        return total(after, name, **told) - total(before, name, **told)

    assert moved(verb="POST", code="201", scope="resource", version="v1", group="") == 3
    assert moved(verb="GET", code="200", scope="resource") == 3
    assert moved(verb="GET", code="404") == 1
    assert moved(verb="LIST", code="200", scope="namespace") == 1
    assert moved(verb="LIST", code="200", scope="cluster") == 1
    assert moved(verb="PATCH", code="200") == 1
    assert moved(verb="DELETE", code="200") == 1
    assert moved() == 11
    for name in ("count", "bucket"):
        told = {"resource": "configmaps", "verb": "GET", **({"le": "+Inf"} if name == "bucket" else {})}
        assert total(after, f"apiserver_request_duration_seconds_{name}", **told) == 4


async def test_a_dry_run_and_an_apply_are_told_apart(client: Client) -> None:
    body = b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}'
    query = {"fieldManager": "me", "dryRun": "All"}
    path = CONFIG_MAPS.path("default", "a")
    await client.transport.request("PATCH", path, query, body, "application/apply-patch+yaml")
    found = await scrape(client)
    assert total(found, "apiserver_request_total", verb="APPLY", dry_run="All", code="201") == 1


async def test_no_client_chooses_the_text_of_a_label(client: Client) -> None:
    for method, path in (("BREW", CONFIG_MAPS.path("default", "a")), ("GET", "/apis/no/v1/secret-text")):
        await client.transport.request(method, path, {"dryRun": "secret-text"})
    text = (await client.transport.request("GET", "/metrics", {})).body.decode()
    assert "secret-text" not in text
    assert "BREW" not in text


async def test_a_watch_is_long_running_until_it_ends_and_its_events_are_counted(client: Client) -> None:
    async def follow(ready: asyncio.Event) -> None:
        async for _ in client.watch(CONFIG_MAPS, "default"):
            ready.set()

    ready = asyncio.Event()
    await client.create(CONFIG_MAPS, config_map("first"), "default")
    watch = asyncio.create_task(follow(ready))
    await ready.wait()
    ready.clear()
    await client.create(CONFIG_MAPS, config_map("second"), "default")
    await ready.wait()
    during = await scrape(client)
    labels = {"resource": "configmaps", "version": "v1"}
    assert total(during, "apiserver_longrunning_requests", verb="WATCH", **labels) == 1
    assert total(during, "apiserver_watch_events_total", **labels) == 3  # with the bookmark between them
    assert total(during, "apiserver_request_total", verb="WATCH", **labels) == 0
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    after = await scrape(client)
    assert total(after, "apiserver_longrunning_requests", verb="WATCH", **labels) == 0
    assert total(after, "apiserver_request_total", verb="WATCH", code="200", **labels) == 1


async def test_the_store_tells_its_objects_and_commits(client: Client) -> None:
    before = await scrape(client)
    await client.create(CONFIG_MAPS, config_map("a"), "default")
    await client.create(CONFIG_MAPS, config_map("b"), "default")
    after = await scrape(client)
    assert total(after, "apiserver_resource_objects", group="", resource="configmaps") == 2
    name = "kubelab_journal_commit_duration_seconds_count"
    assert total(after, name) - total(before, name) == 2


async def test_only_the_scrape_itself_is_under_way_when_nothing_else_is(client: Client) -> None:
    found = await scrape(client)
    assert total(found, "apiserver_current_inflight_requests", request_kind="readOnly") == 1
    assert total(found, "apiserver_current_inflight_requests", request_kind="mutating") == 0


async def test_a_kind_that_comes_again_goes_on_counting(client: Client, server: ApiServer) -> None:
    path = "/apis/example.com/v1/namespaces/default/foos"
    for _ in range(2):
        server.kinds.add_crd(foo_definition())
        assert (await client.transport.request("GET", path, {})).status == 200
        server.kinds.remove_crd("foos.example.com")
    found = await scrape(client)
    assert total(found, "apiserver_request_total", resource="foos", verb="LIST", code="200") == 2


async def test_metrics_are_for_who_may_get_that_path(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann,42")
    assert (await fetch(kubeconfig, "/metrics", token=""))[0] == 401
    assert (await fetch(kubeconfig, "/metrics", token="t-ann"))[0] == 403
    await grant(client, "ann", {"nonResourceURLs": ["/metrics"], "verbs": ["get"]})
    status, headers, body = await fetch(kubeconfig, "/metrics", token="t-ann")
    assert status == 200
    assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert b"kubernetes_build_info{" in body
    assert (await fetch(kubeconfig, "/metrics", method="POST", token="secret"))[0] == 405


async def test_a_refused_request_is_counted_as_refused(
    client: Client, kubeconfig: Kubeconfig, tmp_path: Path
) -> None:
    write_users(tmp_path, "t-ann,ann,42")
    assert (await fetch(kubeconfig, PODS.path(), token="t-ann"))[0] == 403
    found = await scrape(client)
    assert total(found, "apiserver_request_total", resource="pods", verb="LIST", code="403") == 1


async def test_paths_that_are_not_objects_are_told_as_upstream_tells_them(client: Client) -> None:
    await client.transport.request("GET", "/healthz", {})
    labels = {"verb": "GET", "code": "200", "resource": "", "scope": "", "component": ""}
    assert total(await scrape(client), "apiserver_request_total", subresource="/healthz", **labels) == 1
