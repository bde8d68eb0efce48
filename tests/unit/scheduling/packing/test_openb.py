"""Reading the openb trace."""

from pathlib import Path

import pytest

from kubelab.scheduling.packing.gpus import Demand, GpuNode
from kubelab.scheduling.packing.openb import Arrival, TraceError, read_arrivals, read_nodes, read_pods

PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos\n"


def test_rows_become_nodes_and_demands(tmp_path: Path) -> None:
    nodes, pods = tmp_path / "nodes.csv", tmp_path / "pods.csv"
    nodes.write_text("sn,cpu_milli,memory_mib,gpu,model\nn0,64000,262144,2,P100\n")
    pods.write_text(PODS + "p0,6000,12288,1,460,T4|P100,LS\np1,4000,100,0,0,,BE\n")
    assert read_nodes(nodes) == [GpuNode("n0", "P100", 64000, 262144, 2)]
    assert read_pods(pods) == [
        Demand(6000, 12288, 1, 460, frozenset({"T4", "P100"})),
        Demand(4000, 100, 0, 0),
    ]


def test_missing_file_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="Give the path of an openb CSV file"):
        read_pods(tmp_path / "none.csv")


def test_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nodes.csv"
    path.write_text("sn,cpu_milli\nn0,1\n")
    with pytest.raises(TraceError, match="no column memory_mib, gpu, model"):
        read_nodes(path)


@pytest.mark.parametrize("value", ["many", "-1", "1.5"])
def test_value_that_is_no_amount_is_shown_with_its_line(tmp_path: Path, value: str) -> None:
    path = tmp_path / "pods.csv"
    path.write_text(PODS + f"p0,{value},1,0,0,,LS\n")
    with pytest.raises(TraceError, match="line 2: cpu_milli is") as caught:
        read_pods(path)
    assert caught.value.line == 2


TIMED = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,creation_time,deletion_time\n"


def test_arrivals_have_their_names_and_times(tmp_path: Path) -> None:
    path = tmp_path / "pods.csv"
    path.write_text(TIMED + "p0,6000,12288,0,0,,5,60\n")
    assert read_arrivals(path) == [Arrival("p0", Demand(6000, 12288), 5, 60)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("p0,1,1,0,0,,60,5", "line 3: deletion_time 5 of p0 is before its creation_time 60"),
        ("first,1,1,0,0,,0,5", "line 3: a pod named first came before"),
        ("p0,1,1,0,0,,soon,5", "line 3: creation_time is 'soon', not a whole number"),
    ],
    ids=["goes before it comes", "two of one name", "no time"],
)
def test_arrival_that_makes_no_sense_is_refused(tmp_path: Path, row: str, said: str) -> None:
    path = tmp_path / "pods.csv"
    path.write_text(TIMED + f"first,1,1,0,0,,0,1\n{row}\n")
    with pytest.raises(TraceError, match=said):
        read_arrivals(path)


def test_file_that_is_no_text_says_what_to_give(tmp_path: Path) -> None:
    path = tmp_path / "pods.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TraceError, match="not text"):
        read_pods(path)
