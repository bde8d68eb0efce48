"""Figures of what policies cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from kubelab.figures.autoscaling import policies_figure, spending_figure

START = datetime(2026, 1, 1, tzinfo=UTC)


def spending() -> pd.DataFrame:
    """Two groups: one of 1 USD/h for two hours, one of 2 USD/h in the second hour."""
    rows = [(0, "a", 1.0), (1, "b", 2.0), (2, "a", 0.0), (2, "b", 0.0)]
    return pd.DataFrame(
        [(START + timedelta(hours=hour), group, usd) for hour, group, usd in rows],
        columns=["time", "node_group", "usd_per_hour"],
    )


def test_groups_add_up_over_time() -> None:
    figure = spending_figure({"price": spending()}, prices_of="2026-07-20")
    line = figure.data[0]
    assert list(line.y) == pytest.approx([1.0, 3.0, 0.0])
    assert line.line.shape == "hv"
    assert "prices of 2026-07-20" in figure.layout.yaxis.title.text


def test_bound_is_a_line_of_its_own() -> None:
    bound = pd.DataFrame({"time": [START], "usd_per_hour": [0.5]})
    names = [line.name for line in spending_figure({"price": spending()}, bound=bound).data]
    assert names == ["price", "lower bound"]


def test_bars_of_used_and_idle_add_up_to_the_cost() -> None:
    costs = pd.DataFrame({"policy": ["price", "random"], "total_usd": [3.0, 5.0], "idle_usd": [1.0, 2.5]})
    used, idle = policies_figure(costs).data
    assert [one + two for one, two in zip(used.x, idle.x, strict=True)] == [3.0, 5.0]
