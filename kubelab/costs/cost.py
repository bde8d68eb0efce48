"""`Cost`: what a cluster costs, and who for: by namespace, job, trial, controller, label and node."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubelab.costs.allocation import Allocation, Money, PodCost
from kubelab.costs.focus import focus_rows, write_focus
from kubelab.costs.grouping import IDLE, UNALLOCATED
from kubelab.costs.rates import Resources

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Cost:
    """What a cluster costs.

    Attributes
    ----------
    allocation : Allocation
        Every node's and pod's part in the window.
    usd_per_hour : float
        What the nodes that are there now cost an hour.
    lower_bound_usd : float or None
        What the cheapest nodes would have cost that could have run the same pods; None if nobody reckoned it.
    """

    allocation: Allocation
    usd_per_hour: float
    lower_bound_usd: float | None = None

    @property
    def hours(self) -> float:
        """How long the window is."""
        return self.allocation.window.hours

    @property
    def total_usd(self) -> float:
        """What all nodes cost in the window."""
        return sum(each.money.total for each in self.allocation.nodes)

    @property
    def idle_usd(self) -> float:
        """What of that no pod had."""
        return sum(each.idle.total for each in self.allocation.nodes)

    @property
    def idle_share(self) -> float:
        """Idle cost by total cost, from 0 to 1; 0 where nothing costs anything."""
        return self.idle_usd / self.total_usd if self.total_usd else 0.0

    @property
    def node_hours(self) -> float:
        """How many hours nodes were there, added up."""
        return sum(each.hours for each in self.allocation.nodes)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The names of nodes whose price is not known; they and their pods count as nothing."""
        return tuple(each.node.name for each in self.allocation.nodes if each.node.price is None)

    @property
    def price_dates(self) -> tuple[date, ...]:
        """When the prices held, the oldest first."""
        return tuple(sorted({each.node.price.date for each in self.allocation.nodes if each.node.price}))

    def by_namespace(self) -> pd.DataFrame:
        """Return one row a namespace, and what is idle; see `_frame` for the columns."""
        return self._frame(("namespace",), lambda each: (each.pod.namespace,))

    def by_job(self) -> pd.DataFrame:
        """Return one row a job, what belongs to none, and what is idle."""
        return self._frame(
            ("namespace", "job"),
            lambda each: (each.pod.namespace, each.pod.owner.job) if each.pod.owner.job else None,
        )

    def by_trial(self) -> pd.DataFrame:
        """Return one row a trial, what belongs to none, and what is idle."""
        return self._frame(
            ("namespace", "sweep", "trial"),
            lambda each: (
                (each.pod.namespace, each.pod.owner.sweep, each.pod.owner.trial)
                if each.pod.owner.trial
                else None
            ),
        )

    def by_controller(self) -> pd.DataFrame:
        """Return one row a controller (Deployment, Job, ...), pods without one, and what is idle."""
        return self._frame(
            ("namespace", "kind", "controller"),
            lambda each: (
                (each.pod.namespace, each.pod.owner.kind, each.pod.owner.controller)
                if each.pod.owner.controller
                else None
            ),
        )

    def by_label(self, label: str) -> pd.DataFrame:
        """Return one row a value of a pod label such as ``team``, pods without it, and what is idle."""
        return self._frame(
            (label,), lambda each: (each.pod.labels[label],) if label in each.pod.labels else None
        )

    def by_node(self) -> pd.DataFrame:
        """Return one row a node: its group, type, hours, price, cost and what of it was idle, in USD."""
        import pandas as pd

        columns = [
            "node", "node_group", "instance_type", "capacity_type", "hours",
            "usd_per_hour", "total_usd", "idle_usd", "prices_of",
        ]  # fmt: skip
        rows = []
        for each in self.allocation.nodes:
            node, price = each.node, each.node.price
            dated: tuple[Any, ...] = (None, 0.0, 0.0, "")
            if price:
                dated = (price.usd_per_hour, each.money.total, each.idle.total, f"{price.date}")
            rows.append(
                (node.name, node.node_group, node.instance_type, node.capacity_type, each.hours, *dated)
            )
        return pd.DataFrame(rows, columns=columns)

    def over_time(self) -> pd.DataFrame:
        """Return what the nodes cost an hour whenever that changed: time (UTC), node_group, usd_per_hour.

        There is one row for each group whose cost changed then; it holds until the group's next row.
        """
        import pandas as pd

        window = self.allocation.window
        steps: dict[tuple[datetime, str], float] = defaultdict(float)
        for each in self.allocation.nodes:
            node, price = each.node, each.node.price
            if price is not None:
                steps[max(node.start, window.start), node.node_group] += price.usd_per_hour
                steps[min(node.end, window.end), node.node_group] -= price.usd_per_hour
        level: dict[str, float] = defaultdict(float)
        rows = []
        for (time, group), step in sorted(steps.items()):
            level[group] += step
            rows.append((time, group, round(level[group], 9)))
        return pd.DataFrame(rows, columns=["time", "node_group", "usd_per_hour"])

    def to_focus(self, account: str = "kubelab") -> pd.DataFrame:
        """Return the bill in FOCUS v1.2's columns: a row for each node and who had a part of it.

        Parameters
        ----------
        account : str
            Who is billed.
        """
        import pandas as pd

        return pd.DataFrame(focus_rows(self.allocation, account))

    def write_focus(self, path: Path, account: str = "kubelab") -> Path:
        """Write the bill in FOCUS v1.2's columns, as CSV or Parquet by the file's ending.

        Raises
        ------
        KubelabError
            If the ending is neither ``.csv`` nor ``.parquet``, or Parquet's library is not installed.
        """
        write_focus(self.to_focus(account), path)
        return path

    def _frame(self, names: Sequence[str], key: Callable[[PodCost], tuple[str, ...] | None]) -> pd.DataFrame:
        """Return rows with: pods, hours of cores, memory (GiB) and devices, USD of each, all, and prices_of.

        The dearest stand first; those that have no key, and what is idle, last. They add up to
        ``total_usd``.
        """
        import pandas as pd

        groups: dict[tuple[str, ...] | None, list[PodCost]] = defaultdict(list)
        for each in self.allocation.pods:
            groups[key(each)].append(each)
        nobody = groups.get(None)
        rows = [(*group, *_sums(costs)) for group, costs in groups.items() if group is not None]
        rows.sort(key=lambda row: (-row[-1], *row[: len(names)]))
        blank = [""] * (len(names) - 1)
        if nobody:
            rows.append((*blank, UNALLOCATED, *_sums(nobody)))
        idle = sum((each.idle for each in self.allocation.nodes), Money())
        rows.append((*blank, IDLE, 0, 0.0, 0.0, 0.0, idle.cpu, idle.ram, idle.gpu, idle.total))
        columns = [*names, "pods", "cpu_core_hours", "ram_gib_hours", "gpu_hours"]
        frame = pd.DataFrame(rows, columns=[*columns, "cpu_usd", "ram_usd", "gpu_usd", "total_usd"])
        return frame.assign(prices_of=_span(self.price_dates))

    def __repr__(self) -> str:
        if not self.price_dates:
            return "<Cost: no node has a price>"
        rate, idle = f"{self.usd_per_hour:.2f} USD/h", f"idle {self.idle_share * 100:.0f} %"
        parts = [rate, idle, f"{self.hours:.3g} h {self.total_usd:.2f} USD"]
        if self.lower_bound_usd:
            parts.append(f"{self.total_usd / self.lower_bound_usd:.2f} x the lower bound")
        if self.unpriced:
            parts.append(f"{len(self.unpriced)} of {len(self.allocation.nodes)} nodes without a price")
        return f"<Cost {', '.join(parts)}; prices of {_span(self.price_dates)}>"


def _sums(costs: Iterable[PodCost]) -> tuple[Any, ...]:
    pods: set[str] = set()
    hours, money = Resources(), Money()
    for each in costs:
        pods.add(each.pod.uid)
        hours, money = hours + each.resource_hours, money + each.money
    return (
        len(pods), hours.cpu_cores, hours.ram_gib, hours.gpus, money.cpu, money.ram, money.gpu, money.total
    )  # fmt: skip


def _span(dates: Sequence[date]) -> str:
    if not dates:
        return ""
    return f"{dates[0]}" if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
