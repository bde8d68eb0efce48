"""The number of anonymous maps, and nothing else, makes loading quadratic."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from kubelab.errors import KubelabError
from kubelab.netlab import maps, profile, tools
from kubelab.netlab.errors import NetworkUnavailableError
from kubelab.netlab.maps import MapsRow, MapsStudy, rules
from kubelab.netlab.network import Network
from kubelab.netlab.profile import read_report

REPORT = """
# Overhead  Symbol
    23.48%  [k] nf_tables_newset
    15.11%  [k] __nft_set_trans_bind.isra.0
    30.00%  [.] _int_free
     1.00%  [k] 0xffffffff81000000
    25.80%  [k] nft_set_lookup_global
"""


def can_load() -> bool:
    try:
        with Network(root=os.geteuid() == 0):
            return tools.why_not("nftables") is None
    except NetworkUnavailableError:
        return False


needs_nft = pytest.mark.skipif(not can_load(), reason="nft or network namespaces are not to be had here")


def test_elements_are_shared_out_equally_among_maps() -> None:
    for count in (1, 4, 8):
        pairs = rules(count, 8, maps=True)
        assert len(pairs) == count
        assert sum(rule.count(" . 8080") for _, rule in pairs) == 8
        assert all(f"numgen random mod {8 // count} map" in rule for _, rule in pairs)


def test_as_many_rules_without_maps_send_to_one_endpoint_each() -> None:
    pairs = rules(4, 8, maps=False)
    assert [rule.split()[-1] for _, rule in pairs] == [f"10.128.0.{i}:8080" for i in (0, 2, 4, 6)]
    assert not any("map " in rule for _, rule in pairs)


@pytest.mark.parametrize(("count", "elements"), [(3, 8), (0, 8), (2, 100_000)])
def test_elements_that_cannot_be_shared_out_are_refused_in_words(count: int, elements: int) -> None:
    with pytest.raises(KubelabError, match="give a multiple of the number of maps, at most 65,536"):
        rules(count, elements, maps=True)


def test_the_first_transaction_makes_the_table_and_all_together_hold_every_rule() -> None:
    pairs = rules(2000, 2000, maps=True)
    texts = maps.transactions_of(pairs, root=False)
    assert [text.count("add table") for text in texts] == [1] + [0] * (len(texts) - 1)
    assert sum(text.count("add rule") for text in texts) == 2000
    assert all(text.count("add rule") == text.count("add chain") for text in texts)
    assert len(texts) > 1 == len(maps.transactions_of(pairs, root=True))


@pytest.mark.parametrize(("counts", "repeats"), [([], 1), ([4], 1), ([4, 4], 1), ([2, 4], 0)])
def test_what_shows_no_growth_is_refused(counts: list[int], repeats: int) -> None:
    with pytest.raises(KubelabError, match="give two numbers or more, and one repeat"):
        maps.measure(counts, elements=8, repeats=repeats)


@needs_nft
@pytest.mark.parametrize("root", [True, False])
def test_maps_and_not_elements_cost_time(root: bool) -> None:
    if root and os.geteuid() != 0:
        pytest.skip("this needs root")
    told: list[int] = []
    study = maps.measure(
        [500, 2000], elements=2000, repeats=1, on_progress=lambda row: told.append(row.maps), root=root
    )
    assert told == [500, 2000]
    few, many = study.rows
    assert many.with_maps_s[0] - few.with_maps_s[0] > many.without_maps_s[0]
    read = MapsStudy.from_json(study.to_json())
    assert (read.rows, read.timer) == (study.rows, "processor")
    assert "4 x the maps, with the same 2,000 elements, take" in study.verdict()
    assert "x the processor time; as many rules" in study.verdict()
    assert "Recorded" not in study.verdict()


@needs_nft
def test_a_user_namespace_loads_few_maps_of_many_elements_as_well_as_many_of_few() -> None:
    study = maps.measure([2, 30, 3000], elements=3000, repeats=1, root=False)
    assert [row.maps for row in study.rows] == [2, 30, 3000]


@needs_nft
def test_a_map_that_no_message_of_a_user_namespace_holds_is_refused_in_words() -> None:
    with pytest.raises(KubelabError, match="give a map fewer elements, or run as root"):
        maps.measure([1, 2], elements=20_000, repeats=1, root=False)


def test_a_machine_without_nft_is_told_so_and_what_to_show_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "why_not", lambda backend: "No tool for nftables is installed.")
    with pytest.raises(NetworkUnavailableError, match="No tool for nftables is installed"):
        maps.find_nft()


def test_a_report_of_perf_is_read_as_the_kernels_functions_the_greatest_first() -> None:
    assert read_report(REPORT) == (
        ("nft_set_lookup_global", pytest.approx(0.258)),
        ("nf_tables_newset", pytest.approx(0.2348)),
        ("__nft_set_trans_bind.isra.0", pytest.approx(0.1511)),
    )


def test_a_machine_without_perf_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find", lambda name: None)
    assert profile.profile(2, elements=4).missing == (
        "perf is not installed (Debian: `apt-get install linux-perf`)"
    )


@pytest.mark.skipif(tools.find("perf") is None or os.geteuid() != 0, reason="needs perf and root")
@needs_nft
def test_the_kernels_own_lists_take_the_time() -> None:
    found = profile.profile(1500, elements=3000)
    if found.missing:
        pytest.skip(found.missing)
    assert {"nf_tables_newset", "nft_set_lookup_global"} & {name for name, _ in found.functions}


def test_a_study_from_before_processor_time_was_measured_says_that_its_seconds_are_the_clocks() -> None:
    row = MapsRow(500, 2000, (0.1,), (0.05,))
    data = json.loads(
        MapsStudy((row, replace(row, maps=2000)), "Linux", "2026-11-26", timer="processor").to_json()
    )
    del data["timer"]
    assert MapsStudy.from_json(json.dumps(data)).timer == "clock"


def test_the_recorded_study_is_marked_and_shows_the_square() -> None:
    study = MapsStudy.recorded()
    assert study.is_recorded
    assert f"Recorded on {study.machine}" in study.verdict()
    assert study.with_maps.exponent > 1.7
    assert study.without_maps.exponent < 1.3
    first, last = study.rows[0].maps, study.rows[-1].maps
    assert study.with_maps.seconds(last) / study.with_maps.seconds(first) > last / first
    assert study.with_maps.share > 0.5
    assert study.with_maps.quadratic > 3 * study.without_maps.quadratic
