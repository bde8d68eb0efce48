"""Costs of a cluster that is only known from a file."""

import json
from pathlib import Path

import pytest

from kubelab.costs.allocation import Window
from kubelab.costs.allocations import Allocations
from kubelab.costs.intervals import node_interval
from kubelab.costs.readings import Rows, reading_object
from kubelab.costs.recorded import RecordingError, read_recording
from tests.unit.costs.objects import at, node, pod


def write(path: Path, *items: dict) -> Path:  # type: ignore[type-arg]
    path.write_text(json.dumps({"kind": "List", "items": list(items)}))
    return path


def test_a_file_of_nodes_pods_and_readings_tells_what_a_cluster_cost(tmp_path: Path) -> None:
    gone = reading_object("r", Rows(nodes=(node_interval(node("n2", usd="3"), at(4)),)), at(5))
    items = [
        {**node(), "kind": "Node"},
        {**pod("a", cpu="5", memory="5Gi", ended=10), "kind": "Pod"},
        {**gone, "kind": "MeterReading"},
    ]
    found = read_recording(write(tmp_path / "cluster.json", *items))
    assert found.now == at(10)
    costs = Allocations.of(found, Window(at(0), found.now))
    assert costs.assets_usd == pytest.approx(10 * 1 + 4 * 3)
    assert costs.steps[0][0].total_usd == pytest.approx(5.0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"items": [{"kind": "Pod"}]}', '{"items": [{}]}'])
def test_a_file_that_tells_of_no_nodes_is_refused_with_the_command_that_writes_one(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(RecordingError, match="kubectl get nodes,pods,meterreadings"):
        read_recording(path)
    with pytest.raises(RecordingError):
        read_recording(tmp_path / "missing.json")
