from dataclasses import replace

import pytest

from kubelab.netlab import iptables
from kubelab.netlab.names import endpoint_chain, service_chain
from kubelab.netlab.services import make_services, one_more


def count_chains(text: str) -> int:
    """How many chains a text names in the table nat."""
    nat = text.partition("*nat\n")[2].partition("COMMIT")[0]
    return sum(line.startswith(":") for line in nat.splitlines())


@pytest.mark.parametrize(
    ("services", "endpoints", "nat"),
    [(1, 1, 10), (1, 2, 13), (1, 10, 37), (10, 1, 55), (10, 2, 85), (10, 10, 325)],
)
def test_rules_are_as_many_as_upstream_counts(services: int, endpoints: int, nat: int) -> None:
    """TestNumberIptablesRules of iptables/number_generated_rules_test.go."""
    text = iptables.full_sync(make_services(services, endpoints))
    assert iptables.count_rules(text) == nat
    assert count_chains(text) == 4 + services * (1 + endpoints)


def test_a_service_without_endpoints_is_rejected_in_filter_alone() -> None:
    text = iptables.full_sync(make_services(3, 0))
    assert iptables.count_rules(text) == 5
    assert text.count("-j REJECT") == 3


def test_endpoints_are_chosen_evenly() -> None:
    text = iptables.full_sync(make_services(1, 4))
    chances = [
        line.split("--probability ")[1].split()[0] for line in text.splitlines() if "statistic" in line
    ]
    assert chances == ["0.2500000000", "0.3333333333", "0.5000000000"]  # the fourth takes what is left


def test_a_partial_sync_writes_every_dispatch_but_only_the_changed_chains() -> None:
    services = make_services(50, 2)
    new = one_more(services)
    text = iptables.adding(services, new)
    assert text.count("-A KUBE-SERVICES") == 50 + 1 + 1
    assert text.count(":KUBE-SVC-") == 1
    assert f":{service_chain(new)} " in text


def test_a_changed_endpoint_s_old_chain_is_deleted_after_what_jumped_to_it() -> None:
    services = make_services(5, 2)
    old, new = services[2], services[2].with_endpoint_changed()
    lines = iptables.changing(services, 2, new).splitlines()
    gone = endpoint_chain(old, old.endpoints[0])
    assert f":{gone} - [0:0]" in lines
    assert lines.index(f"-X {gone}") > max(i for i, line in enumerate(lines) if service_chain(new) in line)
    assert not any(line.endswith(f"-j {gone}") for line in lines)


def test_a_removed_service_s_chains_are_all_deleted() -> None:
    services = make_services(5, 3)
    text = iptables.removing(services, 4)
    assert text.count("-X KUBE-SVC-") == 1
    assert text.count("-X KUBE-SEP-") == 3
    assert services[4].cluster_ip not in text


def test_a_service_that_loses_all_endpoints_is_rejected_and_its_chains_are_deleted() -> None:
    services = make_services(3, 2)
    text = iptables.changing(services, 0, replace(services[0], endpoints=()))
    assert text.count("-X KUBE-SVC-") == 1
    assert text.count("-X KUBE-SEP-") == 2
    assert text.count("-j REJECT") == 1


def test_a_sync_of_a_large_cluster_leaves_stale_chains_to_one_that_lists() -> None:
    few, many = make_services(500, 2), make_services(501, 2)
    assert iptables.changing(few, 0, few[0].with_endpoint_changed()).count("-X KUBE-SEP-") == 1
    assert "\n-X " not in iptables.changing(many, 0, many[0].with_endpoint_changed())
    assert "\n-X " not in iptables.removing([*many, one_more(many)], 501)


def test_large_clusters_have_no_comments_on_endpoints() -> None:
    assert iptables.full_sync(make_services(500, 2)).count(" -> ") == 1000
    large = iptables.full_sync(make_services(501, 2))
    assert " -> " not in large
    assert large.count('cluster IP"') == 1002  # dispatch, and masquerade
