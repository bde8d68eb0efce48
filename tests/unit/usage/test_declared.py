"""What simulated pods used, as they declare it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from kubelab import Cluster, portal
from kubelab.client import PODS
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.usage.declared import DeclaredUsage
from kubelab.usage.samples import LastMinute
from kubelab.usage.series import Usage, UsageSeries, UsageSource

MIB = 2**20
USAGE = f"[[0, 200, {100 * MIB}], [600, 800, {300 * MIB}]]"


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=5) as made:
        made.add_nodes(1, {"cpu": 4, "memory": "8Gi"})
        pod = {
            "metadata": {
                "name": "web",
                "namespace": "default",
                "annotations": {"simulated.kubelab.dev/usage": USAGE},
            },
            "spec": {
                "containers": [{"name": "app", "image": "example"}, {"name": "proxy", "image": "example"}],
                "tolerations": [{"operator": "Exists"}],
            },
        }
        portal.run(made.client.create(PODS, pod))
        made.run(seconds=1200)
        yield made


def read(lab: SimulatedCluster, source: UsageSource, seconds: float = 3600) -> Usage:
    return portal.run(source.read(lab.now - timedelta(seconds=seconds), lab.now))


def only(usage: Usage, container: str, resource: str) -> UsageSeries:
    found = [
        each for each in usage.series if (each.container.container, each.resource) == (container, resource)
    ]
    assert len(found) == 1
    return found[0]


def test_declared_use_is_known_since_the_pod_started(lab: SimulatedCluster) -> None:
    cpu = only(read(lab, DeclaredUsage(lab.client)), "app", "cpu")
    assert len(cpu.times) == 20
    assert cpu.times[-1] == lab.now.timestamp()
    assert cpu.values[0] == pytest.approx(0.1)
    assert cpu.values[-1] == pytest.approx(0.4)
    assert cpu.values.mean() == pytest.approx(0.25)


def test_a_sample_of_cpu_is_the_mean_since_the_one_before(lab: SimulatedCluster) -> None:
    lab.run(seconds=30)
    cpu = only(read(lab, DeclaredUsage(lab.client)), "app", "cpu")
    assert sorted({round(float(value), 3) for value in cpu.values}) == [0.1, 0.25, 0.4]


def test_memory_is_what_is_held_then(lab: SimulatedCluster) -> None:
    memory = only(read(lab, DeclaredUsage(lab.client)), "proxy", "memory")
    assert sorted(set(memory.values / MIB)) == [50.0, 150.0]


def test_only_the_window_is_told(lab: SimulatedCluster) -> None:
    assert len(only(read(lab, DeclaredUsage(lab.client), seconds=300), "app", "cpu").times) == 5


def test_metrics_are_one_sample_and_agree_with_what_is_declared(lab: SimulatedCluster) -> None:
    metrics, declared = read(lab, LastMinute(lab.client)), read(lab, DeclaredUsage(lab.client))
    for name in ("cpu", "memory"):
        one = only(metrics, "app", name)
        assert len(one.times) == 1
        assert one.values[0] == pytest.approx(only(declared, "app", name).values[-1])


def test_a_simulated_cluster_asks_its_pods_until_something_is_recorded(lab: SimulatedCluster) -> None:
    assert len(only(read(lab, lab.usage_source()), "app", "cpu").times) == 20
    lab.record_usage(every_s=60)
    lab.run(seconds=300)
    assert len(only(read(lab, lab.usage_source()), "app", "cpu").times) <= 6


def test_another_namespace_has_nothing(lab: SimulatedCluster) -> None:
    source = DeclaredUsage(lab.client)
    assert portal.run(source.read(lab.now - timedelta(hours=1), lab.now, namespace="other")).series == ()
