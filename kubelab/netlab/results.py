"""What a comparison measured, and on which machine: plain data that is kept, shown and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from kubelab.errors import KubelabError

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

Backend = Literal[
    "iptables-legacy", "iptables-nft", "nftables-endpoint-chains", "nftables-inline-maps", "nftables"
]
"""kube-proxy's ways to write rules; the nftables ones are its layouts until 1.35, of 1.36, and of 1.37."""

BACKENDS: tuple[Backend, ...] = get_args(Backend)

Position = Literal["direct", "first", "middle", "last"]
"""Where a Service stands among the rules; ``direct`` is an endpoint itself while no rules are loaded."""

POSITIONS: tuple[Position, ...] = get_args(Position)


Listed = Literal["every sync", "at most once in 30 s"]
"""Which of kube-proxy's syncs begin with a listing of its rules."""


class Spread(NamedTuple):
    """The least and the most that the repeats gave."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Latency:
    """How long ``connect`` took, in microseconds: medians over the repeats of each repeat's percentile.

    Attributes
    ----------
    p01, p50, p90, p99 : float
        Percentiles.
    low, high : float
        The least and the most p50 of the repeats.
    """

    p01: float
    p50: float
    p90: float
    p99: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Measure:
    """What one backend did with one number of Services: medians over the repeats.

    Attributes
    ----------
    backend : str
        One of `BACKENDS`.
    services, endpoints : int
        How many Services, and how many endpoints each of them has.
    full_s, full_cpu_s : float
        The first sync, which writes all rules: seconds on the clock, and of processor time. There are no
        rules before it to list.
    full_bytes, rules : int
        The size of its text, and the rules in it (of table ``nat`` for iptables).
    list_s : float
        One listing of the rules, by which kube-proxy finds what is stale: ``iptables-save -t nat`` or
        ``nft --json --terse list table``. kube-proxy 1.37 by default asks the kernel without ``nft``
        (feature gate ``NFTablesNetlink``): that is not measured here.
    listed : str
        Which syncs begin with that listing: ``"every sync"`` in nftables mode, and in iptables mode with up
        to 1,000 endpoints; with more ``"at most once in 30 s"`` (``syncPeriod``).
    add_s, change_s, remove_s : float
        The sync after one Service came, changed an endpoint, went, in seconds: its writing, and its listing
        where every sync lists. A sync that does not list deletes no stale chains either.
    add_bytes : int
        The size of the text in which one Service comes.
    latency : dict of str to Latency
        By `Position`.
    connections_per_s : dict of str to float
        Connections opened and closed by one client, one after the other, by `Position`.
    loader_rss_bytes : int
        Peak memory of the tool that wrote all rules.
    kernel_bytes : int
        By how much the kernel's memory grew (``SUnreclaim + VmallocUsed + Percpu``); noisy.
    spread : dict of str to Spread
        Of the repeats, by the name of an attribute in seconds.
    repeats : int
        How often it was measured.
    skipped : str or None
        Why there are no numbers, where there are none.
    """

    backend: Backend
    services: int
    endpoints: int
    full_s: float = 0.0
    full_cpu_s: float = 0.0
    full_bytes: int = 0
    rules: int = 0
    list_s: float = 0.0
    listed: Listed = "every sync"
    add_s: float = 0.0
    add_bytes: int = 0
    change_s: float = 0.0
    remove_s: float = 0.0
    latency: Mapping[Position, Latency] = field(default_factory=dict)
    connections_per_s: Mapping[Position, float] = field(default_factory=dict)
    loader_rss_bytes: int = 0
    kernel_bytes: int = 0
    spread: Mapping[str, Spread] = field(default_factory=dict)
    repeats: int = 0
    skipped: str | None = None

    def net_latency(self, position: Position = "last") -> float:
        """Return how much longer than direct the median first packet takes, in microseconds.

        Raises
        ------
        KubelabError
            If it was skipped.
        """
        if self.skipped is not None:
            raise KubelabError(f"{self.backend}, {self.services:,} Services, was skipped: {self.skipped}")
        return self.latency[position].p50 - self.latency["direct"].p50


@dataclass(frozen=True, slots=True)
class Environment:
    """What a measurement ran on.

    Attributes
    ----------
    kernel, cpu, machine : str
        Release of the kernel, the processor's name, and both with memory in one line.
    cores : int
        Processors that the run could use.
    tools : dict of str to str
        Versions by the tool's name, such as ``{"nft": "1.0.6"}``.
    privileges : {"root", "user namespace"}
        How the network namespaces were made.
    date : str
        When, as ``2026-01-31T12:00:00Z``.
    seed : int
        Of the Services' order.
    load : float
        Processes that wanted a processor in the minute before; above 0.5 others disturbed the run.
    """

    kernel: str
    cpu: str
    cores: int
    tools: Mapping[str, str]
    privileges: Literal["root", "user namespace"]
    date: str
    seed: int
    machine: str
    load: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a comparison is.

    Attributes
    ----------
    done, total : int
        Cells (a backend, a number of Services, a repeat) measured, and to measure.
    doing : str
        What comes next, or was just done, such as ``nftables, 5,000 Services, run 2 of 3``.
    measure : Measure or None
        A cell that is complete, with all its repeats.
    """

    done: int
    total: int
    doing: str
    measure: Measure | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Backends beside one another, on one machine.

    Attributes
    ----------
    environment : Environment
        What it ran on.
    measures : tuple of Measure
        One for each backend and number of Services.
    is_recorded : bool
        Whether it was read from a file instead of measured here.
    """

    environment: Environment
    measures: tuple[Measure, ...]
    is_recorded: bool = False

    def of(self, backend: Backend, services: int, endpoints: int | None = None) -> Measure:
        """Return the measure of one backend and number of Services.

        Raises
        ------
        KubelabError
            If it is not among them.
        """
        for each in self.measures:
            if (each.backend, each.services) == (backend, services) and endpoints in {None, each.endpoints}:
                return each
        known = ", ".join(sorted({f"{each.backend} {each.services:,}" for each in self.measures}))
        raise KubelabError(f"{backend} with {services:,} Services was not measured. There are: {known}.")

    def net_latency(self, backend: Backend, services: int, position: Position = "last") -> float:
        """Return how much longer than direct the median first packet takes, in microseconds."""
        return self.of(backend, services).net_latency(position)

    def frame(self) -> pd.DataFrame:
        """Return a row for each measure, with where it was made; latencies as ``p50_last_us``, and so on."""
        from kubelab.netlab.table import frame_of

        return frame_of(self)

    def figure(self) -> go.Figure:
        """Return the last Service's first packet and the times of syncs, over the number of Services."""
        from kubelab.figures.netlab import proxy_figure

        return proxy_figure(self)

    def verdicts(self) -> tuple[str, ...]:
        """Return in words what it says of packets and of syncs, and whether that was expected."""
        from kubelab.netlab.verdicts import verdicts

        return verdicts(self)

    def to_json(self) -> str:
        """Return it as text that `from_json` reads."""
        return json.dumps(
            {"environment": asdict(self.environment), "measures": [asdict(each) for each in self.measures]},
            indent=1,
        )

    @staticmethod
    def from_json(text: str) -> Comparison:
        """Return what `to_json` wrote, marked as recorded.

        Raises
        ------
        KubelabError
            If the text is not of that form.
        """
        try:
            data = json.loads(text)
            measures = tuple(_measure(each) for each in data["measures"])
            return Comparison(Environment(**data["environment"]), measures, is_recorded=True)
        except (ValueError, TypeError, KeyError) as error:
            raise KubelabError(
                f"This is no comparison: {error}. Give the text that to_json wrote."
            ) from error

    @staticmethod
    def recorded() -> Comparison:
        """Return a full run on the development machine, for where rules cannot be loaded."""
        return Comparison.from_json(files("kubelab.netlab").joinpath("recorded/full.json").read_text())

    def __repr__(self) -> str:
        kind = "recorded" if self.is_recorded else "measured"
        backends = {each.backend for each in self.measures}
        most = max((each.services for each in self.measures), default=0)
        return f"<Comparison {kind}: {len(backends)} backends, up to {most:,} Services>"

    def _repr_html_(self) -> str:
        from kubelab.netlab.table import html_of

        return html_of(self)


def _measure(data: dict[str, Any]) -> Measure:
    latency = {position: Latency(**each) for position, each in data.pop("latency").items()}
    spread = {name: Spread(*each) for name, each in data.pop("spread").items()}
    return Measure(**data, latency=latency, spread=spread)
