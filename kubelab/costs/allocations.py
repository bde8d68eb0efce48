"""`Allocations`: what each group cost, step by step, as a frame or as OpenCost's API answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from kubelab.costs import efficiency
from kubelab.costs.allocation import Allocation, Window
from kubelab.costs.anomalies import anomalies
from kubelab.costs.grouping import Grouping
from kubelab.costs.ledger import Ledger
from kubelab.costs.opencost import opencost_row
from kubelab.costs.rates import HOURS_PER_MONTH
from kubelab.costs.share import Share, Split, shares
from kubelab.costs.windows import steps

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Spreading:
    """How idle and shared costs are borne.

    Attributes
    ----------
    share_idle, idle_by_node
        See `kubelab.costs.share.shares`.
    shared_namespaces : tuple of str
        What these cost is borne by the others.
    shared_usd_per_month : float
        What all bear beside the nodes, such as a control plane; a month is 730 hours.
    split : {"weighted", "even"}
        How shared costs are borne.
    """

    share_idle: bool = False
    idle_by_node: bool = False
    shared_namespaces: tuple[str, ...] = ()
    shared_usd_per_month: float = 0.0
    split: Split = "weighted"

    def of(self, allocation: Allocation, grouping: Grouping) -> list[Share]:
        """Return what each group cost, then what is shared and idle."""
        return shares(
            allocation,
            grouping,
            share_idle=self.share_idle,
            idle_by_node=self.idle_by_node,
            shared_namespaces=self.shared_namespaces,
            shared_usd=self.shared_usd_per_month / HOURS_PER_MONTH * allocation.window.hours,
            split=self.split,
        )


@dataclass(frozen=True, repr=False)
class Allocations:
    """What each group cost.

    Attributes
    ----------
    window : Window
        As far as it is known.
    windows : tuple of Window
        The steps.
    steps : tuple of list of Share
        What each group cost in each of them.
    assets_usd : float
        What all nodes cost.
    """

    window: Window
    grouping: Grouping
    windows: tuple[Window, ...]
    steps: tuple[Sequence[Share], ...]
    assets_usd: float
    price_dates: tuple[date, ...] = ()
    unpriced: tuple[str, ...] = ()

    @staticmethod
    def of(
        ledger: Ledger,
        window: Window,
        aggregate: str | Sequence[str] = "namespace",
        *,
        step: str | None = None,
        namespace: str | None = None,
        spreading: Spreading | None = None,
    ) -> Allocations:
        """Reckon a window.

        Parameters
        ----------
        namespace : str, optional
            Only the pods of this one, without what is idle.

        Raises
        ------
        AggregateError
            If pods have nothing of the name.
        WindowError
            If the step is none.
        """
        grouping = Grouping.parse(aggregate)
        known = Window(min(window.end, max(window.start, ledger.begins)), window.end)
        spreading = spreading or Spreading()
        parts = [ledger.allocate(each) for each in steps(window, step) if each.end > known.start]
        priced = {each.node.price.date for part in parts for each in part.nodes if each.node.price}
        return Allocations(
            known,
            grouping,
            tuple(part.window for part in parts),
            tuple(spreading.of(part.only(namespace) if namespace else part, grouping) for part in parts),
            sum(each.money.total for part in parts for each in part.nodes),
            tuple(sorted(priced)),
            tuple(sorted({each.node.name for part in parts for each in part.nodes if not each.node.price})),
        )

    @property
    def total_usd(self) -> float:
        """What all rows come to: the nodes, and what is shared beside them."""
        return sum(each.total_usd for step in self.steps for each in step)

    def series(self, name: str | None = None) -> list[tuple[datetime, datetime, float]]:
        """Return start, end and USD of each step: of one group by OpenCost's name, or of all together."""
        return [
            (step.start, step.end, sum(each.total_usd for each in rows if name in {None, each.name}))
            for step, rows in zip(self.windows, self.steps, strict=True)
        ]

    def anomalies(self, season: int = 0) -> pd.DataFrame:
        """Return steps of groups that are far off the ones before, the dearest first.

        Parameters
        ----------
        season : int
            After how many steps costs repeat, such as 7 for days.

        Returns
        -------
        DataFrame
            start (UTC), name, usd, expected_usd, low_usd, high_usd, why.
        """
        import pandas as pd

        length = max((each.end - each.start for each in self.windows), default=None)
        rows = []
        for name in sorted({each.name for step in self.steps for each in step}):
            whole = [(start, usd) for start, end, usd in self.series(name) if end - start == length]
            for each in anomalies([usd for _, usd in whole], season=season):
                start = whole[each.place][0]
                rows.append((start, name, each.usd, each.expected_usd, each.low_usd, each.high_usd, each.why))
        rows.sort(key=lambda row: -abs(row[2] - row[3]))
        columns = ["start", "name", "usd", "expected_usd", "low_usd", "high_usd", "why"]
        return pd.DataFrame(rows, columns=columns)

    def frame(self) -> pd.DataFrame:
        """Return one row a step and group.

        Returns
        -------
        DataFrame
            start, end (UTC), a column for each name of ``aggregate``, pods, cpu_core_hours, ram_gib_hours,
            gpu_hours, cpu_usd, ram_usd, gpu_usd, idle_usd, shared_usd, total_usd, cpu_efficiency,
            ram_efficiency, efficiency (OpenCost's), efficiency_with_gpu (from 0 on; None where not known).
            ``attrs["unpriced"]`` names the nodes whose price is not known; they cost 0 here.
        """
        import pandas as pd

        rows = [_cells(each) for step in self.steps for each in step]
        frame = pd.DataFrame(rows, columns=["start", "end", *self.grouping.names, *_COLUMNS])
        frame.attrs["unpriced"] = self.unpriced
        return frame

    def to_opencost(self) -> dict[str, Any]:
        """Return what OpenCost's ``/allocation`` would answer: for each step fields by name."""
        data = [{each.name: opencost_row(each) for each in step} for step in self.steps]
        return {"code": 200, "data": data}

    def __repr__(self) -> str:
        names, dates = ",".join(self.grouping.names), sorted({f"{each}" for each in self.price_dates})
        priced = f"; prices of {' to '.join(dict.fromkeys((dates[0], dates[-1])))}" if dates else ""
        lasted = f"{len(self.steps)} steps in {self.window.hours:.3g} h"
        gap = f"; {self._gap()}" if self.unpriced else ""
        return f"<Allocations by {names}: {lasted}, {self.total_usd:.2f} USD{priced}{gap}>"

    def _repr_html_(self) -> str:
        html: str = self.frame().to_html(index=False, float_format="{:.2f}".format, na_rep="")
        gap = escape(f"{self._gap()}: {', '.join(self.unpriced)}")
        return f"{html}<p>{gap}</p>" if self.unpriced else html

    def _gap(self) -> str:
        count = len(self.unpriced)
        return f"{count} {'node' if count == 1 else 'nodes'} without a price, counted as 0 USD"


_COLUMNS = (
    "pods", "cpu_core_hours", "ram_gib_hours", "gpu_hours", "cpu_usd", "ram_usd", "gpu_usd", "idle_usd",
    "shared_usd", "total_usd", "cpu_efficiency", "ram_efficiency", "efficiency", "efficiency_with_gpu",
)  # fmt: skip


def _cells(share: Share) -> tuple[object, ...]:
    held, money = share.held, share.money
    return (
        share.window.start, share.window.end, *share.key, share.pods,
        held.cpu_cores, held.ram_gib, held.gpus, money.cpu, money.ram, money.gpu,
        share.idle.total, share.shared_usd, share.total_usd,
        efficiency.cpu_efficiency(share), efficiency.ram_efficiency(share),
        efficiency.total_efficiency(share), efficiency.total_efficiency_with_gpu(share),
    )  # fmt: skip
