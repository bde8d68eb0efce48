"""The bill in FOCUS's columns."""

import csv
import json
import os
from pathlib import Path

import pytest

from kubelab.costs.survey import cost_of
from kubelab.errors import KubelabError
from tests.unit.costs.objects import at, node, pod


def test_rows_add_up_to_the_bill_and_say_whose_they_are() -> None:
    pods = [
        pod("a", labels={"job-name": "train"}),
        pod("b", namespace="ml"),
        pod("c", namespace="ml", on="n2"),
    ]
    cost = cost_of(
        [node(), node("n2", usd="2", since=5), node("n3", usd=None)], pods, start=at(0), now=at(10)
    )
    frame = cost.to_focus("lab")
    assert frame["BilledCost"].sum() == pytest.approx(cost.total_usd)
    assert list(frame["ResourceName"]) == ["n1", "n1", "n1", "n2", "n2"]
    tags = [json.loads(text) for text in frame["Tags"]]
    assert tags[0] == {"namespace": "default", "job": "train"}
    assert tags[2] == {"idle": "true"}
    assert set(frame["BillingAccountId"]) == {"lab"}
    assert set(frame["x_PriceDate"]) == {"2026-07-20"}


def test_periods_are_utc_and_end_before_the_next_begins() -> None:
    frame = cost_of([node("n1", since=2)], [], start=at(0), now=at(10)).to_focus()
    (row,) = frame.to_dict("records")
    assert (row["ChargePeriodStart"], row["ChargePeriodEnd"]) == (
        "2026-01-01T02:00:00Z",
        "2026-01-01T10:00:00Z",
    )
    assert (row["BillingPeriodStart"], row["BillingPeriodEnd"]) == (
        "2026-01-01T00:00:00Z",
        "2026-02-01T00:00:00Z",
    )
    assert (row["PricingQuantity"], row["PricingUnit"]) == (pytest.approx(8.0), "Hours")


def test_a_bill_is_written_as_csv_and_comes_back(tmp_path: Path) -> None:
    import pandas as pd

    cost = cost_of([node()], [pod("a")], start=at(0), now=at(10))
    path = cost.write_focus(tmp_path / "bill.csv")
    found = pd.read_csv(path)
    assert found["BilledCost"].sum() == pytest.approx(10.0)
    assert found["ChargePeriodStart"].iloc[0] == "2026-01-01T00:00:00Z"


def test_a_bill_is_written_as_parquet_with_timestamps(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    cost = cost_of([node()], [pod("a")], start=at(0), now=at(10))
    table = parquet.read_table(cost.write_focus(tmp_path / "bill.parquet"))
    assert sum(table["EffectiveCost"].to_pylist()) == pytest.approx(10.0)
    assert table["ChargePeriodEnd"].to_pylist()[0] == at(10)
    assert str(table.schema.field("ChargeClass").type).endswith("string")


def test_a_bill_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KubelabError, match="neither CSV nor Parquet"):
        cost_of([], [], now=at(1)).write_focus(tmp_path / "bill.xlsx")


@pytest.mark.skipif("KUBELAB_FOCUS" not in os.environ, reason="KUBELAB_FOCUS names no list of FOCUS columns")
def test_columns_are_those_of_focus_or_begin_with_x() -> None:
    with Path(os.environ["KUBELAB_FOCUS"]).open(encoding="utf-8") as file:
        known = {row[0] for row in csv.reader(file)}
    frame = cost_of([node()], [pod("a")], start=at(0), now=at(10)).to_focus()
    assert {name for name in frame if not name.startswith("x_")} <= known
