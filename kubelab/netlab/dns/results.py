"""What the DNS lab found: lookups with their queries, latencies under load, and where it was measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from kubelab.netlab.dns.server import Query

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Machine:
    """Where it was measured.

    Parameters
    ----------
    kernel, libc, cache : str
        Such as ``Linux 6.1.0``, ``glibc 2.36`` and ``dnsmasq``; an empty cache is none installed.
    privileges : str
        ``root`` or ``user namespace``.
    date : str
        RFC 3339.
    """

    kernel: str
    libc: str
    cache: str
    privileges: str
    date: str

    def __str__(self) -> str:
        return f"{self.kernel}, {self.libc}, as {self.privileges}, {self.date[:10]}"


@dataclass(frozen=True)
class Lookup:
    """One call of getaddrinfo.

    Parameters
    ----------
    name : str
        What was looked up.
    queries : tuple of Query
        What left the pod for it; with a node's cache, what the cache was asked.
    upstream : int
        How many queries reached the cluster's DNS server.
    addresses : tuple of str
        What it found.
    error : str
        What glibc says where it found nothing.
    seconds : float
        How long it took.
    label : str
        What is looked at, where a table needs to tell lookups of one name apart.
    tracked : int or None
        How many entries it made in the kernel's connection table, if that was counted.
    """

    name: str
    queries: tuple[Query, ...]
    upstream: int
    addresses: tuple[str, ...]
    error: str
    seconds: float
    label: str = ""
    tracked: int | None = None

    @property
    def wasted(self) -> int:
        """How many queries were for names that do not exist."""
        return in_vain(self.queries)

    @property
    def again(self) -> int:
        """How many queries got no answer, or asked once more what had been answered."""
        useful = {(each.name, each.type) for each in self.queries if each.answer in ("NOERROR", "NODATA")}
        return len(self.queries) - self.wasted - len(useful)


@dataclass(frozen=True)
class Counts:
    """Lookups, and where they were made.

    Parameters
    ----------
    lookups : tuple of Lookup
        In order.
    machine : Machine
        Where.
    recorded : bool
        Whether they were made earlier, on another machine.
    """

    lookups: tuple[Lookup, ...]
    machine: Machine
    recorded: bool = False

    def __str__(self) -> str:
        lines = [
            f"{each.label or each.name}: {len(each.queries)} queries, {each.wasted} wasted"
            for each in self.lookups
        ]
        return "\n".join(lines)

    def frame(self) -> pd.DataFrame:
        """Return a row for each lookup: what, name, queries, wasted, again, upstream, ms, found."""
        import pandas as pd

        rows = [
            (
                each.label or each.name,
                each.name,
                len(each.queries),
                each.wasted,
                each.again,
                each.upstream,
                each.seconds * 1000,
                ", ".join(each.addresses) or each.error,
            )
            for each in self.lookups
        ]
        columns = ["what", "name", "queries", "wasted", "again", "upstream", "ms", "found"]
        return pd.DataFrame(rows, columns=columns)

    def figure(self) -> go.Figure:
        """Return the queries of each lookup as a bar: useful, wasted, and asked again."""
        from kubelab.figures.dns import queries_figure

        return queries_figure(self.frame(), recorded=str(self.machine) if self.recorded else "")

    def to_json(self) -> str:
        """Return them as text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1)

    @staticmethod
    def from_json(text: str) -> Counts:
        """Return what `to_json` wrote."""
        found: dict[str, Any] = json.loads(text)
        return Counts(tuple(map(_lookup, found["lookups"])), Machine(**found["machine"]), found["recorded"])

    @staticmethod
    def of_record() -> Counts:
        """Return the recorded study: every row of `kubelab.netlab.dns.study`, measured by the developers."""
        text = resources.files("kubelab.netlab.dns").joinpath("recorded", "study.json").read_text()
        return replace(Counts.from_json(text), recorded=True)


@dataclass(frozen=True)
class Load:
    """Latencies of many lookups at once.

    Parameters
    ----------
    label : str
        What was measured.
    latencies_s : tuple of float
        Of each lookup, in seconds, sorted.
    seconds : float
        How long all took.
    queries : int
        What left the pod.
    upstream : int
        What reached the cluster's DNS server.
    """

    label: str
    latencies_s: tuple[float, ...]
    seconds: float
    queries: int
    upstream: int

    def percentile_ms(self, percent: float) -> float:
        """Return the latency, in ms, that so many percent of lookups do not exceed (nearest rank)."""
        return 1000 * nearest_rank(self.latencies_s, percent)

    @staticmethod
    def of_record() -> tuple[Load, ...]:
        """Return the recorded loads of `kubelab.netlab.dns.loads`, of the machine that `Counts` names."""
        text = resources.files("kubelab.netlab.dns").joinpath("recorded", "loads.json").read_text()
        return tuple(Load(**{**each, "latencies_s": tuple(each["latencies_s"])}) for each in json.loads(text))

    @property
    def lookups_per_s(self) -> float:
        """How many lookups were done in a second."""
        return len(self.latencies_s) / self.seconds


def in_vain(queries: Iterable[Query]) -> int:
    """Return how many queries were for names that do not exist."""
    return sum(each.answer == "NXDOMAIN" for each in queries)


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Return the smallest of sorted values that so many percent of them do not exceed."""
    place = -(-len(values) * percent // 100)
    return values[max(0, int(place) - 1)]


def _lookup(found: dict[str, Any]) -> Lookup:
    queries = tuple(Query(**each) for each in found["queries"])
    return Lookup(**{**found, "queries": queries, "addresses": tuple(found["addresses"])})
