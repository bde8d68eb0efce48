from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.clock import rfc3339
from kubelab.costs.intervals import NODE_GROUP
from kubelab.live.cost_history import BUCKETS, CostHistory

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


def node(uid: str, since_h: float, usd: str | None = "1.0", group: str = "web") -> dict[str, Any]:
    priced = {
        "autoscaling.kubelab.dev/price-usd-per-hour": usd,
        "autoscaling.kubelab.dev/price-date": "2026-07-20",
    }
    meta = {"uid": uid, "creationTimestamp": rfc3339(at(since_h)), "labels": {NODE_GROUP: group}}
    return {"metadata": {**meta, "name": uid, "annotations": priced if usd else {}}}


def test_money_is_the_price_of_each_hour_that_a_node_was_there() -> None:
    history = CostHistory()
    history.put(node("a", 0))
    history.put(node("b", 1, "0.5", "batch"))
    history.end(node("a", 0), at(3))
    assert history.spent_usd(at(5)) == pytest.approx(3 * 1.0 + 4 * 0.5)
    assert history.now() == {"batch": 0.5}
    assert history.since == at(0)
    assert history.price_dates == ("2026-07-20",)


def test_a_node_that_changes_counts_once_and_one_without_a_price_not_at_all() -> None:
    history = CostHistory()
    history.put(node("a", 0))
    history.put(node("a", 0))
    history.put(node("b", 0, None))
    history.end(node("b", 0, None), at(1))
    assert history.spent_usd(at(1)) == pytest.approx(1.0)


def test_nothing_was_spent_before_there_is_a_node() -> None:
    history = CostHistory()
    assert history.curves(at(1)) is None
    assert history.since is None
    assert history.spent_usd(at(1)) == 0


def test_curves_rise_when_a_node_comes_and_fall_when_it_goes() -> None:
    history = CostHistory()
    history.put(node("a", 0))
    history.put(node("b", 4, "2.0", "batch"))
    history.end(node("a", 0), at(8))
    curves = history.curves(at(16))
    assert curves is not None
    assert curves.since == at(0)
    assert curves.stretch_s == 360
    assert curves.groups["web"][:80] == (1.0,) * 80
    assert curves.groups["web"][80:] == (0.0,) * 80
    assert curves.groups["batch"][40] == 2.0
    assert curves.groups["batch"][39] == 0.0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 90_000), st.one_of(st.none(), st.integers(0, 90_000)), st.sampled_from(["x", "y"])
        ),
        min_size=1,
        max_size=20,
    )
)
def test_the_area_under_the_curves_is_the_money_spent(stays: list[tuple[int, int | None, str]]) -> None:
    history, now = CostHistory(), at(26)
    for number, (start_s, length_s, group) in enumerate(stays):
        made = node(str(number), start_s / 3600, "0.4", group)
        history.put(made)
        if length_s is not None:
            history.end(made, min(at((start_s + length_s) / 3600), now))
    curves = history.curves(now)
    assert curves is not None
    area = sum(sum(values) for values in curves.groups.values()) * curves.stretch_s / 3600
    assert all(len(values) == BUCKETS for values in curves.groups.values())
    assert area == pytest.approx(history.spent_usd(now), abs=0.002 * len(curves.groups))
