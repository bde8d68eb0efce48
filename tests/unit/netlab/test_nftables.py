from dataclasses import replace

import pytest

from kubelab.netlab import nftables
from kubelab.netlab.nftables import Layout
from kubelab.netlab.services import make_services, one_more

LAYOUTS: tuple[Layout, ...] = ("endpoint-chains", "inline-maps", "single-endpoint")


def test_the_oldest_layout_has_a_chain_for_each_endpoint() -> None:
    text = nftables.full_sync(make_services(10, 3), "endpoint-chains")
    assert text.count("add chain ip kube-proxy endpoint-") == 30
    assert "numgen random mod 3 vmap { 0 : goto endpoint-" in text


def test_inline_maps_are_one_rule_a_service() -> None:
    text = nftables.full_sync(make_services(10, 3), "inline-maps")
    rules = [
        line
        for line in text.splitlines()
        if line.startswith("add rule ip kube-proxy service-") and " map " in line
    ]
    assert len(rules) == 10
    assert "meta l4proto tcp dnat ip addr . port to numgen random mod 3 map { 0 : " in rules[0]


def test_the_newest_layout_needs_no_map_for_a_single_endpoint() -> None:
    single, more = (nftables.full_sync(make_services(10, each)) for each in (1, 2))
    assert " map {" not in single
    assert single.count(" dnat to ") == 10
    assert more == nftables.full_sync(make_services(10, 2), "inline-maps")


def test_a_service_without_endpoints_goes_to_the_reject_chain() -> None:
    text = nftables.full_sync(make_services(4, 0))
    assert text.count("add element ip kube-proxy no-endpoint-services") == 4
    assert "element ip kube-proxy service-ips" not in text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_changes_is_all_that_is_written(layout: Layout) -> None:
    few, many = make_services(10), make_services(1000)
    assert len(nftables.adding(one_more(many), layout)) == pytest.approx(
        len(nftables.adding(one_more(few), layout)), rel=0.1
    )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_parts_hold_together_what_one_text_holds(layout: Layout) -> None:
    services = make_services(23)
    whole = nftables.full_sync(services, layout)
    parts = nftables.full_sync_in_parts([services[:10], services[10:20], services[20:]], layout)
    assert len(parts) == 3
    assert sorted("".join(parts).splitlines()) == sorted(whole.splitlines())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_service_that_loses_all_endpoints_goes_to_the_reject_chain_and_back(layout: Layout) -> None:
    whole = make_services(1)[0]
    empty = replace(whole, endpoints=())
    lost, back = nftables.changing(whole, empty, layout), nftables.changing(empty, whole, layout)
    for text, gone, come in (
        (lost, "service-ips", "no-endpoint-services"),
        (back, "no-endpoint-services", "service-ips"),
    ):
        assert f"delete element ip kube-proxy {gone} {{ {whole.cluster_ip} " in text
        assert f"add element ip kube-proxy {come} {{ {whole.cluster_ip} " in text
    assert lost.count("delete chain") == back.count("add chain") > 0


def test_removing_undoes_each_line_of_adding() -> None:
    service = make_services(1)[0]
    added, removed = nftables.adding(service), nftables.removing(service)
    assert added.count("add element") == removed.count("delete element") == 2
    assert added.count("add chain") == removed.count("delete chain") == 1
