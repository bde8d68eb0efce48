"""The number of anonymous maps, and nothing else, makes loading quadratic."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.errors import KubelabError
from kubelab.netlab import loading, maps, profile, tools
from kubelab.netlab.errors import NetworkUnavailableError
from kubelab.netlab.maps import MapsStudy, rules
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
        loading.run(loading.namespace(loading.find_nft(), "list", "tables"))
    except KubelabError:
        return False
    return True


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


def test_a_user_namespaces_transactions_hold_at_most_200_rules_and_make_the_table_once(
    tmp_path: Path,
) -> None:
    written = maps.write_batches(tmp_path, rules(500, 500, maps=True), 200)
    texts = [path.read_text() for path in written]
    assert [text.count("add rule") for text in texts] == [200, 200, 100]
    assert [text.count("add table") for text in texts] == [1, 0, 0]


def test_a_fit_finds_the_square_and_the_line_again() -> None:
    squared = maps.fit([(n, 0.01 + 1e-5 * n + 1e-7 * n**2) for n in (500, 1000, 2000, 4000)])
    assert squared.quadratic == pytest.approx(1e-7, rel=1e-3)
    assert squared.share == pytest.approx(1.6 / 1.65, rel=1e-3)
    straight = maps.fit([(n, 0.01 + 1e-5 * n) for n in (500, 1000, 2000, 4000)])
    assert straight.quadratic == pytest.approx(0, abs=1e-12)
    assert straight.seconds(1000) == pytest.approx(0.02)


def test_no_numbers_of_maps_are_refused() -> None:
    with pytest.raises(KubelabError, match="give at least one of each"):
        maps.measure([])


@needs_nft
def test_maps_and_not_elements_cost_time() -> None:
    told: list[int] = []
    study = maps.measure([750, 3000], elements=3000, repeats=1, on_progress=lambda row: told.append(row.maps))
    assert told == [750, 3000]
    few, many = study.rows
    assert many.with_maps_s[0] / few.with_maps_s[0] > many.without_maps_s[0] / few.without_maps_s[0]
    assert MapsStudy.from_json(study.to_json()).rows == study.rows
    assert study.verdict().startswith("4 x the maps, with the same 3,000 elements, take ")


@needs_nft
def test_what_nft_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    (tmp_path / "bad.nft").write_text("add rule ip nowhere here accept\n")
    with pytest.raises(KubelabError, match="No such file or directory"):
        loading.load([tmp_path / "bad.nft"])


def test_a_machine_without_namespaces_is_told_so_and_what_to_show_instead() -> None:
    refused = ("sh", "-c", "echo unshare: unshare failed: Operation not permitted >&2; exit 1")
    with pytest.raises(NetworkUnavailableError, match="can be made here"):
        loading.run(refused)


@needs_nft
def test_rules_are_gone_with_their_namespace(tmp_path: Path) -> None:
    (transaction,) = maps.write_batches(tmp_path, rules(2, 4, maps=True), None)
    loading.load([transaction])
    assert "kubelab-maps" not in loading.run(loading.namespace(loading.find_nft(), "list", "tables"))
    if loading.is_root():
        assert "kubelab-maps" not in loading.run([loading.find_nft(), "list", "tables"])


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


@pytest.mark.skipif(tools.find("perf") is None or not loading.is_root(), reason="needs perf and root")
@needs_nft
def test_the_kernels_own_lists_take_the_time() -> None:
    found = profile.profile(1500, elements=3000)
    if found.missing:
        pytest.skip(found.missing)
    assert {"nf_tables_newset", "nft_set_lookup_global"} & {name for name, _ in found.functions}


def test_the_recorded_study_is_marked_and_shows_the_square() -> None:
    study = MapsStudy.recorded()
    assert study.is_recorded
    assert study.with_maps.exponent > 1.7
    assert study.without_maps.exponent < 1.3
