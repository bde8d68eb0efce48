"""A real Prometheus, and servers that behave badly, as sources of usage."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kubelab import portal
from kubelab.usage.prometheus import PAGE, PODS_AT_ONCE, PrometheusUsage
from kubelab.usage.prometheus_api import PrometheusUrlError
from kubelab.usage.series import Usage
from tests.unit.usage.prometheus_server import exporter, prometheus

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MANY = PODS_AT_ONCE + 10
SCRAPE_S = 30
SECONDS = int(START.timestamp())

NOW = """
container_cpu_usage_seconds_total{namespace="live",pod="here",container="app"} 5
container_memory_working_set_bytes{namespace="live",pod="here",container="app"} 7e+08
"""


def past() -> str:
    """Write an hour of three workloads: one restarts, one has a hole, and of one there are many pods."""
    times = range(SECONDS, SECONDS + 3601, SCRAPE_S)
    memory, cpu, owners = [], [], []
    for time in times:
        passed = time - SECONDS
        counted = passed * 0.5 if passed < 1800 else (passed - 1800) * 0.5
        cpu.append(f"{_labels('shop', 'web-abc-1')} {counted} {time}")
        memory.append(f"{_labels('shop', 'web-abc-1')} {2**28 + passed} {time}")
        cpu.append(f"{_labels('shop', 'web-abc-1', 'POD')} {passed} {time}")
        if not 1200 < passed < 3000:
            cpu.append(f"{_labels('shop', 'db-0')} {passed * 0.25} {time}")
        memory.append(f"{_labels('shop', 'nan')} NaN {time}")
        memory += [f"{_labels('many', f'p-{number:03}')} {number} {time}" for number in range(MANY)]
        owners.append(
            f'kube_pod_owner{{namespace="shop",pod="web-abc-1",owner_kind="ReplicaSet",owner_name="web-abc",'
            f'owner_is_controller="true"}} 1 {time}'
        )
        owners.append(
            f'kube_pod_owner{{namespace="shop",pod="db-0",owner_kind="StatefulSet",owner_name="db",'
            f'owner_is_controller="true"}} 1 {time}'
        )
    sets = [
        f'kube_replicaset_owner{{namespace="shop",replicaset="web-abc",owner_kind="Deployment",'
        f'owner_name="web",owner_is_controller="true"}} 1 {time}'
        for time in times
    ]
    infos = [f'kube_pod_info{{namespace="shop",pod="web-abc-1",node="n-1"}} 1 {time}' for time in times]
    return "\n".join(
        [
            "# TYPE container_cpu_usage_seconds counter",
            *(f"container_cpu_usage_seconds_total{each}" for each in cpu),
            "# TYPE container_memory_working_set_bytes gauge",
            *(f"container_memory_working_set_bytes{each}" for each in memory),
            "# TYPE kube_pod_owner gauge",
            *owners,
            "# TYPE kube_replicaset_owner gauge",
            *sets,
            "# TYPE kube_pod_info gauge",
            *infos,
            "# EOF\n",
        ]
    )


def _labels(namespace: str, pod: str, container: str = "app") -> str:
    return f'{{namespace="{namespace}",pod="{pod}",container="{container}"}}'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("prometheus")
    with exporter(NOW) as port, prometheus(folder, past=past(), scraped=port) as found:
        yield found


def read(source: PrometheusUsage, namespace: str | None = None, hours: float = 1) -> Usage:
    return portal.run(source.read(START, START + timedelta(hours=hours), namespace=namespace))


def test_use_is_read_with_its_workload_and_node(url: str) -> None:
    found = {(each.container.pod, each.resource): each for each in read(PrometheusUsage(url), "shop").series}
    assert set(found) == {("web-abc-1", "cpu"), ("web-abc-1", "memory"), ("db-0", "cpu")}
    web = found["web-abc-1", "memory"]
    assert (web.container.controller_kind, web.container.controller_name) == ("Deployment", "web")
    assert web.container.node == "n-1"
    assert (len(web.times), web.times[-1], web.values[-1]) == (49, SECONDS + 3600, 2**28 + 3600)
    assert found["db-0", "cpu"].container.controller_kind == "StatefulSet"


def test_a_counter_that_began_anew_is_no_burst_and_no_loss(url: str) -> None:
    (cpu,) = (
        each
        for each in read(PrometheusUsage(url), "shop").series
        if (each.container.pod, each.resource) == ("web-abc-1", "cpu")
    )
    assert cpu.values.max() == pytest.approx(0.5)
    assert cpu.values.min() > 0.2


def test_holes_and_numbers_that_are_none_are_told(url: str) -> None:
    missing = read(PrometheusUsage(url), "shop").missing
    assert "shop/db-0/app cpu: 1 gaps, the longest of 31 minutes" in missing
    assert any(each.startswith("shop/nan/app memory:") and "no numbers" in each for each in missing)


def test_pods_are_asked_for_in_batches_and_time_in_pages(url: str) -> None:
    source = PrometheusUsage(url, step_s=3600 / (2.5 * PAGE))
    found = read(source, "many").series
    assert len(found) == MANY
    for number, each in enumerate(found):
        assert each.container.pod == f"p-{number:03}"
        assert len(each.times) == 2.5 * PAGE + 1
        assert set(each.values) == {float(number)}


def test_what_is_too_much_for_the_server_is_asked_for_in_parts(
    tmp_path: Path,
) -> None:
    with (
        exporter("") as port,
        prometheus(tmp_path, past=past(), scraped=port, max_samples=2000) as small,
    ):
        found = read(PrometheusUsage(small), "many")
    assert {len(each.times) for each in found.series} == {49}
    assert len(found.series) == MANY
    assert not any("failed" in each for each in found.missing)


def test_what_is_scraped_now_is_read(url: str) -> None:
    source = PrometheusUsage(url, step_s=5)
    while True:  # until it has scraped twice
        now = datetime.now(UTC)
        found = portal.run(source.read(now - timedelta(seconds=60), now, namespace="live"))
        if len(found.series) == 2:
            break
    memory = next(each for each in found.series if each.resource == "memory")
    assert memory.values[-1] == 7e8


def test_a_namespace_without_containers_says_what_may_be_wrong(url: str) -> None:
    (said,) = read(PrometheusUsage(url), 'no "such"').missing
    assert 'no containers of namespace no "such"' in said
    assert "Does it scrape cAdvisor?" in said


def test_without_kube_state_metrics_pods_have_no_workload_and_it_is_said(url: str) -> None:
    found = read(PrometheusUsage(url), "many")
    assert {each.container.controller_name for each in found.series} == {""}
    assert found.missing == (
        "whose pods they are is not known: there is no kube_pod_owner (kube-state-metrics tells it)",
    )


@pytest.mark.parametrize("url", ["localhost:9090", "ftp://host", "http://", "", "http://[::1"])
def test_what_is_no_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(PrometheusUrlError, match="http://localhost:9090"):
        PrometheusUsage(url)


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    (sentence,) = read(PrometheusUsage("http://user:secret@127.0.0.1:1")).missing
    assert "http://127.0.0.1:1" in sentence
    assert "secret" not in sentence


Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERIES = {"status": "success", "data": [{"namespace": "shop", "pod": "web", "container": "app"}]}


def read_from(answer: Answer, timeout_s: float = 60.0) -> Usage:
    async def run() -> Usage:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        async with TestServer(app) as server:
            source = PrometheusUsage(str(server.make_url("/")), timeout_s=timeout_s)
            return await source.read(START, START + HOUR)

    return portal.run(run())


def test_a_server_that_is_slow_is_given_up() -> None:
    release = threading.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.to_thread(release.wait, 2)
        return web.json_response(SERIES)

    try:
        (sentence,) = read_from(answer, timeout_s=0.05).missing
    finally:
        release.set()
    assert "no answer within 0.05 s" in sentence


def test_reading_ends_in_time_though_queries_hang() -> None:
    release = threading.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("query_range"):
            await asyncio.to_thread(release.wait, 5)
        return web.json_response(SERIES)

    async def run() -> Usage:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        async with TestServer(app) as server:
            source = PrometheusUsage(str(server.make_url("/")), deadline_s=0.2)
            found = await source.read(START, START + HOUR)
            release.set()
            return found

    assert "2 of 2 queries were not answered within 0.2 s" in portal.run(run()).missing


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, "no healthy upstream", "status 503"),
        (200, "<html>sign in</html>", "not an answer of Prometheus"),
        (200, "[]", "not an answer of Prometheus"),
        (401, '{"status":"error","error":"no token"}', "no token"),
    ],
)
def test_a_server_that_refuses_is_told_of(status: int, body: str, said: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body)

    found = read_from(answer)
    assert found.series == ()
    assert said in found.missing[0]


def test_what_can_be_read_is_there_though_other_queries_fail() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if request.path.endswith("series"):
            return web.json_response(SERIES)
        if "cpu" in str(form["query"]):
            return web.json_response({"status": "error", "error": "out of memory"}, status=500)
        metric = SERIES["data"][0]  # type: ignore[index]
        values = [[SECONDS + 60, "1e9"], [SECONDS + 135, "NaN"]]
        return web.json_response(
            {"status": "success", "data": {"result": [{"metric": metric, "values": values}]}}
        )

    found = read_from(answer)
    assert [each.values.tolist() for each in found.series] == [[1e9]]
    assert found.missing[0].startswith("1 of 2 queries failed. Prometheus at http://127.0.0.1")
    assert found.missing[0].endswith("out of memory")


def test_a_first_failure_is_forgiven() -> None:
    asked = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if len(asked) == 1:
            return web.Response(status=502)
        return web.json_response({"status": "success", "data": []})

    assert "knows no containers" in read_from(answer).missing[0]
    assert len(asked) == 2
