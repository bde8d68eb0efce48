"""A trace in openb's format, as a scenario."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelab import Cluster, portal, scenarios
from kubelab.client import NODES, PODS, Object
from kubelab.scenarios.scenario import Scenario
from kubelab.scenarios.trace import EmptyTraceError

HEADER = (
    "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,"
    "creation_time,deletion_time,scheduled_time\n"
)
ROWS = (
    "old,4000,8192,0,0,,LS,Running,0,9000,0\n"
    "gone,4000,8192,0,0,,LS,Running,0,3600,0\n"
    "whole,8000,16384,2,1000,,LS,Running,3700,30000,3700\n"
    "part,2000,4096,1,300,T4,BE,Running,5400,9000,5400\n"
    "late,1000,1024,0,0,,BE,Running,10800,11000,10800\n"
)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "pods.csv"
    path.write_text(HEADER + ROWS)
    return path


def requests_of(made: Scenario, name: str) -> Object:
    body = next(action.body for action in made.actions if action.name == name)
    assert body is not None
    found: Object = body["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]
    return found


def test_pods_that_live_within_the_hours_come_in_their_time(trace: Path) -> None:
    made = scenarios.openb(trace, begin_hours=1, hours=2)
    assert [(action.name, action.at_s) for action in made.actions[1:]] == [
        ("old", 0),
        ("whole", 100),
        ("part", 1800),
    ]
    assert made.about == "3 pods of the trace pods.csv, from its hour 1 on."


def test_whole_gpus_and_parts_of_one_are_asked_for_by_their_own_names(trace: Path) -> None:
    made = scenarios.openb(trace, begin_hours=1, hours=2)
    assert requests_of(made, "whole") == {"cpu": "8000m", "memory": "16384Mi", "nvidia.com/gpu": "2"}
    assert requests_of(made, "part") == {"cpu": "2000m", "memory": "4096Mi", "kubelab.dev/milligpu": "300"}
    assert requests_of(made, "old") == {"cpu": "4000m", "memory": "8192Mi"}


def test_played_pods_run_as_long_as_the_traces_on_nodes_that_have_what_they_ask_for(trace: Path) -> None:
    with Cluster.simulated() as lab:
        lab.play(scenarios.openb(trace, begin_hours=1, hours=2))
        lab.autoscale("least-waste")
        lab.run(minutes=40)
        pods = {pod["metadata"]["labels"]["app"]: pod for pod in portal.run(lab.client.list(PODS)).items}
        nodes = {node["metadata"]["name"]: node for node in portal.run(lab.client.list(NODES)).items}
        assert {pod["status"]["phase"] for pod in pods.values()} == {"Running"}
        where = {name: nodes[pod["spec"]["nodeName"]]["status"]["allocatable"] for name, pod in pods.items()}
        assert where["part"]["kubelab.dev/milligpu"] == "1k"
        assert "nvidia.com/gpu" not in where["part"]
        assert int(where["whole"]["nvidia.com/gpu"]) >= 2
        assert not any("gpu" in resource for resource in where["old"])
        lab.run(minutes=75)
        left = {pod["metadata"]["labels"]["app"] for pod in portal.run(lab.client.list(PODS)).items}
        assert left == {"whole"}


def test_hours_without_a_pod_say_when_the_last_one_comes(trace: Path) -> None:
    with pytest.raises(EmptyTraceError, match=r"from hour 100 on; the last comes in hour 3\."):
        scenarios.openb(trace, begin_hours=100)
