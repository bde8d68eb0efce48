"""Use that a file tells."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from kubelab.usage.frame import usage_frame
from kubelab.usage.recorded import Recorded, RecordedError
from kubelab.usage.series import Usage

START = datetime(2026, 1, 1, tzinfo=UTC)
HEAD = "time,namespace,pod,container,cpu_cores,memory_bytes\n"


def read(source: Recorded, hours: float = 1, namespace: str | None = None) -> Usage:
    return asyncio.run(source.read(START, START + timedelta(hours=hours), namespace=namespace))


def test_csv_becomes_series(tmp_path: Path) -> None:
    path = tmp_path / "use.csv"
    path.write_text(
        f"{HEAD}2026-01-01T00:00:00Z,shop,web,main,0.5,100\n2026-01-01T00:01:00Z,shop,web,main,0.75,\n"
    )
    cpu, memory = read(Recorded(path)).series
    assert cpu.values.tolist() == [0.5, 0.75]
    assert (cpu.times - START.timestamp()).tolist() == [0, 60]
    assert memory.values.tolist() == [100]


def test_table_of_use_can_be_read_again(tmp_path: Path) -> None:
    first = tmp_path / "a.csv"
    first.write_text(f"{HEAD}1767225600,shop,web,main,0.5,100\n1767225660,shop,web,main,0.75,200\n")
    again = tmp_path / "b.csv"
    usage_frame(read(Recorded(first))).to_csv(again, index=False)
    assert [each.values.tolist() for each in read(Recorded(again)).series] == [[0.5, 0.75], [100, 200]]
    assert Recorded(again).span() == (START, START + timedelta(minutes=1))


def test_what_makes_no_sense_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "use.csv"
    path.write_text(
        f"{HEAD}1767225600,shop,web,main,0.5,100\n1767225660,shop,web,main,much,100\n1767225720,shop,web,main,-1,100\n"
    )
    found = read(Recorded(path))
    assert found.series[0].values.tolist() == [0.5]
    assert found.missing == (
        "shop/web/main cpu: 1 samples were no numbers",
        "shop/web/main cpu: 1 samples were negative",
    )


def test_parquet_is_read_where_pyarrow_is(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "use.parquet"
    row = {"time": START, "namespace": "shop", "pod": "web", "container": "main", "cpu_cores": 1.0}
    pd.DataFrame([row]).to_parquet(path)
    assert read(Recorded(path)).series[0].values.tolist() == [1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,namespace,pod\n", "it has no column container"),
        ("time,namespace,pod,container\n", "it has no column cpu_cores or memory_bytes"),
        (f"{HEAD}yesterday,a,b,c,1,1\n", "column time holds what is no time"),
    ],
)
def test_file_without_sense_is_refused_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "use.csv"
    path.write_text(text)
    with pytest.raises(RecordedError, match=said):
        read(Recorded(path))


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordedError, match="there is no such file"):
        read(Recorded(tmp_path / "none.csv"))


def test_window_of_another_time_is_empty_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "use.csv"
    path.write_text(f"{HEAD}2025-01-01T00:00:00Z,shop,web,main,0.5,100\n")
    assert read(Recorded(path)).missing == (f"{path} says nothing of this window",)


def test_rows_without_a_time_and_of_a_time_to_come_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "use.csv"
    rows = ("2026-01-01T00:00:00Z", "", "2999-01-01T00:00:00Z")
    path.write_text(HEAD + "".join(f"{time},shop,web,main,0.5,100\n" for time in rows))
    found = read(Recorded(path))
    assert found.missing == (f"{path}: 1 rows have no time", f"{path}: 1 rows are of a time to come")
    assert Recorded(path).span() == (START, START)
