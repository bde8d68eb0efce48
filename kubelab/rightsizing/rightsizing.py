"""`Rightsizing`: what a strategy recommends for a cluster's containers, beside what they ask for and use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from kubelab.client import Object
from kubelab.costs.intervals import node_interval
from kubelab.costs.prices import Prices
from kubelab.costs.rates import DEFAULT_RATES, HOURS_PER_MONTH, Rates, split
from kubelab.rightsizing.containers import ContainerGroup
from kubelab.rightsizing.history import History, NotEnoughHistoryError
from kubelab.rightsizing.recommendation import Recommendation, shown, unit_of
from kubelab.rightsizing.strategies.strategy import Strategy
from kubelab.usage.series import Resource, Usage

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_SHEET_DATE = "2024-10-24"
"""Of `DEFAULT_RATES`, which price nodes that say no price."""


@dataclass(frozen=True, slots=True)
class Row:
    """One resource of one group of containers.

    Attributes
    ----------
    request, limit : float or None
        What the containers ask for now, in cores or bytes.
    use, peak, latest : float or None
        Mean, highest and last known use of a pod; None where nothing is known.
    recommendation : Recommendation or None
        None where the strategy has too little to go by; ``problem`` says so then.
    usd_per_month, target_usd_per_month : float or None
        What the request costs for all pods, and what the recommended one would.
    prices_of : str
        When the prices held.
    """

    group: ContainerGroup
    resource: Resource
    request: float | None
    limit: float | None
    use: float | None
    peak: float | None
    latest: float | None
    recommendation: Recommendation | None
    problem: str
    usd_per_month: float
    target_usd_per_month: float | None
    prices_of: str

    @property
    def why(self) -> str:
        """Why this is recommended, or why nothing is."""
        return self.recommendation.why if self.recommendation else self.problem

    @property
    def saves_usd_per_month(self) -> float | None:
        """What the recommended request costs less; negative where it costs more."""
        if self.target_usd_per_month is None:
            return None
        return self.usd_per_month - self.target_usd_per_month


@dataclass(frozen=True, repr=False)
class Rightsizing:
    """What a strategy recommends.

    Attributes
    ----------
    strategy, scope : str
        Its name, and the node label that DaemonSets' pods are told apart by, or "".
    rows : tuple of Row
        What saves most a month first.
    missing : tuple of str
        What of the use could not be read.
    """

    strategy: str
    scope: str
    rows: tuple[Row, ...]
    missing: tuple[str, ...] = ()

    @property
    def saves_usd_per_month(self) -> float:
        """What all recommended requests cost less than those of now.

        These are requests that would be free, not a lower bill: that takes nodes that go.
        """
        return sum(each.saves_usd_per_month or 0.0 for each in self.rows)

    def frame(self) -> pd.DataFrame:
        """Return one row a container and resource.

        Returns
        -------
        DataFrame
            namespace, kind, workload, container, scope_value, resource, pods, request, limit, use, peak,
            target, target_limit, lower, upper (cores or bytes), usd_per_month, target_usd_per_month,
            saves_usd_per_month, prices_of, why.
        """
        import pandas as pd

        return pd.DataFrame([_cells(each) for each in self.rows], columns=list(_COLUMNS))

    def __repr__(self) -> str:
        told = sum(each.recommendation is not None for each in self.rows)
        count = f"{told} of {len(self.rows)} requests sized"
        gaps = f"; {len(self.missing)} gaps" if self.missing else ""
        saved = f"{self.saves_usd_per_month:.2f} USD/month of requests"
        return f"<Rightsizing {self.strategy}: {count}, {saved}{gaps}>"

    def _repr_html_(self) -> str:
        frame = self.frame()
        for name in ("request", "limit", "use", "peak", "target", "target_limit", "lower", "upper"):
            cells = zip(frame[name], frame["resource"], strict=True)
            frame[name] = ["" if _is_none(value) else shown(value, unit_of(of)) for value, of in cells]
        html: str = frame.to_html(index=False, float_format="{:.2f}".format, na_rep="")
        return html


_COLUMNS = (
    "namespace", "kind", "workload", "container", "scope_value", "resource", "pods", "request", "limit",
    "use", "peak", "target", "target_limit", "lower", "upper", "usd_per_month", "target_usd_per_month",
    "saves_usd_per_month", "prices_of", "why",
)  # fmt: skip


def rightsize(
    strategy: Strategy,
    groups: Iterable[ContainerGroup],
    usage: Usage,
    *,
    nodes: Iterable[Object] = (),
    prices: Prices | None = None,
    until: float = float("inf"),
    lookback_s: float | None = None,
    recheck_s: float = 86_400.0,
    scope: str = "",
) -> Rightsizing:
    """Return what a strategy recommends for groups of containers.

    Parameters
    ----------
    usage : Usage
        What a source found.
    nodes, prices
        What pods' requests cost: by each node's price, else OpenCost's default sheet.
    until, lookback_s : float
        Which part of the use counts: seconds since the epoch, and the strategy's own length unless given.
    recheck_s : float
        How long the recommendations have to hold.
    scope : str
        The label that told the groups apart.
    """
    rates = NodeRates(nodes, prices)
    start = until - (strategy.lookback_s if lookback_s is None else lookback_s)
    histories = [
        (group, group.history(resource, usage.series, recheck_s=recheck_s).between(start, until))
        for group in groups
        for resource in _RESOURCES
    ]
    rows = [_row(strategy, group, history, rates) for group, history in histories]
    rows.sort(key=lambda row: -(row.saves_usd_per_month or 0.0))
    return Rightsizing(strategy.name, scope, tuple(rows), usage.missing)


_RESOURCES: tuple[Resource, ...] = ("cpu", "memory")
_END = datetime.max.replace(tzinfo=UTC)


class NodeRates:
    """What a core and a byte cost on each node.

    Parameters
    ----------
    nodes : iterable of dict
        Node objects.
    prices : Prices, optional
        Of nodes that do not say their price.
    """

    def __init__(self, nodes: Iterable[Object], prices: Prices | None = None) -> None:
        self._known = {node["metadata"]["name"]: _rates(node, prices) for node in nodes}

    def month(self, nodes: Iterable[str], resource: Resource, amount: float) -> tuple[float, str]:
        """Return what so much costs a month on each of some nodes, in USD, and the dates of the prices."""
        found = [self._known.get(name, _DEFAULT) for name in nodes]
        hourly = sum(each.cpu_core if resource == "cpu" else each.ram_gib / 2**30 for each, _ in found)
        return amount * hourly * HOURS_PER_MONTH, " to ".join(sorted({day for _, day in found}))


_DEFAULT = (DEFAULT_RATES, DEFAULT_SHEET_DATE)


def _rates(node: Object, prices: Prices | None) -> tuple[Rates, str]:
    life = node_interval(node, _END, prices)
    if life.price is None:
        return _DEFAULT
    return split(life.price.usd_per_hour, life.capacity), f"{life.price.date}"


def _row(strategy: Strategy, group: ContainerGroup, history: History, rates: NodeRates) -> Row:
    recommendation, problem = _sized(strategy, history)
    now, dates = rates.month(group.nodes, history.resource, history.request or 0.0)
    target = recommendation.request if recommendation else None
    known = history.points > 0
    return Row(
        group,
        history.resource,
        history.request,
        history.limit,
        history.mean() if known else None,
        history.peak() if known else None,
        history.latest() if known else None,
        recommendation,
        problem,
        now,
        None if target is None else rates.month(group.nodes, history.resource, target)[0],
        dates,
    )


def _sized(strategy: Strategy, history: History) -> tuple[Recommendation | None, str]:
    try:
        return strategy.size(history), ""
    except NotEnoughHistoryError as error:
        return None, str(error)


def _cells(row: Row) -> tuple[object, ...]:
    key, found = row.group.key, row.recommendation
    target = (found.request, found.limit, found.lower, found.upper) if found else (None,) * 4
    return (
        key.namespace, key.controller_kind or "Pod", key.controller_name or key.pod, key.container,
        row.group.scope_value or "", row.resource, len(row.group.pods), row.request, row.limit, row.use,
        row.peak, *target, row.usd_per_month, row.target_usd_per_month, row.saves_usd_per_month,
        row.prices_of, row.why,
    )  # fmt: skip


def _is_none(value: float | None) -> bool:
    return value is None or bool(np.isnan(value))
