"""Why nftables rules of 1.36 load slowly: an anonymous map for each Service, and the kernel's lists.

For each anonymous map the kernel seeks a free name ``__map%d`` by reading the names of all sets of the table
(``nf_tables_newset``), and walks the transaction to bind the map to its rule (``__nft_set_trans_bind``);
both are in Linux' ``net/netfilter/nf_tables_api.c``. N maps therefore cost N² steps, whatever is in them.
`measure` shows it: it varies the number of maps, holds the number of their elements, and loads as many rules
without any map beside.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from statistics import median
from typing import TYPE_CHECKING, Any, Literal

from kubelab import clock
from kubelab.errors import KubelabError
from kubelab.netlab import tools
from kubelab.netlab.errors import LoadingFailedError, NetworkUnavailableError
from kubelab.netlab.growth import Fit, fit
from kubelab.netlab.machine import cpu_name
from kubelab.netlab.network import Network
from kubelab.netlab.transactions import TOO_LONG, share_out

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MOST_ELEMENTS = 65_536
_TABLE = "ip kubelab-maps"


@dataclass(frozen=True, slots=True)
class MapsRow:
    """How long one number of rules took to load, with an anonymous map each and without.

    Attributes
    ----------
    maps : int
        How many rules, each in a chain of its own.
    elements : int
        Of all maps together.
    with_maps_s, without_maps_s : tuple of float
        Seconds of ``nft -f`` by the study's timer, one for each repetition.
    """

    maps: int
    elements: int
    with_maps_s: tuple[float, ...]
    without_maps_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MapsStudy:
    """Loading times by number of anonymous maps, on one machine.

    Attributes
    ----------
    rows : tuple of MapsRow
        By number of maps.
    machine : str
        Kernel, version of nft and privileges.
    date : str
        When, as ``2026-01-31T12:00:00Z``.
    timer : str
        What seconds are of: ``"processor"``, the kernel's part included, which other processes on the
        machine hardly change, or ``"clock"`` in older results.
    is_recorded : bool
        Whether it was read from a file instead of measured here.
    """

    rows: tuple[MapsRow, ...]
    machine: str
    date: str
    timer: Literal["processor", "clock"] = "clock"
    is_recorded: bool = False

    @staticmethod
    def recorded() -> MapsStudy:
        """Return what the development machine measured, for machines that may not load rules."""
        return MapsStudy.from_json(files("kubelab.netlab").joinpath("recorded/maps.json").read_text())

    @staticmethod
    def from_json(text: str) -> MapsStudy:
        """Return what `to_json` wrote, marked as recorded."""
        data = json.loads(text)
        rows = tuple(_row(each) for each in data.pop("rows"))
        data.pop("batch", None)  # older results had it
        return MapsStudy(rows, **{**data, "is_recorded": True})

    def to_json(self) -> str:
        """Return it as text that `from_json` reads."""
        return json.dumps(asdict(self), indent=1)

    @property
    def with_maps(self) -> Fit:
        """The fit of the layout with a map in each rule (1.36)."""
        return fit([(row.maps, median(row.with_maps_s)) for row in self.rows])

    @property
    def without_maps(self) -> Fit:
        """The fit of rules without maps (1.37, one endpoint)."""
        return fit([(row.maps, median(row.without_maps_s)) for row in self.rows])

    def frame(self) -> pd.DataFrame:
        """Return a row for each number of maps: maps, elements, median seconds, per_map."""
        import pandas as pd

        names = ("with_maps_s", "without_maps_s")
        return pd.DataFrame(
            [
                {
                    **asdict(row),
                    "per_map": row.elements / row.maps,
                    **{n: median(getattr(row, n)) for n in names},
                }
                for row in self.rows
            ]
        )

    def figure(self) -> go.Figure:
        """Return both curves with their fits."""
        from kubelab.figures.netlab import maps_figure

        return maps_figure(self)

    def verdict(self) -> str:
        """Return in words how both grow; of a record also where and when it was made."""
        first, last = self.rows[0], self.rows[-1]
        times = last.maps / first.maps
        origin = f" Recorded on {self.machine}, {self.date[:10]}." if self.is_recorded else ""
        grew, plain = (
            median(getattr(last, name)) / median(getattr(first, name))
            for name in ("with_maps_s", "without_maps_s")
        )
        what = "processor time" if self.timer == "processor" else "time"
        return (
            f"{times:.3g} x the maps, with the same {last.elements:,} elements, take {grew:.3g} x the "
            f"{what}; as many rules without maps {plain:.3g} x. At {last.maps:,} maps "
            f"{self.with_maps.share:.0%} of the time grows by the square. Between the last two sizes time "
            f"grows by the power {self.with_maps.exponent:.2f}; without maps, "
            f"{self.without_maps.exponent:.2f}.{origin}"
        )

    def __repr__(self) -> str:
        kind = "recorded" if self.is_recorded else "measured"
        return f"<MapsStudy {kind}, {len(self.rows)} sizes up to {self.rows[-1].maps:,} maps>"


def rules(count: int, elements: int, *, maps: bool) -> list[tuple[str, str]]:
    """Return so many chains with a rule each, as pairs of lines of nft: the chain's and its rule's.

    Parameters
    ----------
    count : int
        How many.
    elements : int
        Of all maps together; each map has an equal part.
    maps : bool
        Whether a rule chooses among endpoints by an anonymous map, or sends to a single endpoint.

    Raises
    ------
    KubelabError
        If the elements cannot be shared out equally, or are too many.
    """
    if count < 1 or elements % count or elements > MOST_ELEMENTS:
        raise KubelabError(
            f"{elements:,} elements in {count:,} maps: give a multiple of the number of maps, at most "
            f"{MOST_ELEMENTS:,}."
        )
    each = elements // count
    return [
        (f"add chain {_TABLE} service-{i}", f"add rule {_TABLE} service-{i} {_target(i, each, maps=maps)}")
        for i in range(count)
    ]


def measure(
    counts: Sequence[int] = (500, 1000, 2000, 4000),
    *,
    elements: int = 8000,
    repeats: int = 3,
    on_progress: Callable[[MapsRow], None] | None = None,
    root: bool | None = None,
) -> MapsStudy:
    """Load rules with and without maps into networks of their own that end with the load, and time it.

    Parameters
    ----------
    counts : sequence of int
        Two or more numbers of maps, each a divisor of ``elements``.
    elements : int
        Of all maps together, the same for each number of maps.
    repeats : int
        How often each is loaded.
    on_progress : callable, optional
        Told of each row.
    root : bool, optional
        Whether as root or in a user namespace; by default root where this process is.

    Raises
    ------
    KubelabError
        If elements cannot be shared out equally.
    NetworkUnavailableError
        If nft is missing, or namespaces are not allowed here.
    """
    texts = {count: [rules(count, elements, maps=maps) for maps in (True, False)] for count in sorted(counts)}
    if len(texts) < 2 or repeats < 1:
        raise KubelabError(
            f"{len(texts)} numbers of maps, {repeats} repeats: give two numbers or more, and one repeat."
        )
    root = os.geteuid() == 0 if root is None else root
    rows = []
    for count, kinds in texts.items():
        times = (_load(transactions_of(pairs, root=root), repeats, root=root) for pairs in kinds)
        rows.append(MapsRow(count, elements, *times))
        if on_progress is not None:
            on_progress(rows[-1])
    date = clock.rfc3339(clock.RealClock().now())
    return MapsStudy(tuple(rows), machine(root=root), date, timer="processor")


def machine(*, root: bool) -> str:
    """Return what the times depend on: processor, kernel, nft, privileges."""
    who = "root" if root else "user namespace"
    return f"{cpu_name()}, Linux {platform.release()}, nft {tools.versions()['nft']}, as {who}"


def _row(data: dict[str, Any]) -> MapsRow:
    times = (tuple(data[name]) for name in ("with_maps_s", "without_maps_s"))
    return MapsRow(data["maps"], data["elements"], *times)


def _target(number: int, each: int, *, maps: bool) -> str:
    if not maps:
        return f"meta l4proto tcp dnat to {_address(number * each)}:8080"
    pairs = ", ".join(f"{j} : {_address(number * each + j)} . 8080" for j in range(each))
    return f"meta l4proto tcp dnat ip addr . port to numgen random mod {each} map {{ {pairs} }}"


def _address(number: int) -> str:
    return f"10.128.{number >> 8}.{number & 255}"


def _load(transactions: Sequence[str], repeats: int, *, root: bool) -> tuple[float, ...]:
    return tuple(_load_once(transactions, root=root) for _ in range(repeats))


def _load_once(transactions: Sequence[str], *, root: bool) -> float:
    """Return the processor's seconds that a new network takes for them: nothing is there before."""
    try:
        with Network(root=root) as network:
            return sum(network.load((find_nft(), "-f", "-"), text).cpu_seconds for text in transactions)
    except LoadingFailedError as error:
        if "Message too long" in error.said and not root:
            raise KubelabError(TOO_LONG.format(remedy="give a map fewer elements")) from error
        raise


def find_nft() -> str:
    """Return the path of ``nft``.

    Raises
    ------
    NetworkUnavailableError
        If this machine cannot load rules of nftables.
    """
    reason, path = tools.why_not("nftables"), tools.find("nft")
    if reason is not None or path is None:
        raise NetworkUnavailableError(reason or "nft is not installed.")
    return path


def transactions_of(pairs: Sequence[tuple[str, str]], *, root: bool) -> list[str]:
    """Return the texts of the transactions that load rules; the first makes the table."""
    parts = share_out(pairs, "\n".join, root=root)
    lines = [[*(chain for chain, _ in part), *(rule for _, rule in part), ""] for part in parts]
    texts = ["\n".join(each) for each in lines]
    return [f"add table {_TABLE}\n{texts[0]}", *texts[1:]]
