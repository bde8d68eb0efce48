"""kube-proxy's own metrics, and a cluster that serves them."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping

import orjson
import pytest

from kubelab import portal
from kubelab.client import Client, Response
from kubelab.limits.kube_proxy import Histogram, ProxyReading, read_histograms, read_proxies

TEXT = """\
# HELP kubeproxy_sync_full_proxy_rules_duration_seconds [ALPHA] SyncProxyRules latency
# TYPE kubeproxy_sync_full_proxy_rules_duration_seconds histogram
kubeproxy_sync_full_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="0.001"} 0
kubeproxy_sync_full_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="1.024"} 6
kubeproxy_sync_full_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="2.048"} 10
kubeproxy_sync_full_proxy_rules_duration_seconds_bucket{ip_family="IPv4",le="+Inf"} 10
kubeproxy_sync_full_proxy_rules_duration_seconds_sum{ip_family="IPv4"} 9.5
kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family="IPv4"} 10
kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="+Inf"} 0
process_cpu_seconds_total 12
"""


class Served:
    """A transport to an API server that knows only kube-proxy's pods and what they serve."""

    def __init__(self, pods: list[str], texts: Mapping[str, str]) -> None:
        self.pods, self.texts = pods, texts

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        space = "/api/v1/namespaces/kube-system/pods"
        if path == space:
            assert query == {"labelSelector": "k8s-app=kube-proxy"}
            return Response(
                200, orjson.dumps({"items": [{"metadata": {"name": name}} for name in self.pods]})
            )
        pod = path.removeprefix(f"{space}/").removesuffix(":10249/proxy/metrics")
        if pod in self.texts:
            return Response(200, self.texts[pod].encode(), "text/plain")
        return Response(503, b"dial tcp 10.0.0.1:10249: connect: connection refused")

    def stream(self, method: str, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


def read(pods: list[str], texts: Mapping[str, str]) -> ProxyReading:
    return portal.run(read_proxies(Client(Served(pods, texts))))


def test_buckets_of_all_proxies_are_added_up() -> None:
    found = read_histograms([TEXT, TEXT])
    assert list(found) == ["full sync"]
    assert found["full sync"].buckets == ((0.001, 0.0), (1.024, 12.0), (2.048, 20.0), (math.inf, 20.0))


def test_a_quantile_is_linear_within_its_bucket() -> None:
    histogram = read_histograms([TEXT])["full sync"]
    assert histogram.quantile(0.8) == pytest.approx(1.024 + 1.024 / 2)
    assert Histogram(((1.0, 1.0), (math.inf, 2.0))).quantile(0.99) == 1.0
    assert math.isnan(Histogram(()).quantile(0.5))


def test_proxies_are_read_through_the_api_server() -> None:
    reading = read(["kube-proxy-a", "kube-proxy-b"], {"kube-proxy-a": TEXT, "kube-proxy-b": TEXT})
    assert reading.sentences == ("kube-proxy, full sync: p50 0.854 s, p99 2.02 s, 20 in 2 proxies",)


def test_proxies_that_keep_their_metrics_to_themselves_are_told() -> None:
    reading = read(["kube-proxy-a"], {})
    (sentence,) = reading.sentences
    assert sentence.startswith(
        "kube-proxy: the metrics of 1 are not open to the API server; limits.kind_config"
    )


def test_a_cluster_without_kube_proxy_is_told() -> None:
    assert read([], {}).sentences == ("kube-proxy: the cluster runs none",)
