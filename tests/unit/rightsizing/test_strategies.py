"""Each tool's rule on series whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kubelab.rightsizing.history import History, NotEnoughHistoryError
from kubelab.rightsizing.strategies import STRATEGIES, UnknownStrategyError, strategy_of
from kubelab.rightsizing.strategies.krr import Krr
from kubelab.usage.series import ContainerKey, Resource, UsageSeries

KEY = ContainerKey("shop", "web-1", "app", "Deployment", "web")
MIB = 2.0**20


def history(
    *pods: list[float],
    resource: Resource = "cpu",
    step_s: float = 300,
    request: float | None = None,
    limit: float | None = None,
    ooms: tuple[float, ...] = (),
) -> History:
    series = tuple(
        UsageSeries(
            KEY,
            resource,
            np.arange(len(values), dtype=np.float64) * step_s,
            np.array(values, dtype=np.float64),
        )
        for values in pods
    )
    return History(KEY, resource, series, request, limit, ooms)


RAMP = [number / 100 for number in range(1, 201)]
"""0.01 to 2 cores."""


@pytest.mark.parametrize(
    ("name", "request_cores"),
    [
        ("krr-simple", float(np.quantile(RAMP, 0.95))),
        ("krr-simple-limit", float(np.quantile(RAMP, 0.66))),
        ("kubecost", 2.0 / 0.7),
        ("devzero-balanced", 2.0),
        ("devzero-conservative", 2.4),
        ("cast", float(np.quantile(RAMP, 0.8))),
        ("peak", 2.0),
    ],
)
def test_cpu_is_sized_as_the_tool_does(name: str, request_cores: float) -> None:
    found = strategy_of(name).size(history(RAMP))
    assert found.request == pytest.approx(request_cores)
    assert found.lower <= found.request <= found.upper


@pytest.mark.parametrize(
    ("name", "mebibytes"),
    [("krr-simple", 575), ("kubecost", 500 / 0.7), ("devzero-balanced", 500), ("cast", 550), ("peak", 550)],
)
def test_memory_is_sized_as_the_tool_does(name: str, mebibytes: float) -> None:
    used = [100 * MIB] * 150 + [500 * MIB]
    assert strategy_of(name).size(history(used, resource="memory")).request / MIB == pytest.approx(mebibytes)


def test_the_busiest_pod_counts_for_krr() -> None:
    idle, busy = [0.1] * 100, [1.0] * 100
    assert strategy_of("krr-simple").size(history(idle, busy)).request == pytest.approx(1.0)
    assert strategy_of("cast").size(history([0.1] * 900, busy)).request == pytest.approx(0.1)


def test_krr_says_how_many_samples_are_missing() -> None:
    with pytest.raises(NotEnoughHistoryError, match="has 99 samples of shop/app and needs 100") as caught:
        strategy_of("krr-simple").size(history([1.0] * 99))
    assert (caught.value.points, caught.value.needed) == (99, 100)


def test_krr_limits_cpu_only_with_a_limit_quantile() -> None:
    assert strategy_of("krr-simple").size(history(RAMP)).limit is None
    assert strategy_of("krr-simple-limit").size(history(RAMP)).limit == pytest.approx(np.quantile(RAMP, 0.96))


def test_krr_heeds_ooms_when_told_to() -> None:
    killed = history([100 * MIB] * 100, resource="memory", ooms=(512 * MIB,))
    assert strategy_of("krr-simple").size(killed).request == pytest.approx(115 * MIB)
    assert Krr(heeds_ooms=True).size(killed).request == pytest.approx(640 * MIB)


def test_small_containers_get_the_tools_floors() -> None:
    tiny = history([0.001] * 100)
    assert strategy_of("krr-simple").size(tiny).request == 0.010
    assert strategy_of("krr-simple").size(tiny).why == "the floor, as P95 of use is less, of 100 samples"
    little = history([MIB] * 100, resource="memory")
    assert strategy_of("krr-simple").size(little).request == 100 * MIB
    assert strategy_of("kubecost").size(little).request == 20 * MIB


def test_devzero_balanced_never_cuts_more_than_half() -> None:
    found = strategy_of("devzero-balanced").size(history([0.1] * 10, request=2.0, limit=4.0))
    assert (found.request, found.limit) == (1.0, 3.0)


def test_devzero_aggressive_takes_the_p90_of_hourly_peaks() -> None:
    hours = [[0.1] * 11 + [float(peak)] for peak in range(1, 11)]
    found = strategy_of("devzero-aggressive").size(history([value for hour in hours for value in hour]))
    assert found.request == pytest.approx(9.1)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_figures_of_the_reason_are_there(name: str) -> None:
    found = strategy_of(name).size(history(RAMP, request=0.5, limit=1.0))
    assert found.why
    assert {each.term for each in found.evidence} >= {"median of use", "highest use", "samples"}


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_strategy_sizes_from_nothing(name: str) -> None:
    with pytest.raises(NotEnoughHistoryError):
        strategy_of(name).size(history([]))


def test_an_unknown_strategy_is_told_with_those_there_are() -> None:
    with pytest.raises(UnknownStrategyError, match=r"'magic'\. There are: vpa, "):
        strategy_of("magic")


def test_vpa_gives_upstreams_figures() -> None:
    week = history([0.1] * (7 * 1440 + 1), step_s=60)
    found = strategy_of("vpa").size(week)
    assert (found.request, found.lower, found.upper) == (0.126, 0.125, 0.144)
    gib = strategy_of("vpa").size(history([2.0**30] * 1441, resource="memory", step_s=60))
    assert gib.request == 1238659775


def test_vpa_keeps_the_ratio_of_limit_to_request() -> None:
    week = history([0.1] * (7 * 1440 + 1), step_s=60, request=0.5, limit=1.0)
    assert strategy_of("vpa").size(week).limit == pytest.approx(0.252)


def test_vpa_heeds_a_kill() -> None:
    killed = history([100 * MIB] * 1441, resource="memory", step_s=60, ooms=(2.0**30,))
    assert strategy_of("vpa").size(killed).request > 1288490188
