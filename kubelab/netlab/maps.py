"""Why nftables rules of 1.36 load slowly: an anonymous map for each Service, and the kernel's lists.

For each anonymous map the kernel seeks a free name ``__map%d`` by reading the names of all sets of the table
(``nf_tables_newset``), and walks the transaction to bind the map to its rule (``__nft_set_trans_bind``);
both are in Linux' ``net/netfilter/nf_tables_api.c``. N maps therefore cost N² steps, whatever is in them.
`measure` shows it: it varies the number of maps, holds the number of their elements, and loads as many rules
without any map beside.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from kubelab import clock
from kubelab.errors import KubelabError
from kubelab.netlab import loading, tools
from kubelab.netlab.machine import cpu_name

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

MOST_ELEMENTS = 65_536
ROOTLESS_BATCH = 200
"""Rules in one transaction of a user namespace, whose socket buffer (212,992 bytes) cannot be made larger."""
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
        Seconds from start to end of ``nft -f``, one for each repetition.
    """

    maps: int
    elements: int
    with_maps_s: tuple[float, ...]
    without_maps_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """Seconds as ``constant + linear * n + quadratic * n**2``, no coefficient below zero.

    ``share`` is the part of the time at the largest n that the quadratic term explains, and ``exponent`` the
    slope between the two largest n on logarithmic axes: 1 where time is linear, 2 where it is quadratic.
    """

    constant: float
    linear: float
    quadratic: float
    share: float
    exponent: float

    def seconds(self, count: float) -> float:
        """Return what the fit says for a number of rules."""
        return self.constant + self.linear * count + self.quadratic * count**2


@dataclass(frozen=True, slots=True)
class MapsStudy:
    """Loading times by number of anonymous maps, on one machine.

    Attributes
    ----------
    rows : tuple of MapsRow
        By number of maps.
    machine : str
        Kernel, version of nft and privileges.
    batch : int or None
        Rules in one transaction; None where all are in one.
    date : str
        When, as ``2026-01-31T12:00:00Z``.
    is_recorded : bool
        Whether it was read from a file instead of measured here.
    """

    rows: tuple[MapsRow, ...]
    machine: str
    date: str
    batch: int | None = None
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
        """Return a row for each number of maps: maps, elements, with_maps_s, without_maps_s (medians)."""
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
        """Return in words how both grow."""
        first, last = self.rows[0], self.rows[-1]
        times = last.maps / first.maps
        grew, plain = (
            median(getattr(last, name)) / median(getattr(first, name))
            for name in ("with_maps_s", "without_maps_s")
        )
        return (
            f"{times:.3g} x the maps, with the same {last.elements:,} elements, take {grew:.3g} x the time; "
            f"as many rules without maps {plain:.3g} x. At {last.maps:,} maps {self.with_maps.share:.0%} of "
            f"the time grows by the square. Between the last two sizes time grows by the power "
            f"{self.with_maps.exponent:.2f}; without maps, {self.without_maps.exponent:.2f}."
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
) -> MapsStudy:
    """Load rules with and without maps into network namespaces that end with the load, and time it.

    Parameters
    ----------
    counts : sequence of int
        Numbers of maps, each a divisor of ``elements``.
    elements : int
        Of all maps together, the same for each number of maps.
    repeats : int
        How often each is loaded.
    on_progress : callable, optional
        Told of each row.

    Raises
    ------
    KubelabError
        If elements cannot be shared out equally.
    NetworkUnavailableError
        If nft is missing, or namespaces are not allowed here.
    """
    texts = {count: [rules(count, elements, maps=maps) for maps in (True, False)] for count in sorted(counts)}
    if not texts or repeats < 1:
        raise KubelabError(f"{len(texts)} numbers of maps, {repeats} repeats: give at least one of each.")
    batch = None if loading.is_root() else ROOTLESS_BATCH
    rows = []
    for count, (mapped, plain) in texts.items():
        rows.append(MapsRow(count, elements, _load(mapped, batch, repeats), _load(plain, batch, repeats)))
        if on_progress is not None:
            on_progress(rows[-1])
    return MapsStudy(tuple(rows), machine(), clock.rfc3339(clock.RealClock().now()), batch)


def machine() -> str:
    """Return what the times depend on: processor, kernel, nft, privileges."""
    who = "root" if loading.is_root() else "user namespace"
    return f"{cpu_name()}, Linux {platform.release()}, nft {tools.versions()['nft']}, as {who}"


def fit(points: Sequence[tuple[int, float]]) -> Fit:
    """Return the least squares of the relative errors, by scipy's nnls.

    Parameters
    ----------
    points : sequence of (int, float)
        How many rules, and the seconds they took; two or more.
    """
    import numpy as np
    from scipy.optimize import nnls

    counts, seconds = (np.asarray(each, dtype=float) for each in zip(*sorted(points), strict=True))
    terms = np.stack([np.ones_like(counts), counts, counts**2], axis=1)
    found, _ = nnls(terms / seconds[:, None], np.ones_like(seconds))
    constant, linear, quadratic = map(float, found)
    last = float(terms[-1] @ found)
    exponent = float(np.log(seconds[-1] / seconds[-2]) / np.log(counts[-1] / counts[-2]))
    return Fit(constant, linear, quadratic, quadratic * float(counts[-1]) ** 2 / last, exponent)


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


def _load(pairs: Sequence[tuple[str, str]], batch: int | None, repeats: int) -> tuple[float, ...]:
    with TemporaryDirectory(prefix="kubelab-maps-") as folder:
        written = write_batches(Path(folder), pairs, batch)
        return tuple(_timed(written) for _ in range(repeats))


def write_batches(folder: Path, pairs: Sequence[tuple[str, str]], batch: int | None) -> list[Path]:
    """Write the text of each transaction into a file; the first also makes the table."""
    written = []
    for place, part in enumerate(_parts(pairs, batch or len(pairs))):
        lines = [
            *([f"add table {_TABLE}"] if place == 0 else []),
            *(c for c, _ in part),
            *(r for _, r in part),
        ]
        written.append(folder / f"{place:04}.nft")
        written[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


def _parts(pairs: Sequence[tuple[str, str]], size: int) -> Iterator[Sequence[tuple[str, str]]]:
    return (pairs[start : start + size] for start in range(0, len(pairs), size))


def _timed(transactions: Sequence[Path]) -> float:
    began = clock.monotonic()
    loading.load(transactions)
    return clock.monotonic() - began
