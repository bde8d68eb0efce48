"""Reads the openb trace: node and pod lists as CSV, in the format of Alibaba's cluster-trace-gpu-v2023."""

from __future__ import annotations

import csv
from pathlib import Path

from kubelab.errors import KubelabError
from kubelab.scheduling.packing.gpus import Demand, GpuNode

NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
POD_COLUMNS = ("cpu_milli", "memory_mib", "num_gpu", "gpu_milli", "gpu_spec")


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
    return [
        Demand(
            cpu_millicores=_whole(path, line, row, "cpu_milli"),
            memory_mib=_whole(path, line, row, "memory_mib"),
            gpus=_whole(path, line, row, "num_gpu"),
            gpu_milli=_whole(path, line, row, "gpu_milli"),
            models=frozenset(filter(None, (row["gpu_spec"] or "").split("|"))),
        )
        for line, row in _rows(path, POD_COLUMNS)
    ]


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            if missing:
                raise TraceError(path, 1, f"no column {', '.join(missing)}; openb has {', '.join(columns)}")
            return [(reader.line_num, row) for row in reader]
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
