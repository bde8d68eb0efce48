"""A cluster of every engine is measured, with simulated nodes and with its own."""

from __future__ import annotations

import pytest

from tests.conftest import Lab, connected
from tests.unit.limits.small import SMALL, left

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("nodes", [2, 0])
def test_a_whole_cluster_is_measured_and_nothing_is_left(engine_lab: Lab, nodes: int) -> None:
    with connected(engine_lab.home) as cluster:
        found = cluster.limits(**{**SMALL, "nodes": nodes, "pods": 4})  # type: ignore[arg-type]
        assert left(cluster) == []
    assert len(found.start.samples_s) == found.throughput.pods == 4
    assert max(found.start.samples_s) < 60
    assert {finding.held for finding in found.findings} <= {"kept", "missed", "no objective"}
