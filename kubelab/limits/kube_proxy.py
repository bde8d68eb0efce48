"""What kube-proxy itself says of the rules it programs: its metrics, read through the API server.

kube-proxy serves them at port 10249 of its node, by default to the node alone
(``metricsBindAddress: 127.0.0.1:10249``); `kubelab.limits.kind_config` opens it. Names: kubernetes v1.36
``pkg/proxy/metrics/metrics.go``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kubelab.client import PODS, Client
from kubelab.errors import ApiError, ConnectionFailedError

_PORT = 10249
_NAMESPACE = "kube-system"
_SELECTOR = "k8s-app=kube-proxy"
METRICS = {
    "full sync": "kubeproxy_sync_full_proxy_rules_duration_seconds",
    "partial sync": "kubeproxy_sync_partial_proxy_rules_duration_seconds",
    "sync": "kubeproxy_sync_proxy_rules_duration_seconds",
    "network programming": "kubeproxy_network_programming_duration_seconds",
}
_BUCKET = re.compile(r'^(\w+)_bucket\{(.*?)le="([^"]+)"(.*?)\}\s+(\S+)')
_REMEDY = "limits.kind_config() makes a cluster where they can be read"


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts by upper bound, cumulative as Prometheus has them, of all kube-proxies together."""

    buckets: tuple[tuple[float, float], ...]

    @property
    def count(self) -> int:
        """How many there were."""
        return int(self.buckets[-1][1]) if self.buckets else 0

    def quantile(self, q: float) -> float:
        """Return a quantile, linear within a bucket as ``histogram_quantile`` of Prometheus; NaN of none."""
        if not self.count:
            return math.nan
        rank, lower, below = q * self.count, 0.0, 0.0
        for upper, cumulative in self.buckets:
            if cumulative >= rank:
                if math.isinf(upper):
                    return lower
                share = (rank - below) / (cumulative - below) if cumulative > below else 1.0
                return lower + (upper - lower) * share
            lower, below = upper, cumulative
        return lower


@dataclass(frozen=True, slots=True)
class ProxyReading:
    """What the kube-proxies of a cluster said.

    Attributes
    ----------
    proxies : int
        How many were read.
    histograms : dict of str to Histogram
        In seconds, by what was timed: full sync, partial sync, sync, network programming.
    missing : str
        Why there are none; "" if there are.
    """

    proxies: int
    histograms: dict[str, Histogram]
    missing: str = ""

    @property
    def sentences(self) -> tuple[str, ...]:
        """A line for each thing timed, or one that says why there are none."""
        if self.missing:
            return (f"kube-proxy: {self.missing}",)
        return tuple(
            f"kube-proxy, {what}: p50 {each.quantile(0.5):.3g} s, p99 {each.quantile(0.99):.3g} s, "
            f"{each.count} in {self.proxies} proxies"
            for what, each in self.histograms.items()
        )


async def read_proxies(client: Client) -> ProxyReading:
    """Read every kube-proxy that the API server can reach."""
    try:
        pods = (await client.list(PODS, _NAMESPACE, label_selector=_SELECTOR)).items
    except ApiError as error:
        return ProxyReading(0, {}, f"its pods cannot be listed ({error.message})")
    if not pods:
        return ProxyReading(0, {}, "the cluster runs none")
    texts = [text for pod in pods if (text := await _metrics(client, pod["metadata"]["name"]))]
    if not texts:
        return ProxyReading(0, {}, f"the metrics of {len(pods)} are not open to the API server; {_REMEDY}")
    return ProxyReading(len(texts), read_histograms(texts))


def read_histograms(texts: Iterable[str]) -> dict[str, Histogram]:
    """Return kube-proxy's histograms in Prometheus texts, added up, but those without samples."""
    wanted = {metric: what for what, metric in METRICS.items()}
    sums: dict[str, dict[float, float]] = {}
    for line in (line for text in texts for line in text.splitlines()):
        if (found := _BUCKET.match(line)) and found[1] in wanted:
            bounds = sums.setdefault(wanted[found[1]], {})
            upper = float(found[3])
            bounds[upper] = bounds.get(upper, 0.0) + float(found[5])
    made = {what: Histogram(tuple(sorted(sums[what].items()))) for what in METRICS if what in sums}
    return {what: each for what, each in made.items() if each.count}


async def _metrics(client: Client, pod: str) -> str:
    path = PODS.path(_NAMESPACE, f"{pod}:{_PORT}", "proxy") + "/metrics"
    try:
        answer = await client.transport.request("GET", path, {})
    except ConnectionFailedError:
        return ""
    return answer.body.decode(errors="replace") if answer.status == 200 else ""
