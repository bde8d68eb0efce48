"""A history kept of a cluster on virtual time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from kubelab import Cluster, portal
from kubelab.scenarios.objects import deployment
from kubelab.scenarios.player import play
from kubelab.simulated_cluster import SimulatedCluster
from kubelab.usage.samples import LastMinute, read_samples


@pytest.fixture
def lab() -> Iterator[SimulatedCluster]:
    with Cluster.simulated(seed=7) as cluster:
        cluster.add_node_group("node", instance_type="m6i.xlarge", min_size=1)
        cluster.run(minutes=2)
        portal.run(play(cluster.client, [deployment(0, "web", "default", 1, {"cpu": "1", "memory": "1Gi"})]))
        yield cluster


def test_what_containers_used_is_known_afterwards(lab: SimulatedCluster) -> None:
    lab.record_usage(every_s=60)
    lab.set_usage("web", "node-1", series=[(0, 100, 2**20), (1800, 900, 2**21)])
    lab.run(hours=1)
    frame = lab.usage(hours=2)
    assert set(frame.controller_name) == {"web"}
    assert set(frame.controller_kind) == {"Deployment"}
    assert set(frame.node) == {"node-1"}
    assert 58 <= len(frame) <= 61
    early, late = frame.iloc[5], frame.iloc[-1]
    assert (early.cpu_cores, early.memory_bytes) == (0.1, 2**20)
    assert (late.cpu_cores, late.memory_bytes) == (0.9, 2**21)
    assert frame.attrs["missing"] == ()


def test_simulated_pods_tell_what_they_declared_also_without_a_history(
    lab: SimulatedCluster,
) -> None:
    lab.set_usage("web", "node-1", cpu="250m", memory="64Mi")
    lab.run(minutes=10)
    frame = lab.usage()
    assert set(frame.cpu_cores) == {0.25}
    assert len(frame) > 9


async def test_metrics_api_alone_knows_the_last_minute_and_says_so(lab: SimulatedCluster) -> None:
    lab.set_usage("web", "node-1", cpu="250m", memory="64Mi")
    lab.run(minutes=10)
    found = await LastMinute(lab.client).read(lab.now - timedelta(hours=1), lab.now)
    assert [each.values.tolist() for each in found.series if each.resource == "cpu"] == [[0.25]]
    assert found.missing == ("there is no history: only the last minute is known",)


def test_rightsizing_looks_at_what_was_recorded(lab: SimulatedCluster) -> None:
    lab.record_usage()
    lab.set_usage("web", "node-1", series=[(0, 800, 2**29), (1800, 100, 2**28)])
    lab.run(hours=1)
    row = lab.rightsize("peak").frame().query("resource == 'cpu'").iloc[0]
    assert (row.target, row.why) == (0.8, "highest use, of 60 samples")


async def test_a_lab_leaves_out_pods_that_only_declare_what_they_use(lab: SimulatedCluster) -> None:
    lab.run(minutes=2)
    assert await read_samples(lab.client)
    assert not await read_samples(lab.client, simulated=False)
