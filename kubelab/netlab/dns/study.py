"""The whole study of what names cost: every row of the tutorial, to be measured or read from the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubelab.netlab.dns.cache import installed_cache
from kubelab.netlab.dns.lab import DnsLab
from kubelab.netlab.dns.resolv_conf import ResolvConf, pod_resolv_conf
from kubelab.netlab.dns.results import Counts, Load
from kubelab.netlab.dns.server import Behaviour
from kubelab.netlab.tools import find

POD = pod_resolv_conf()
ON_A_HOST_WITH_A_DOMAIN = pod_resolv_conf(host=ResolvConf((), ("corp.example",)))


def with_options(*options: str, ndots: int = 5) -> ResolvConf:
    """Return the resolv.conf of a pod of the namespace default with another ndots and more options."""
    more = [{"name": name, "value": value} for name, _, value in (each.partition(":") for each in options)]
    return pod_resolv_conf(config={"options": [{"name": "ndots", "value": str(ndots)}, *more]})


def study(lab: DnsLab) -> Counts:
    """Measure every row but those that `left_out` names. Ten seconds."""
    rows = [*_names(lab), *_timeouts(lab), *(_cached(lab) if installed_cache() else ())]
    return Counts(tuple(lookup for row in rows for lookup in row.lookups), lab.machine)


def left_out() -> tuple[str, ...]:
    """Say what `study` and `loads` cannot measure on this machine, and what to install for it."""
    reasons = []
    if find("nft") is None:
        reasons.append("The kernel drops no packet: nft is not installed (apt-get install nftables).")
    if installed_cache() is None:
        reasons.append(
            "No node's cache: neither dnsmasq nor unbound is there (apt-get install dnsmasq-base)."
        )
    return tuple(reasons)


def loads(lab: DnsLab, *, lookups: int = 400, delay_s: float = 0.001) -> tuple[Load, ...]:
    """Look up one name outside and one Service by four processes at once, in four settings.

    Without a program for a node's cache it is three, as `left_out` says.

    Parameters
    ----------
    lookups : int
        How many for each setting.
    delay_s : float
        How long the server holds each answer: its distance, in seconds.
    """
    wanted = ["api.example.com", "web"]
    behaviour = Behaviour(delay_s=delay_s)
    settings: list[tuple[str, ResolvConf, bool, bool]] = [
        ("ndots 5", POD, False, False),
        ("ndots 2", with_options(ndots=2), False, False),
        ("autopath", POD, True, False),
        *([("node's cache", POD, False, True)] if installed_cache() else []),
    ]
    return tuple(
        lab.load(
            wanted, conf, lookups=lookups, behaviour=behaviour, autopath=autopath, cache=cache, label=label
        )
        for label, conf, autopath, cache in settings
    )


def _names(lab: DnsLab) -> list[Counts]:
    outside, missing = "api.example.com", "no.such.example"
    count: Callable[..., Counts] = lab.count
    return [
        count(outside, POD, label="outside, ndots 5"),
        count(outside, POD, family="ipv4", label="outside, ndots 5, A only"),
        count(outside, ON_A_HOST_WITH_A_DOMAIN, label="outside, 4 search domains"),
        count(f"{outside}.", POD, label="outside, trailing dot"),
        count(outside, with_options(ndots=2), label="outside, ndots 2"),
        count(outside, with_options(ndots=1), label="outside, ndots 1"),
        count(outside, POD, autopath=True, label="outside, autopath"),
        count("web", POD, label="svc"),
        count("db.prod", POD, label="svc.ns"),
        count("db.prod.svc", POD, label="svc.ns.svc"),
        count("db.prod.svc.cluster.local", POD, label="svc.ns.svc.cluster.local"),
        count("db.prod.svc.cluster.local.", POD, label="the same, trailing dot"),
        count("db.prod", with_options(ndots=1), label="svc.ns, ndots 1"),
        count(missing, POD, label="no such name, ndots 5"),
        count(missing, with_options(ndots=2), label="no such name, ndots 2"),
    ]


def _timeouts(lab: DnsLab) -> list[Counts]:
    race = Behaviour(lose_pair=True)
    name = "api.example.com"
    rows = [
        lab.count(name, with_options(*more, ndots=1), behaviour=race, label=f"a lost pair, {label}")
        for label, more in (
            ("as it is", ()),
            ("timeout:1", ("timeout:1",)),
            ("single-request", ("single-request",)),
            ("single-request-reopen", ("single-request-reopen",)),
            ("use-vc", ("use-vc",)),
        )
    ]
    if find("nft"):
        conf = with_options("timeout:1", "single-request", ndots=1)
        label = "second packet dropped, single-request timeout:1"
        rows.append(lab.count(name, conf, drop_second=True, label=label))
    return rows


def _cached(lab: DnsLab) -> list[Counts]:
    both = lab.count(["api.example.com"] * 2, POD, cache=True)
    labels = ("outside, empty cache", "outside, warm cache")
    found = zip(both.lookups, labels, strict=True)
    return [Counts(tuple(replace(lookup, label=label) for lookup, label in found), both.machine)]
