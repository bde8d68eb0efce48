"""The network's figures: numbers in, the same numbers drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubelab.figures import latency_figure, maps_figure, proxy_figure
from kubelab.netlab.maps import MapsRow, MapsStudy
from kubelab.netlab.results import BACKENDS, Comparison
from tests.unit.netlab.made_up import ENVIRONMENT, comparison, measure

MAPS = MapsStudy(
    tuple(MapsRow(n, 8000, (n**2 / 1e7, n**2 / 8e6, n**2 / 9e6), (n / 1e5,)) for n in (1000, 2000, 4000)),
    "Linux",
    "2026-11-26T20:00:00Z",
)


def test_each_backend_is_a_line_in_each_chart_over_the_number_of_services() -> None:
    traces = proxy_figure(comparison()).data
    assert [trace.name for trace in traces] == ["iptables-legacy"] * 3 + ["nftables"] * 3
    net, full, add = traces[:3]
    assert list(net.x) == [1000, 5000]
    assert list(net.y) == pytest.approx([6.0, 30.0])
    assert list(full.y) == [0.1, 0.5]
    assert list(add.y) == [0.05, 0.25]


def test_bars_reach_over_the_repeats() -> None:
    net, full, add = proxy_figure(comparison()).data[:3]
    assert (list(net.error_y.array), list(net.error_y.arrayminus)) == ([3.0, 3.0], [2.0, 2.0])
    assert list(full.error_y.array) == pytest.approx([0.02, 0.1])
    assert list(add.error_y.array) == [0.0, 0.0]


def test_numbers_of_endpoints_are_lines_of_their_own_in_their_backends_colour() -> None:
    made = comparison()
    single = replace(made.measures[0], endpoints=1)
    traces = proxy_figure(replace(made, measures=(*made.measures, single))).data
    two, one = traces[0], traces[3]
    assert (two.name, one.name) == ("iptables-legacy, 2 endpoints", "iptables-legacy, 1 endpoint")
    assert (two.line.color, two.line.dash, one.line.dash) == (one.line.color, "solid", "dash")


def test_what_was_skipped_is_left_out() -> None:
    assert "iptables-nft" not in {trace.name for trace in proxy_figure(comparison()).data}


def test_a_recorded_figure_says_so_and_where_it_was_measured() -> None:
    note = proxy_figure(comparison(is_recorded=True)).layout.annotations[-1].text
    assert note == "Recorded 2026-11-26: Linux 6.18.44, 2 x AMD EPYC, as root"


def test_the_maps_figure_says_where_it_was_measured_and_whether_it_is_recorded() -> None:
    assert maps_figure(MAPS).layout.annotations[-1].text == "Measured 2026-11-26: Linux"
    recorded = maps_figure(replace(MAPS, is_recorded=True))
    assert recorded.layout.annotations[-1].text == "Recorded 2026-11-26: Linux"


def test_every_backend_has_a_symbol_of_its_own() -> None:
    measures = [measure(backend, 5000) for backend in BACKENDS]
    traces = proxy_figure(Comparison(ENVIRONMENT, tuple(measures))).data
    assert len({trace.marker.symbol for trace in traces}) == len(BACKENDS)


def test_times_of_syncs_have_ticks_within_each_power_of_ten() -> None:
    layout = proxy_figure(comparison()).layout
    assert [axis.dtick for axis in (layout.yaxis2, layout.yaxis3)] == ["D2", "D2"]


def test_percentiles_stand_at_positions_and_the_axis_says_which_they_are() -> None:
    figure = latency_figure(comparison(), 5000)
    assert figure.layout.xaxis.title.text.endswith("(box: p01, median, p90; whisker: p99)")
    legacy, nftables = figure.data
    assert list(legacy.x) == ["direct", "first", "middle", "last"]
    assert list(legacy.median) == [20.0, 22.0, 35.0, 50.0]
    assert list(nftables.upperfence) == [60.0, 62.0, 62.5, 65.0]


def test_maps_are_points_with_bars_and_a_fitted_line() -> None:
    points, line, plain, _ = maps_figure(MAPS).data
    assert list(points.y) == pytest.approx([n**2 / 9e6 for n in (1000, 2000, 4000)])
    assert list(points.error_y.arrayminus)[-1] == pytest.approx(16 / 9 - 1.6)
    assert line.y[-1] == pytest.approx(16 / 9, rel=0.01)
    assert list(plain.y) == [0.01, 0.02, 0.04]
