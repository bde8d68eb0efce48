"""Use that a source tells of, in the costs."""

import numpy as np
import pytest

from kubelab.costs.allocation import Window
from kubelab.costs.allocations import Allocations
from kubelab.costs.ledger import Ledger
from kubelab.costs.used import with_usage
from kubelab.usage.series import ContainerKey, Resource, Usage, UsageSeries
from tests.unit.costs.objects import at, node, pod


def series(
    resource: Resource, start: float, end: float, value: float, container: str = "main"
) -> UsageSeries:
    times = np.arange(at(start).timestamp() + 60, at(end).timestamp() + 1, 60.0)
    return UsageSeries(ContainerKey("default", "a", container), resource, times, np.full(len(times), value))


def costs(*found: UsageSeries, hours: float = 10) -> Allocations:
    ledger = with_usage(Ledger.of([node()], [pod("a", cpu="2", memory="1Gi")], now=at(hours)), Usage(found))
    return Allocations.of(ledger, Window(at(0), at(hours)))


def test_each_minute_counts_with_the_larger_of_request_and_use() -> None:
    half = series("cpu", 0, 5, 4.0), series("cpu", 5, 10, 0.5)
    times = np.concatenate([each.times for each in half])
    joined = UsageSeries(half[0].container, "cpu", times, np.concatenate([each.values for each in half]))
    row = costs(joined, series("memory", 0, 10, 2**29)).frame().iloc[0]
    assert row.cpu_core_hours == pytest.approx(5 * 4 + 5 * 2)
    assert row.cpu_efficiency == pytest.approx((5 * 4 + 5 * 0.5) / 20)
    assert row.ram_efficiency == pytest.approx(0.5)


def test_containers_of_a_pod_are_added_up() -> None:
    row = costs(series("cpu", 0, 10, 2.0), series("cpu", 0, 10, 1.5, "side")).frame().iloc[0]
    assert row.cpu_core_hours == pytest.approx(35.0)


def test_time_that_no_sample_tells_of_stays_as_it_was() -> None:
    row = costs(series("cpu", 0, 5, 4.0)).frame().iloc[0]
    assert row.cpu_core_hours == pytest.approx(5 * 4 + 5 * 2)
    assert row.pods == 1


def test_pods_that_a_source_does_not_know_stay_as_they_were() -> None:
    assert costs().frame().iloc[0].cpu_core_hours == pytest.approx(20.0)
    assert costs().frame()["efficiency"].isna().iloc[0]


def test_money_is_conserved_also_where_more_was_used_than_there_is() -> None:
    found = costs(series("cpu", 0, 10, 40.0))
    assert found.total_usd == pytest.approx(found.assets_usd) == pytest.approx(10.0)
