"""The estimator's vector, and how long the expander service takes over its wire.

The service runs in a process of its own, as ``kubelab expander serve``, and is asked over TLS by a client
whose request is ready: what is measured is what Cluster Autoscaler would wait for.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import yaml

from kubelab.autoscaling.catalogue import Catalogue
from kubelab.autoscaling.estimator import estimate
from kubelab.autoscaling.option import INSTANCE_TYPE, Option, Template
from kubelab.autoscaling.service.messages import MESSAGES, METHOD, SERVICE
from kubelab.autoscaling.service.wire import read_request, write_request
from kubelab.clock import monotonic
from kubelab.scheduling.snapshot import Node, NodeInfo, PodInfo, Snapshot
from tests.bench.figure import Figure, rss_mb
from tests.unit.autoscaling.service.certificates import Files, self_signed
from tests.unit.autoscaling.service.test_scores_file import score
from tests.unit.scheduling.objects import cluster, node, pod

GROUPS, PODS = 500, 10_000
CALLS = 100
CALLS_OF_THE_LARGEST = 20
LARGEST_BYTES = 120 * 1024 * 1024
LIMIT_S = 5.0
"""How long Cluster Autoscaler waits."""


def measure() -> list[Figure]:
    """Measure."""
    return [*_estimator(), *_service()]


def _estimator() -> list[Figure]:
    groups = [_alike(50_000, cpu="50m", memory="100"), _alike(1_000, cpu="95m", memory="190")]
    fresh = NodeInfo(Node.of(node("n", cpu="1", memory="5000", pods="100"), 0))
    times = []
    for _ in range(5):
        began = monotonic()
        found = estimate(groups, fresh, Snapshot({}), max_nodes=0)
        times.append(monotonic() - began)
    figures = f"{found.node_count:,} nodes, {len(found.pods):,} pods; asked: 2,595 and 51,000"
    return [Figure("expander", "the estimator's vector", 1.0, min(times), "s", note=f"{figures}; best of 5")]


def _alike(count: int, **requests: str) -> list[PodInfo]:
    info = cluster().info(pod(**requests))  # type: ignore[arg-type]
    return [replace(info, uid=str(at), name=f"pod-{at}") for at in range(count)]


def _service() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        tls = self_signed(Path(folder), "127.0.0.1")
        scores = Path(folder) / "scores.yaml"
        kinds = list(Catalogue.load())[:GROUPS]
        scores.write_text(
            yaml.safe_dump({"items": [score(kind, 50 + at % 50) for at, kind in enumerate(kinds)]})
        )
        with _serve(tls, scores) as (process, address), _channel(tls, address) as channel:
            call = channel.unary_unary(f"/{SERVICE}/{METHOD}")
            each_pod_once = _request(kinds, shared=False)
            yield from _timed(call, each_pod_once, "each pod in one group", CALLS)
            everywhere = _request(kinds, shared=True)
            yield from _timed(call, everywhere, "as many groups for each pod as fit", CALLS_OF_THE_LARGEST)
            yield Figure("expander", "memory after that", None, rss_mb(process.pid), "MB")


def _timed(call: grpc.UnaryUnaryMultiCallable, request: bytes, which: str, calls: int) -> Iterator[Figure]:
    times = []
    for _ in range(calls):
        began = monotonic()
        call(request, timeout=60)
        times.append(monotonic() - began)
    p99 = statistics.quantiles(times, n=100)[98] if calls >= 100 else max(times)
    entries = sum(len(option.pods) for option in read_request(request))
    note = f"{which}: {entries:,} entries, {len(request) / 1e6:.1f} MB; p50 {statistics.median(times):.2f} s"
    name = "p99" if calls >= 100 else f"slowest of {calls}"
    yield Figure("expander", f"{GROUPS} groups x {PODS:,} pods, {name}", LIMIT_S, p99, "s", note=note)


def _request(kinds: list[str], *, shared: bool) -> bytes:
    """Return a request in which every pod has a spec of the size that real ones have."""
    request = MESSAGES["BestOptionsRequest"]()
    pods = [_pod(at) for at in range(PODS)]
    catalogue = Catalogue.load()
    room = LARGEST_BYTES // (GROUPS * (len(pods[0]) + 8))
    count = room if shared else PODS // GROUPS
    for at in range(GROUPS):
        kind = catalogue[kinds[at % len(kinds)]]
        name = f"group-{at:03}"
        template = Template(kind.capacity, kind.allocatable, {INSTANCE_TYPE: kind.name})
        own = write_request([Option(name, 1 + at % 7, (), template)])
        request.MergeFromString(own)
        first = at * PODS // GROUPS
        request.options[at].podBytes.extend(pods[(first + step) % PODS] for step in range(count))
    return bytes(request.SerializeToString())


def _pod(at: int) -> bytes:
    written = MESSAGES["Pod"]()
    written.metadata.namespace, written.metadata.name = f"team-{at % 20}", f"web-{at:05}"
    written.metadata.uid = f"{at:032}"
    written.metadata.labels.update({"app": f"web-{at % 50}", "note": "x" * 900})
    for name in ("main", "proxy"):
        requests = written.spec.containers.add(name=name).resources.requests
        requests["cpu"].string, requests["memory"].string = f"{100 + at % 900}m", f"{128 + at % 700}Mi"
    return bytes(written.SerializeToString())


@contextmanager
def _serve(tls: Files, scores: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    options = ["--cert", str(tls.certificate), "--key", str(tls.key), "--scores", str(scores), "--port", "0"]
    command = [sys.executable, "-u", "-m", "kubelab.cli", "expander", "serve", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        found = re.search(r"listens at (\S+),", process.stdout.readline())
        assert found is not None
        yield process, found[1]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _channel(tls: Files, address: str) -> Iterator[grpc.Channel]:
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(tls.pem.encode()), options) as channel:
        yield channel
