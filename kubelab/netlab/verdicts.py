"""What a comparison says in words: where nftables wins and loses, by how much, and what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubelab.netlab.results import Comparison, Measure

EXPECTED = {10_000: 10.0, 30_000: 20.0}
"""By how much the last Service's net latency differs at least, by number of Services: the shape of the bars
that kubernetes.io published on 28 Feb 2025 ("NFTables mode for kube-proxy": about 19 x at 30,000)."""


def verdicts(comparison: Comparison) -> tuple[str, ...]:
    """Return a sentence for each size on packets, and more on syncs at the greatest number of Services.

    Both kinds of iptables are held against the layouts of nftables since 1.36, where both have numbers.
    """
    found = {
        (each.services, each.endpoints, each.backend): each
        for each in comparison.measures
        if not each.skipped
    }
    sizes = sorted({(services, endpoints) for services, endpoints, _ in found})
    pairs = [
        (old, found[size, endpoints, backend])
        for slow in ("iptables-legacy", "iptables-nft")
        for size, endpoints in sizes
        if (old := found.get((size, endpoints, slow)))
        for backend in ("nftables", "nftables-inline-maps")
        if (size, endpoints, backend) in found
    ]
    packets = {
        (old.services, old.endpoints, old.backend): on_packets(old, new) for old, new in reversed(pairs)
    }
    greatest = {(old.endpoints, old.backend): old.services for old, _ in pairs}
    syncs = [
        text
        for old, new in pairs
        if old.services == greatest[old.endpoints, old.backend] and new.backend == "nftables"
        for text in on_syncs(old, new)
    ]
    layouts = [
        on_layouts(old, new)
        for size, endpoints in sizes
        if endpoints == 1
        and (old := found.get((size, endpoints, "nftables-inline-maps")))
        and (new := found.get((size, endpoints, "nftables")))
    ]
    return (*(packets[key] for key in sorted(packets)), *syncs, *layouts)


def on_packets(old: Measure, new: Measure) -> str:
    """Return how much the rules cost the last Service's first packet, and whether that was expected."""
    slow, fast = old.net_latency(), new.net_latency()
    said = (
        f"At {_size(old)} the last one's first packet takes {slow:.1f} µs more than direct with "
        f"{old.backend} and {fast:.1f} µs with {new.backend}"
    )
    if fast <= 0:
        return f"{said}: nftables' rules cost less than could be measured."
    return f"{said}: {slow / fast:.1f} x{_expectation(old.services, slow / fast)}."


def on_syncs(old: Measure, new: Measure) -> Iterator[str]:
    """Yield what the first sync and one more Service take."""
    shape = _size(old)
    yield (
        f"All rules of {shape} load in {old.full_s:.2f} s with {old.backend} and in {new.full_s:.2f} s with "
        f"{new.backend}, {_times(new.full_s, old.full_s)}."
    )
    yield (
        f"One Service more, at {shape}, is {old.add_bytes:,} bytes with {old.backend} and {new.add_bytes:,} "
        f"with {new.backend}; it takes {old.add_s:.2f} s{_listing(old)} and {new.add_s:.2f} s{_listing(new)}."
    )


def on_layouts(old: Measure, new: Measure) -> str:
    """Return what it brings that Services with one endpoint need no map."""
    return (
        f"All nftables rules of {_size(old)} load in {old.full_s:.2f} s with a map in each (1.36) and in "
        f"{new.full_s:.2f} s without (1.37), {_times(new.full_s, old.full_s)}."
    )


def _listing(measure: Measure) -> str:
    if measure.listed == "every sync":
        return f" (listing the table included, {measure.list_s:.2f} s at every sync)"
    return f" (and {measure.list_s:.2f} s more to list the table, {measure.listed})"


def _expectation(services: int, ratio: float) -> str:
    least = EXPECTED.get(services)
    if least is None:
        return ""
    return f" (at least {least:.0f} x expected: {'reached' if ratio >= least else 'not reached'})"


def _size(measure: Measure) -> str:
    endpoints = "one endpoint" if measure.endpoints == 1 else f"{measure.endpoints} endpoints"
    return f"{measure.services:,} Services with {endpoints} each"


def _times(value: float, other: float) -> str:
    return f"{value / other:.1f} x as long" if value >= other else f"{other / value:.1f} x faster"
