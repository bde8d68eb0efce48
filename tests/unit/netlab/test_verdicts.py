"""Sentences whose numbers are those of the comparison."""

from __future__ import annotations

from dataclasses import replace

from kubelab.netlab.results import Backend, Comparison
from kubelab.netlab.verdicts import on_packets, on_syncs, verdicts
from tests.unit.netlab.made_up import ENVIRONMENT, comparison, latency, measure


def test_there_is_a_sentence_for_each_number_of_services_and_two_on_syncs_at_the_greatest() -> None:
    few, many, full, delta = verdicts(comparison())
    assert few == (
        "At 1,000 Services with 2 endpoints each the last one's first packet takes 6.0 µs more than direct "
        "with iptables-legacy and 5.0 µs with nftables: 1.2 x."
    )
    assert many.endswith("30.0 µs more than direct with iptables-legacy and 5.0 µs with nftables: 6.0 x.")
    assert full == (
        "All rules of 5,000 Services with 2 endpoints each load in 0.50 s with iptables-legacy and in 2.50 s "
        "with nftables, 5.0 x as long."
    )
    assert delta == (
        "One Service more, at 5,000 Services with 2 endpoints each, is 690,000 bytes with iptables-legacy "
        "and 467 with nftables; it takes 0.25 s (and 0.04 s more to list the table, at most once in 30 s) "
        "and 0.05 s (listing the table included, 0.04 s at every sync)."
    )


def test_what_was_expected_is_said_whether_reached_or_not() -> None:
    old, new = measure("iptables-legacy", 10_000), measure("nftables", 10_000)
    assert on_packets(old, new).endswith("12.0 x (at least 10 x expected: reached).")
    slower = replace(new, latency={**new.latency, "last": latency(30.0)})
    assert on_packets(old, slower).endswith("6.0 x (at least 10 x expected: not reached).")


def test_a_cost_below_what_can_be_measured_is_no_ratio() -> None:
    old, new = measure("iptables-legacy", 10_000), measure("nftables", 10_000)
    free = replace(new, latency={**new.latency, "last": latency(19.5)})
    assert on_packets(old, free).endswith("nftables' rules cost less than could be measured.")


def test_a_faster_load_is_said_to_be_faster() -> None:
    old, new = measure("iptables-legacy", 5000), replace(measure("nftables", 5000), full_s=0.25)
    assert next(on_syncs(old, new)).endswith("in 0.25 s with nftables, 2.0 x faster.")


def test_both_kinds_of_iptables_are_spoken_of() -> None:
    upon_nft = replace(measure("iptables-legacy", 5000), backend="iptables-nft")
    said = verdicts(Comparison(ENVIRONMENT, (*comparison().measures[:4], upon_nft)))
    assert sum("30.0 µs more than direct with iptables-nft" in text for text in said) == 1
    assert sum("30.0 µs more than direct with iptables-legacy" in text for text in said) == 1


def test_layouts_are_compared_where_services_have_one_endpoint() -> None:
    maps = replace(measure("nftables-inline-maps", 5000), endpoints=1, full_s=6.0)
    none = replace(measure("nftables", 5000), endpoints=1, full_s=0.5)
    (said,) = verdicts(Comparison(ENVIRONMENT, (maps, none)))
    assert said == (
        "All nftables rules of 5,000 Services with one endpoint each load in 6.00 s with a map in each "
        "(1.36) and in 0.50 s without (1.37), 12.0 x faster."
    )


def test_each_number_of_endpoints_is_spoken_of_at_its_greatest_number_of_services() -> None:
    backends: tuple[Backend, ...] = ("iptables-legacy", "nftables")
    single = [replace(measure(backend, 30_000), endpoints=1) for backend in backends]
    said = verdicts(Comparison(ENVIRONMENT, (*comparison().measures, *single)))
    assert [text[:52] for text in said if text.startswith("All rules")] == [
        "All rules of 5,000 Services with 2 endpoints each lo",
        "All rules of 30,000 Services with one endpoint each ",
    ]


def test_sizes_that_differ_in_endpoints_only_have_a_sentence_on_packets_each() -> None:
    old = replace(measure("iptables-legacy", 5000), endpoints=1, latency=measure("nftables", 5000).latency)
    single = (old, replace(measure("nftables", 5000), endpoints=1))
    said = verdicts(Comparison(ENVIRONMENT, (*comparison().measures, *single)))
    at_5000 = [text for text in said if text.startswith("At 5,000")]
    assert [text.partition(" each")[0] for text in at_5000] == [
        "At 5,000 Services with one endpoint",
        "At 5,000 Services with 2 endpoints",
    ]
    assert [text.rpartition(": ")[2] for text in at_5000] == ["1.0 x.", "6.0 x."]


def test_skipped_cells_and_lone_backends_are_not_spoken_of() -> None:
    old, new = measure("iptables-legacy", 5000), replace(measure("nftables", 5000), skipped="no nft")
    assert verdicts(Comparison(ENVIRONMENT, (old, new))) == ()
    assert verdicts(Comparison(ENVIRONMENT, ())) == ()
