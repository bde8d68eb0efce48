"""A lab's cluster, measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from kubelab import Cluster, portal
from kubelab.client import NAMESPACES, PODS, Client
from kubelab.clock import RealClock
from kubelab.http import HttpTransport, Kubeconfig
from kubelab.limits import slos
from kubelab.limits.errors import LimitsBusyError, LimitsOptionError, LimitsRefusedError, VirtualTimeError
from kubelab.limits.limits import Limits
from kubelab.limits.load import Load
from kubelab.limits.site import open_site, remove_left
from kubelab.limits.starts import Throughput, start_at_once
from tests.unit.limits.small import SMALL, left

MEASURE = """
from kubelab import Cluster
def say(doing):
    print(doing, flush=True)
with Cluster.connect() as cluster:
    cluster.limits(nodes=2, pods=100, pods_per_s=1, on_progress=say)
"""


@pytest.fixture(scope="module")
def cluster(session_cluster: Cluster) -> Cluster:
    return session_cluster


@pytest.fixture(scope="module")
def measured(cluster: Cluster) -> Limits:
    return cluster.limits(**SMALL)  # type: ignore[arg-type]


def start_measuring() -> subprocess.Popen[str]:
    """Start a run in another process, and return once its namespace and nodes are there."""
    process = subprocess.Popen([sys.executable, "-c", MEASURE], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "100 pods at 1 a second\n"
    return process


def test_every_objective_is_measured(measured: Limits) -> None:
    assert {finding.objective for finding in measured.findings} == set(slos.OBJECTIVES)
    by_label = {finding.label: finding for finding in measured.findings}
    assert len(by_label["pod start"].samples_s) == 10
    assert len(by_label["reading the cluster, LIST pods"].samples_s) == 5
    assert len(by_label["change seen by a watch, 3 watches"].samples_s) == 12
    assert all(0 < sample < 60 for each in measured.findings for sample in each.samples_s)


def test_a_pod_is_scheduled_before_it_starts(measured: Limits) -> None:
    by_label = {finding.label: finding for finding in measured.findings}
    assert by_label["pod scheduled"].at(0.5) <= by_label["pod start"].at(0.5)
    assert measured.throughput.pods == 10


def test_the_load_counts_in_the_cluster_s_size(cluster: Cluster, measured: Limits) -> None:
    sizes = {size.threshold.what: size for size in measured.sizes}
    assert sizes["nodes"].found == len(cluster.nodes()) + 2
    assert sizes["pods in a namespace"].found >= 20


def test_pods_are_spread_over_the_simulated_nodes(cluster: Cluster) -> None:
    async def spread() -> Counter[str]:
        async with open_site(cluster.client, Load(nodes=2, pods=10), RealClock()) as site:
            await start_at_once(site)
            pods = (await cluster.client.list(PODS, site.namespace)).items
            return Counter(pod["spec"]["nodeName"] for pod in pods)

    assert sorted(portal.run(spread()).values()) == [5, 5]


def test_frame_names_what_others_call_the_measurement(measured: Limits) -> None:
    row = measured.frame().set_index("objective").loc["pod start"]
    assert (row["samples"], row["limit_s"]) == (10, 5.0)
    assert (row["clusterloader2"], row["kube_burner"]) == ("PodStartupLatency", "podLatency")


def test_more_watches_than_requests_go_at_once_all_tell(cluster: Cluster) -> None:
    found = cluster.limits(**{**SMALL, "watchers": 150, "changes": 2})  # type: ignore[arg-type]
    (told,) = (each for each in found.findings if each.objective is slos.WATCH)
    assert len(told.samples_s) == 2 * 150
    assert max(told.samples_s) < 60


def test_repr_is_the_verdict(measured: Limits) -> None:
    assert repr(measured).startswith("<Limits of lab (embedded, v")
    assert "SchedulingThroughput: " in measured._repr_html_()
    assert "kube-proxy: the cluster runs none" in measured.sentences


def test_the_best_second_is_told_only_where_there_was_a_whole_one(measured: Limits) -> None:
    short = replace(measured, throughput=Throughput.of([0.5] * 10, 0.0))
    long = replace(measured, throughput=Throughput.of([0.5] * 8 + [2.0] * 2, 0.0))
    assert "SchedulingThroughput: 20 pods/s over all, 10 pods at once" in short.sentences
    assert "SchedulingThroughput: 5 pods/s over all, 8 in the best second, 10 pods at once" in long.sentences


def test_pods_that_got_no_node_are_told(measured: Limits) -> None:
    some = replace(measured, throughput=Throughput.of([0.5] * 4, 0.0))
    assert "SchedulingThroughput: 8 pods/s over all, 4 of 10 pods at once" in some.sentences


def test_nothing_is_left(cluster: Cluster, measured: Limits) -> None:
    assert left(cluster) == []


def test_a_run_that_was_killed_is_removed_by_the_next(cluster: Cluster) -> None:
    process = start_measuring()
    process.kill()
    process.wait()
    assert len(left(cluster)) == 3
    removed = portal.run(remove_left(cluster.client, RealClock()))
    assert len(removed) == 3
    cluster.limits(**SMALL)  # type: ignore[arg-type]
    assert left(cluster) == []


def test_ctrl_c_leaves_nothing_and_a_second_run_is_refused_until_then(cluster: Cluster) -> None:
    process = start_measuring()
    with pytest.raises(LimitsBusyError, match=f"process {process.pid} on .* measures this cluster already"):
        cluster.limits(**SMALL)  # type: ignore[arg-type]
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    assert left(cluster) == []


def test_a_namespace_that_is_not_ours_is_never_removed(cluster: Cluster) -> None:
    labels = {"limits.kubelab.dev/run": "mine"}
    meta = {"name": "kubelab-limits-mine", "labels": labels}
    portal.run(cluster.client.create(NAMESPACES, {"metadata": meta}))
    try:
        assert portal.run(remove_left(cluster.client, RealClock())) == []
        assert left(cluster) == ["kubelab-limits-mine"]
    finally:
        portal.run(cluster.client.delete(NAMESPACES, "kubelab-limits-mine"))


def test_any_context_is_measured_the_same_way(cluster: Cluster) -> None:
    with Cluster.from_context("lab", kubeconfig=cluster.kubeconfig) as other:
        found = other.limits(**SMALL)  # type: ignore[arg-type]
    assert found.engine == "context"
    assert {finding.held for finding in found.findings} <= {"kept", "missed", "no objective"}
    assert left(cluster) == []


@pytest.mark.parametrize("through", ["lab", "context"])
def test_pods_run_on_the_cluster_s_own_nodes_where_none_are_added(cluster: Cluster, through: str) -> None:
    few = {**SMALL, "nodes": 0, "pods": 3}
    if through == "lab":
        found = cluster.limits(**few)  # type: ignore[arg-type]
    else:
        with Cluster.from_context("lab", kubeconfig=cluster.kubeconfig) as other:
            found = other.limits(**few)  # type: ignore[arg-type]
    assert len(found.start.samples_s) == found.throughput.pods == 3
    assert max(found.start.samples_s) < 60
    assert left(cluster) == []


def test_more_pods_than_a_lab_s_own_node_holds_are_refused(cluster: Cluster) -> None:
    with pytest.raises(LimitsOptionError, match="The cluster's own nodes hold 110 pods, and two times 56"):
        cluster.limits(nodes=0, pods=56)
    assert left(cluster) == []


def test_pods_that_cannot_start_miss_the_objective_say_why_and_are_removed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubelab.limits.load.PROCESS_IMAGE", "registry.k8s.io/pause:3.10")
    few = {**SMALL, "nodes": 0, "pods": 2, "timeout_s": 3}
    found = cluster.limits(**few)  # type: ignore[arg-type]
    assert found.start.held == "missed"
    assert "pod start: p99 never (at most 5 s: missed)" in found.verdict
    assert "2 never: " in found.verdict
    assert "ErrImagePull" in found.verdict
    assert "this node pulls nothing" in found.verdict
    assert left(cluster) == []


def test_a_user_who_may_not_make_namespaces_is_told(cluster: Cluster) -> None:
    config = Kubeconfig.load(cluster.kubeconfig)
    client = Client(HttpTransport(replace(config, act_as="mallory")))

    async def enter() -> None:
        try:
            async with open_site(client, Load(nodes=0), RealClock()):
                pass
        finally:
            await client.close()

    with pytest.raises(LimitsRefusedError, match="needs to list namespaces, and the cluster refuses it"):
        portal.run(enter())


def test_an_error_in_the_middle_leaves_nothing(cluster: Cluster) -> None:
    async def fail() -> None:
        async with open_site(cluster.client, Load(nodes=1, pods=1), RealClock()) as site:
            await cluster.client.create(PODS, site.pod("p"), site.namespace)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        portal.run(fail())
    assert left(cluster) == []


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"pods": 0}, "at least 1"),
        ({"pods": "10"}, "a whole number"),
        ({"pods": 10.5}, "a whole number"),
        ({"pods_per_s": "20"}, "above 0"),
        ({"watchers": 501}, "at most 500"),
        ({"nodes": -1}, "Give 0 for the cluster's own nodes"),
        ({"nodes": 1, "pods": 60}, "hold 110 pods"),
        ({"pods_per_s": 0.0}, "above 0"),
        ({"timeout_s": float("nan")}, "above 0"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(wrong: dict[str, object], remedy: str) -> None:
    with pytest.raises(LimitsOptionError, match=remedy):
        Load(**wrong)  # type: ignore[arg-type]


def test_virtual_time_has_no_latency() -> None:
    with Cluster.simulated() as cluster, pytest.raises(VirtualTimeError, match=r"Cluster\.connect\(\)"):
        cluster.limits()
