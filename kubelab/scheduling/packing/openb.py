"""Reads the openb trace: node and pod lists as CSV, in the format of Alibaba's cluster-trace-gpu-v2023."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from kubelab.errors import KubelabError
from kubelab.scheduling.packing.gpus import Demand, GpuNode

NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
POD_COLUMNS = ("cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec")
TIME_COLUMNS = ("name", "creation_time", "deletion_time")


class TraceError(KubelabError):
    """A trace file that cannot be read as openb.

    Attributes
    ----------
    path : Path
    line : int
        From 1; 0 if it is the whole file.
    """

    def __init__(self, path: Path, line: int, problem: str) -> None:
        self.path, self.line = path, line
        where = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{where}: {problem}.")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A pod of the trace with its times.

    Attributes
    ----------
    name : str
        Unlike any other of the list.
    created_s, deleted_s : int
        Seconds since the trace began.
    """

    name: str
    demand: Demand
    created_s: int
    deleted_s: int


def read_nodes(path: Path) -> list[GpuNode]:
    """Read a node list.

    Raises
    ------
    TraceError
        The file is missing, lacks a column, or has a value that is not a whole number.
    """
    return [
        GpuNode(
            name=row["sn"],
            model=row["model"],
            cpu_millicores=_whole(path, line, row, "cpu_milli"),
            memory_mib=_whole(path, line, row, "memory_mib"),
            gpus=_whole(path, line, row, "gpu"),
        )
        for line, row in _rows(path, NODE_COLUMNS)
    ]


def read_pods(path: Path) -> list[Demand]:
    """Read a pod list; ``gpu_spec`` names the models that will do, split by ``|``.

    Raises
    ------
    TraceError
        The file is missing, lacks a column, or has a value that is not a whole number.
    """
    return [_demand(path, line, row) for line, row in _rows(path, POD_COLUMNS)]


def read_arrivals(path: Path) -> list[Arrival]:
    """Read a pod list with the times of its pods, in the order of the file.

    Raises
    ------
    TraceError
        As in `read_pods`; or a pod goes before it comes, or two have one name.
    """
    found: dict[str, Arrival] = {}
    for line, row in _rows(path, (*TIME_COLUMNS, *POD_COLUMNS)):
        name = row["name"]
        created_s, deleted_s = (_whole(path, line, row, column) for column in TIME_COLUMNS[1:])
        if deleted_s < created_s:
            problem = f"deletion_time {deleted_s} of {name} is before its creation_time {created_s}"
            raise TraceError(path, line, problem)
        if name in found:
            raise TraceError(path, line, f"a pod named {name} came before")
        found[name] = Arrival(name, _demand(path, line, row), created_s, deleted_s)
    return list(found.values())


def _demand(path: Path, line: int, row: dict[str, str]) -> Demand:
    return Demand(
        cpu_millicores=_whole(path, line, row, "cpu_milli"),
        memory_mib=_whole(path, line, row, "memory_mib"),
        gpus=_whole(path, line, row, "num_gpu"),
        gpu_milli=_whole(path, line, row, "gpu_milli"),
        models=frozenset(filter(None, (row["gpu_spec"] or "").split("|"))),
    )


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise TraceError(path, 1, f"no column {', '.join(missing)}; openb has {', '.join(columns)}")
            return [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise TraceError(path, 0, "not text. Give the path of an openb CSV file") from error
    except OSError as error:
        problem = f"{error.strerror or error}. Give the path of an openb CSV file"
        raise TraceError(path, 0, problem) from error


def _whole(path: Path, line: int, row: dict[str, str], column: str) -> int:
    try:
        value = int(row[column])
    except (TypeError, ValueError) as error:
        raise TraceError(path, line, f"{column} is {row[column]!r}, not a whole number") from error
    if value < 0:
        raise TraceError(path, line, f"{column} is {value}, less than 0")
    return value
