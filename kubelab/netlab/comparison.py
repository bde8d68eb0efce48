"""`compare`: kube-proxy's backends beside one another on this machine's own kernel."""

from __future__ import annotations

import math
import os
import platform
import statistics
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from numbers import Integral
from typing import Any

from kubelab.clock import Clock, RealClock, rfc3339
from kubelab.errors import KubelabError
from kubelab.netlab.errors import LoadingFailedError, NetworkUnavailableError
from kubelab.netlab.machine import cpu_name, free_memory, kernel_memory, memory_gib
from kubelab.netlab.network import Network, Probe
from kubelab.netlab.results import (
    BACKENDS,
    Backend,
    Comparison,
    Environment,
    Latency,
    Listed,
    Measure,
    Position,
    Progress,
    Spread,
)
from kubelab.netlab.services import Service, check_room, make_services
from kubelab.netlab.syncs import Syncs, check_memory, make_syncs
from kubelab.netlab.tools import loader, versions, why_not
from kubelab.netlab.transactions import TOO_LONG

CONNECTIONS = 3000
"""Connections that a probe times; the p99 then stands on thirty."""

_TIMES = ("full_s", "full_cpu_s", "list_s", "add_s", "change_s", "remove_s")
_SIZES = ("full_bytes", "rules", "add_bytes", "loader_rss_bytes", "kernel_bytes")


@dataclass(frozen=True, slots=True)
class _Run:
    """One repeat: seconds and sizes by the names of `Measure`, and probes by position."""

    times: dict[str, float]
    sizes: dict[str, int]
    probes: dict[Position, Probe]


def compare(
    services: Sequence[int] = (1000, 5000, 10000),
    *,
    endpoints: int = 2,
    backends: Sequence[Backend] = ("iptables-legacy", "nftables"),
    repeats: int = 3,
    seed: int = 0,
    on_progress: Callable[[Progress], None] | None = None,
    root: bool | None = None,
    timeout_s: float = 120.0,
    connections: int = CONNECTIONS,
    stop: threading.Event | None = None,
) -> Comparison:
    """Measure what kube-proxy's rules cost, by backend and number of Services.

    Each run makes a network of its own (client, node, server), connects without rules, loads them, connects
    to the first, middle and last Service, and then adds, changes and removes one. Nothing is left behind,
    also not after Ctrl-C.

    Parameters
    ----------
    services : sequence of int
        Numbers of Services.
    endpoints : int
        Of each Service, at least 1.
    backends : sequence of str
        Out of `BACKENDS`.
    repeats : int
        Runs of each; medians are reported, and the least and the most.
    seed : int
        Of the order of addresses.
    on_progress : callable, optional
        Called before each run, and with each measure that is complete.
    root : bool, optional
        Whether as root or in a user namespace; by default root where this process is.
    timeout_s : float
        A tool that takes longer is given up, and its measure is skipped.
    connections : int
        Connections that each probe times.
    stop : threading.Event, optional
        Another thread sets it to end the run that is under way, as Ctrl-C does.

    Returns
    -------
    Comparison
        With a `Measure` for each backend and number; one that could not be measured says why in ``skipped``.

    Raises
    ------
    KubelabError
        If an argument makes no sense, or there are not so many addresses.
    NetworkUnavailableError
        If the machine cannot run any of the backends.
    TooManyServicesError
        If the rules would not fit into memory.
    StoppedError
        Once ``stop`` is set.
    """
    _check_lists(services, backends)
    _check_numbers(services, {"endpoints": endpoints, "repeats": repeats, "connections": connections})
    if not 0 < timeout_s < math.inf:
        raise KubelabError(f"timeout_s={timeout_s!r}: give a number of seconds above 0.")
    check_room(max(services), endpoints)
    as_root = os.geteuid() == 0 if root is None else root
    reasons = {each: why_not(each) for each in backends}
    if all(reasons.values()):
        raise NetworkUnavailableError(" ".join(dict.fromkeys(filter(None, reasons.values()))))
    for count in services:
        for backend in backends:
            check_memory(backend, count, endpoints, free_memory())
    environment = _environment(seed, RealClock(), as_root=as_root)
    cells = [
        _Cell(backend, count, endpoints, seed, as_root, timeout_s, connections, stop)
        for count in services
        for backend in backends
    ]
    tell = on_progress or (lambda _: None)
    steps = _Steps(len(cells) * repeats, tell)
    measures = [_measure(cell, repeats, reasons[cell.backend], steps) for cell in cells]
    return Comparison(environment, tuple(measures))


def _check_lists(services: Sequence[int], backends: Sequence[Backend]) -> None:
    for name, given in {"services": services, "backends": backends}.items():
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise KubelabError(f"{name}={given!r}: give a list, such as {name}=[{given!r}].")
    if unknown := [each for each in backends if each not in BACKENDS]:
        raise KubelabError(f"{unknown[0]!r} is no backend. There are: {', '.join(BACKENDS)}.")
    if not services or not backends:
        raise KubelabError("Nothing to compare: give at least one number of Services and one backend.")


def _check_numbers(services: Sequence[int], counts: dict[str, int]) -> None:
    for name, count in [*(("services", each) for each in services), *counts.items()]:
        if not isinstance(count, Integral) or count < 1:
            raise KubelabError(f"{name}={count!r}: give whole numbers of 1 or more.")


@dataclass(frozen=True, slots=True)
class _Cell:
    """What is measured together."""

    backend: Backend
    services: int
    endpoints: int
    seed: int
    root: bool
    timeout_s: float
    connections: int
    stop: threading.Event | None

    def __str__(self) -> str:
        return f"{self.backend}, {self.services:,} Services"


class _Steps:
    """Counts runs and tells of them."""

    def __init__(self, total: int, tell: Callable[[Progress], None]) -> None:
        self.done, self.total, self.tell = 0, total, tell

    def each(self, cell: _Cell, repeats: int) -> Iterator[int]:
        """Tell of each run of a cell before it."""
        for repeat in range(repeats):
            self.tell(Progress(self.done, self.total, f"{cell}, run {repeat + 1} of {repeats}"))
            yield repeat
            self.done += 1

    def complete(self, cell: _Cell, measure: Measure, left: int) -> Measure:
        """Tell of a measure; what was left of its runs is over."""
        self.done += left
        self.tell(Progress(self.done, self.total, str(cell), measure))
        return measure


def _measure(cell: _Cell, repeats: int, reason: str | None, steps: _Steps) -> Measure:
    skipped = partial(Measure, cell.backend, cell.services, cell.endpoints)
    tool = loader(cell.backend)
    if reason or tool is None:
        return steps.complete(cell, skipped(skipped=reason), repeats)
    services = make_services(cell.services, cell.endpoints, seed=cell.seed)
    syncs = make_syncs(cell.backend, services, tool, root=cell.root)
    runs: list[_Run] = []
    try:
        runs += (_run(cell, services, syncs) for _ in steps.each(cell, repeats))
    except LoadingFailedError as error:
        return steps.complete(cell, skipped(skipped=_explain(error, cell)), repeats - len(runs))
    return steps.complete(cell, _summarize(cell, runs, syncs.listed), 0)


def _explain(error: LoadingFailedError, cell: _Cell) -> str:
    if "Message too long" in error.said and not cell.root:
        return TOO_LONG.format(remedy="measure fewer Services")
    return str(error)


def _run(cell: _Cell, services: Sequence[Service], syncs: Syncs) -> _Run:
    with Network(root=cell.root, timeout_s=cell.timeout_s, stop=cell.stop) as network:
        direct = network.probe(*services[-1].endpoints[0], cell.connections)
        if syncs.setup:
            network.load(syncs.load, syncs.setup)
        before = kernel_memory()
        full = [network.load(syncs.load, text) for text in syncs.full]
        grown = kernel_memory() - before
        probes: dict[Position, Probe] = {"direct": direct}
        for position, service in _positions(services).items():
            probes[position] = network.probe(service.cluster_ip, service.port, cell.connections)
        list_s = network.load(syncs.listing).seconds
        own_s = list_s if syncs.listed == "every sync" else 0.0
        one = {name: network.load(syncs.load, text).seconds + own_s for name, text in _changes(syncs).items()}
    times = {
        "full_s": sum(each.seconds for each in full),
        "full_cpu_s": sum(each.cpu_seconds for each in full),
        "list_s": list_s,
        **one,
    }
    sizes = {
        "full_bytes": sum(len(each) for each in syncs.full),
        "rules": syncs.rules,
        "add_bytes": len(syncs.add),
        "loader_rss_bytes": max(each.rss_bytes for each in full),
        "kernel_bytes": grown,
    }
    return _Run(times, sizes, probes)


def _positions(services: Sequence[Service]) -> dict[Position, Service]:
    return {"first": services[0], "middle": services[len(services) // 2], "last": services[-1]}


def _changes(syncs: Syncs) -> dict[str, str]:
    return {"add_s": syncs.add, "change_s": syncs.change, "remove_s": syncs.remove}


def _summarize(cell: _Cell, runs: Sequence[_Run], listed: Listed) -> Measure:
    positions = runs[0].probes
    times = {name: [run.times[name] for run in runs] for name in _TIMES}
    numbers: dict[str, Any] = {name: statistics.median(each) for name, each in times.items()}
    numbers |= {name: int(statistics.median(run.sizes[name] for run in runs)) for name in _SIZES}
    return Measure(
        cell.backend,
        cell.services,
        cell.endpoints,
        **numbers,
        listed=listed,
        latency={each: _latency([run.probes[each] for run in runs]) for each in positions},
        connections_per_s={
            each: statistics.median(run.probes[each].per_s for run in runs) for each in positions
        },
        spread={name: Spread(min(each), max(each)) for name, each in times.items()},
        repeats=len(runs),
    )


def _latency(probes: Sequence[Probe]) -> Latency:
    middle = {name: statistics.median(asdict(each)[name] for each in probes) for name in _PERCENTILES}
    return Latency(**middle, low=min(each.p50 for each in probes), high=max(each.p50 for each in probes))


_PERCENTILES = ("p01", "p50", "p90", "p99")


def _environment(seed: int, clock: Clock, *, as_root: bool) -> Environment:
    cores = len(os.sched_getaffinity(0))
    cpu, kernel = cpu_name(), platform.release()
    return Environment(
        kernel=kernel,
        cpu=cpu,
        cores=cores,
        tools=versions(),
        privileges="root" if as_root else "user namespace",
        date=rfc3339(clock.now()),
        seed=seed,
        machine=f"{cpu}, {cores} cores, {memory_gib():.0f} GiB, Linux {kernel}",
        load=os.getloadavg()[0],
    )
