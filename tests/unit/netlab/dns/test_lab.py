"""Lookups by the machine's own glibc in namespaces, counted by a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from kubelab.netlab.dns import (
    Behaviour,
    DnsLab,
    DnsLabError,
    DnsNameError,
    DnsOptionError,
    Lookup,
    ResolvConf,
    ResolvConfError,
    count,
    pod_resolv_conf,
    reckon,
)
from kubelab.netlab.dns.cache import installed_cache
from kubelab.netlab.dns.server import predicted
from kubelab.netlab.tools import find

FOUR = pod_resolv_conf(host=ResolvConf((), ("corp.example",)))
WITH_NDOTS = {
    each: pod_resolv_conf(config={"options": [{"name": "ndots", "value": str(each)}]}) for each in (1, 2)
}
POD = pod_resolv_conf()
TIMEOUT = (*POD.options, "timeout:1")

needs_cache = pytest.mark.skipif(
    installed_cache() is None, reason="apt-get install dnsmasq-base (or unbound)"
)
needs_nft = pytest.mark.skipif(find("nft") is None, reason="apt-get install nftables")


@pytest.mark.parametrize(
    ("name", "conf", "family", "queries", "wasted"),
    [
        ("api.example.com", POD, "any", 8, 6),
        ("api.example.com", POD, "ipv4", 4, 3),
        ("api.example.com", FOUR, "any", 10, 8),
        ("api.example.com.", POD, "any", 2, 0),
        ("api.example.com", WITH_NDOTS[2], "any", 2, 0),
        ("api.example.com", WITH_NDOTS[1], "any", 2, 0),
        ("web", POD, "any", 2, 0),
        ("db.prod", POD, "any", 4, 2),
        ("db.prod.svc", POD, "any", 6, 4),
        ("db.prod.svc.cluster.local", POD, "any", 8, 6),
        ("db.prod.svc.cluster.local.", POD, "any", 2, 0),
        ("db.prod", WITH_NDOTS[1], "any", 6, 4),
        ("no.such.example", POD, "any", 8, 8),
        ("no.such.example", WITH_NDOTS[2], "any", 8, 8),
        ("web", POD, "ipv6", 4, 3),
        ("10.0.0.1", POD, "any", 0, 0),
        ("localhost", POD, "any", 0, 0),
    ],
)
def test_glibc_sends_the_queries_that_are_published_and_reckoned(
    lab: DnsLab, name: str, conf: ResolvConf, family: str, queries: int, wasted: int
) -> None:
    (found,) = lab.count(name, conf, family=family).lookups
    assert (len(found.queries), found.upstream, found.wasted) == (queries, queries, wasted)
    asked = sorted((each.name, each.type) for each in found.queries)
    assert asked == sorted(reckon(name, conf, lab.zone.has, family=family))
    assert_answers_are_predicted(found, lab, Behaviour())


def assert_answers_are_predicted(found: Lookup, lab: DnsLab, behaviour: Behaviour) -> None:
    foreseen = [predicted(lab.zone, behaviour, each.name, each.type) for each in found.queries]
    assert [each.answer for each in foreseen] == [each.answer for each in found.queries]


def test_autopath_answers_in_two_queries_what_the_search_list_would_ask_eight_for(lab: DnsLab) -> None:
    (found,) = lab.count("api.example.com", autopath=True).lookups
    assert len(found.queries) == 2
    assert found.addresses == ("2001:db8::1", "203.0.113.1")
    assert_answers_are_predicted(found, lab, Behaviour(autopath=POD.search))
    assert len(reckon("api.example.com", POD, lab.zone.has, autopath=True)) == 2


def test_names_are_found_with_their_own_addresses_or_not_at_all(lab: DnsLab) -> None:
    web, missing = lab.count(["web", "no.such.example"]).lookups
    assert web.addresses == ("10.96.1.1",)
    assert (missing.addresses, missing.error) == ((), "Name or service not known")


@needs_nft
def test_a_second_packet_that_the_kernel_drops_costs_the_resolvers_whole_timeout(lab: DnsLab) -> None:
    conf = ResolvConf(POD.nameservers, POD.search, ("ndots:1", "timeout:1"))
    (found,) = lab.count("api.example.com", conf, drop_second=True).lookups
    assert 1 <= found.seconds < 1.9
    assert found.addresses


@needs_nft
@pytest.mark.parametrize(
    ("name", "options", "tracked"),
    [
        ("api.example.com", (), 4),
        ("api.example.com.", (), 1),
        ("web", (), 1),
        ("web", ("single-request-reopen",), 2),
        ("web", ("use-vc",), 1),
        ("localhost", (), 0),
    ],
)
def test_each_name_tried_is_an_entry_of_the_connection_table(
    lab: DnsLab, name: str, options: tuple[str, ...], tracked: int
) -> None:
    conf = ResolvConf(POD.nameservers, POD.search, (*POD.options, *options))
    (found,) = lab.count(name, conf, track=True).lookups
    assert found.tracked == tracked
    (untracked,) = lab.count(name, conf).lookups
    assert untracked.tracked is None


@needs_nft
@needs_cache
def test_of_a_nodes_cache_only_what_it_asks_itself_is_in_the_connection_table(lab: DnsLab) -> None:
    first, again = lab.count(["web", "web"], cache=True, track=True).lookups
    assert first.tracked in (1, 2)  # by whether the cache asks for A and AAAA from one socket
    assert again.tracked == 0


def test_a_pair_that_loses_one_packet_waits_and_one_packet_at_a_time_does_not(lab: DnsLab) -> None:
    race = Behaviour(lose_pair=True)
    both, single, reopened, tcp = (
        lab.count("api.example.com", ResolvConf((), (), ("timeout:1", *each)), behaviour=race).lookups[0]
        for each in ((), ("single-request",), ("single-request-reopen",), ("use-vc",))
    )
    assert both.seconds >= 1
    assert [each.answer for each in both.queries].count("LOST") == 1
    assert max(single.seconds, reopened.seconds, tcp.seconds) < 1
    assert {each.transport for each in tcp.queries} == {"tcp"}


def test_a_slow_server_is_waited_for_once_per_name_and_a_denied_name_is_not_found(lab: DnsLab) -> None:
    (slow,) = lab.count("api.example.com", behaviour=Behaviour(delay_s=0.02)).lookups
    assert slow.seconds >= 4 * 0.02
    (denied,) = lab.count("web.", behaviour=Behaviour(nxdomain=("web",))).lookups
    assert denied.error


def test_losses_follow_the_seed(lab: DnsLab) -> None:
    conf = ResolvConf((), (), ("timeout:1", "attempts:1"))
    lossy = Behaviour(loss=0.999, seed=3)
    (found,) = lab.count("api.example.com", conf, family="ipv4", behaviour=lossy).lookups
    assert [each.answer for each in found.queries] == ["LOST"]
    assert found.error == "Temporary failure in name resolution"


@needs_cache
def test_a_nodes_cache_passes_on_only_what_it_does_not_know(lab: DnsLab) -> None:
    first, again = lab.count(["api.example.com", "api.example.com"], cache=True).lookups
    assert (len(first.queries), len(again.queries)) == (8, 8)
    assert (first.wasted, again.wasted) == (6, 6)
    assert 4 <= first.upstream <= 8
    assert again.upstream == 0


@needs_cache
def test_under_load_a_cache_keeps_nearly_all_queries_from_the_server(lab: DnsLab) -> None:
    wanted = ["api.example.com", "web"]
    plain = lab.load(wanted, lookups=80, clients=2)
    cached = lab.load(wanted, lookups=80, clients=2, cache=True)
    assert plain.queries == plain.upstream == cached.queries == 40 * 8 + 40 * 2
    assert cached.upstream <= 2 * 10
    assert len(plain.latencies_s) == 80
    assert plain.percentile_ms(50) <= plain.percentile_ms(99) <= 1000 * max(plain.latencies_s)


def test_without_root_the_counts_are_the_same() -> None:
    try:
        made = DnsLab(root=False)
    except DnsLabError as error:
        pytest.skip(str(error))
    with made:
        (found,) = made.count("api.example.com", cache=installed_cache() is not None).lookups
        assert len(found.queries) == 8
        assert made.machine.privileges == "user namespace"


@needs_nft
def test_without_root_the_entries_are_the_same() -> None:
    try:
        made = DnsLab(root=False)
    except DnsLabError as error:
        pytest.skip(str(error))
    with made:
        (found,) = made.count("api.example.com", track=True).lookups
        assert found.tracked == 4


def test_a_lab_that_was_closed_says_so_and_closes_twice() -> None:
    try:
        made = DnsLab()
    except DnsLabError as error:
        pytest.skip(str(error))
    made.close()
    made.close()
    with pytest.raises(DnsLabError, match="has ended"):
        made.count("web")


def test_what_is_no_name_or_family_is_refused_before_anything_runs(lab: DnsLab) -> None:
    with pytest.raises(DnsNameError):
        lab.count("a..b")
    with pytest.raises(DnsOptionError, match="Choose any, ipv4, ipv6"):
        lab.count("web", family="ipx")
    with pytest.raises(DnsOptionError, match="Give at least one name"):
        lab.count([])
    with pytest.raises(DnsOptionError, match="Give a list of texts"):
        lab.count([5])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"clients": 0}, "a whole number from 1 to 64"),
        ({"clients": -1}, "a whole number from 1 to 64"),
        ({"clients": 65}, "a whole number from 1 to 64"),
        ({"lookups": 0}, "a whole number of at least 1"),
        ({"lookups": 2.5}, "a whole number of at least 1"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused_and_the_lab_goes_on(
    lab: DnsLab, wrong: dict[str, int], words: str
) -> None:
    with pytest.raises(DnsOptionError, match=words):
        lab.load(["web"], **wrong)
    assert lab.count("web").lookups


@pytest.mark.parametrize(("lookups", "clients"), [(10, 4), (3, 64)])
def test_a_load_makes_as_many_lookups_as_it_was_told(lab: DnsLab, lookups: int, clients: int) -> None:
    found = lab.load("web.default.svc.cluster.local.", lookups=lookups, clients=clients)
    assert (len(found.latencies_s), found.queries) == (lookups, 2 * lookups)


def test_the_short_way_refuses_a_search_list_that_is_one_text() -> None:
    with pytest.raises(DnsOptionError, match=r"search='cluster\.local' does not work"):
        count("web", search="cluster.local")
    with pytest.raises(ResolvConfError, match="ndots is a number"):
        count("web", ndots=-1)


def test_a_lab_ends_with_the_thread_that_made_it_and_says_so() -> None:
    made: list[DnsLab] = []
    refused: list[DnsLabError] = []

    def make() -> None:
        try:
            made.append(DnsLab())
        except DnsLabError as error:
            refused.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if refused:
        pytest.skip(str(refused[0]))
    with made[0], pytest.raises(DnsLabError, match="the thread that made it ended"):
        assert signal_free(os.pidfd_open(made[0]._room.pid))
        made[0].count("web")


def test_a_machine_that_gives_no_namespaces_says_who_refused_and_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refuser = tmp_path / "python"
    refuser.write_text('#!/bin/sh\necho \'{"refused": "unshare: Operation not permitted"}\'\n')
    refuser.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(refuser))
    with pytest.raises(DnsLabError, match="user namespace: unshare: Operation not permitted") as refused:
        DnsLab()
    assert "kernel.unprivileged_userns_clone=1" in refused.value.remedy


def test_nothing_is_left_of_a_lab_whose_notebook_is_killed(lab: DnsLab) -> None:
    code = (
        "from kubelab.netlab.dns import DnsLab\nlab = DnsLab()\n"
        "print(lab._room.pid, flush=True)\n"
        "from kubelab.netlab.dns import Behaviour\n"
        "lab.count('api.example.com', behaviour=Behaviour(delay_s=60))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as notebook:
        assert notebook.stdout is not None
        entered = int(notebook.stdout.readline())
        children = Path(f"/proc/{entered}/task/{entered}/children").read_text().split()
        assert len(children) == 1
        watched = [os.pidfd_open(pid) for pid in (entered, int(children[0]))]
        notebook.send_signal(signal.SIGKILL)
    for each in watched:
        assert signal_free(each)


def signal_free(pidfd: int) -> bool:
    """Whether a process ends by itself within ten seconds."""
    import select

    ready, _, _ = select.select([pidfd], [], [], 10)
    os.close(pidfd)
    return bool(ready)
