"""A cluster of every engine is measured, with simulated nodes and with its own."""

from __future__ import annotations

import pytest

from kubelab import portal
from kubelab.client import NAMESPACES, NODES
from tests.conftest import Lab, connected

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("nodes", [2, 0])
def test_a_whole_cluster_is_measured_and_nothing_is_left(engine_lab: Lab, nodes: int) -> None:
    with connected(engine_lab.home) as cluster:
        found = cluster.limits(nodes=nodes, pods=4, pods_per_s=20.0, calls=5, watchers=3, changes=4)
        resources = (portal.run(cluster.client.list(each)).items for each in (NAMESPACES, NODES))
        left = [each["metadata"]["name"] for items in resources for each in items]
    assert not [name for name in left if name.startswith("kubelab-limits")]
    assert len(found.start.samples_s) == found.throughput.pods == 4
    assert max(found.start.samples_s) < 60
    assert {finding.held for finding in found.findings} <= {"kept", "missed", "no objective"}
