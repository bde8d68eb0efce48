"""What a cell asks about money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from kubelab import portal
from kubelab.client import NAMESPACES, NODE_GROUPS
from kubelab.errors import KubelabError
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.autoscaling.catalogue import Catalogue
    from kubelab.autoscaling.node_group import NodeGroup
    from kubelab.costs.allocations import Allocations
    from kubelab.costs.cost import Cost
    from kubelab.costs.ledger import Ledger
    from kubelab.costs.prices import Prices
    from kubelab.usage.series import UsageSource


class CostVerbs(Handle):
    """The verbs about money."""

    def cost(self, *, hours: float = 24, prices: Prices | None = None, lower_bound: bool = False) -> Cost:
        """Return what the cluster costs: an hour now, and in the hours until now, by whom, and what is idle.

        Parameters
        ----------
        hours : float
            How far to look back, but not beyond the first node.
        prices : Prices, optional
            What nodes cost that do not say it in their annotations; the catalogue's prices, by their label
            ``node.kubernetes.io/instance-type``, unless given.
        lower_bound : bool
            Whether to find the least that the same pods had to cost, on the nodes that were there and those
            of the node groups; it takes some seconds.

        Raises
        ------
        KubelabError
            If that is no time, or the user's price file is wrong.
        """
        from kubelab.autoscaling.catalogue import Catalogue
        from kubelab.autoscaling.lower_bound.of_cost import bounded
        from kubelab.costs.survey import read_cost

        catalogue = Catalogue.load()
        prices = catalogue if prices is None else prices
        cost = portal.run(read_cost(self.client, self._now(), hours=hours, prices=prices))
        return bounded(cost, self._node_groups(catalogue)) if lower_bound else cost

    def allocation(
        self,
        window: str = "today",
        aggregate: str | Sequence[str] = "namespace",
        *,
        step: str | None = None,
        namespace: str | None = None,
        share_idle: bool = False,
        idle_by_node: bool = False,
        share_namespaces: Sequence[str] = (),
        share_usd_per_month: float = 0.0,
        share_split: Literal["weighted", "even"] = "weighted",
        source: UsageSource | None = None,
        prices: Prices | None = None,
    ) -> Allocations:
        """Return what each group of pods cost in a window, as OpenCost reckons it, and what was idle.

        Parameters
        ----------
        window : str
            ``today``, ``lastweek``, ``month``, a length such as ``24h`` or ``7d``, or two times with a comma.
        aggregate : str or sequence of str
            By what costs are put together: namespace, controllerKind, controller, pod, node, job, trial,
            user, team, label:NAME, ...; several with commas.
        step : str, optional
            Into what lengths the window is cut, such as ``1d``.
        namespace : str, optional
            Only the pods of this one, without what is idle.
        share_idle : bool
            Whether groups bear what is idle, by what of each resource they cost.
        idle_by_node : bool
            Whether idle is told, or borne, node by node.
        share_namespaces : sequence of str
            What these cost is borne by the others.
        share_usd_per_month : float
            What all bear beside the nodes, such as a control plane.
        share_split : {"weighted", "even"}
            Whether groups bear shared costs by what they cost, or all the same.
        source : UsageSource, optional
            Who knows what pods used; what the meter noted counts unless given.
        prices : Prices, optional
            As in `cost`.

        Raises
        ------
        WindowError
            If the window or step makes no sense, or has not begun.
        AggregateError
            If pods have nothing of the name.
        """
        from kubelab.costs.allocations import Allocations, Spreading
        from kubelab.costs.used import with_usage
        from kubelab.costs.windows import parse_window

        spreading = Spreading(
            share_idle, idle_by_node, tuple(share_namespaces), share_usd_per_month, share_split
        )
        found = parse_window(window, self._now())
        ledger = self.ledger(prices=prices)
        if source is not None:
            usage = portal.run(source.read(found.start, found.end, namespace=namespace))
            ledger = with_usage(ledger, usage)
        return Allocations.of(ledger, found, aggregate, step=step, namespace=namespace, spreading=spreading)

    def budgets(
        self,
        budgets: Mapping[str, float] | None = None,
        aggregate: str | Sequence[str] = "namespace",
        *,
        share_idle: bool = False,
        prices: Prices | None = None,
    ) -> pd.DataFrame:
        """Return how budgets stand in this month, with a forecast of its end.

        Parameters
        ----------
        budgets : mapping of str to float, optional
            By a group's name: USD a month. Unless given, what Namespaces say by the annotation
            ``costs.kubelab.dev/budget-usd-per-month``.
        aggregate : str or sequence of str
            What the names are of, as in `allocation`.
        share_idle : bool
            Whether groups bear what is idle.
        prices : Prices, optional
            As in `cost`.

        Returns
        -------
        DataFrame
            name, budget_usd, spent_usd, month_end_usd, low_usd, high_usd (with 80 % confidence; None where
            too little is known), state.
        """
        import pandas as pd

        from kubelab.costs.allocations import Allocations, Spreading
        from kubelab.costs.budgets import budgets_of, statuses
        from kubelab.costs.windows import parse_window

        given = budgets_of(self._list(NAMESPACES)) if budgets is None else budgets
        ledger = self.ledger(prices=prices)
        month = parse_window("month", ledger.now)
        step = timedelta(days=1) if ledger.now - ledger.begins > timedelta(days=7) else timedelta(hours=1)
        season, text = (7, "1d") if step.days else (24, "1h")
        found = Allocations.of(ledger, month, aggregate, step=text, spreading=Spreading(share_idle))
        rows = [
            (
                each.name, each.usd_per_month, each.spent_usd,
                *((end.usd, end.low_usd, end.high_usd) if (end := each.month_end) else (None, None, None)),
                each.state,
            )
            for each in statuses(found, given, step=step, season=season)
        ]  # fmt: skip
        columns = ["name", "budget_usd", "spent_usd", "month_end_usd", "low_usd", "high_usd", "state"]
        return pd.DataFrame(rows, columns=columns)

    def ledger(self, *, prices: Prices | None = None) -> Ledger:
        """Return all that is known of nodes and pods, from which any window's costs are reckoned."""
        from kubelab.autoscaling.catalogue import Catalogue
        from kubelab.costs.survey import read_ledger

        prices = Catalogue.load() if prices is None else prices
        return portal.run(read_ledger(self.client, self._now(), prices=prices))

    def _node_groups(self, catalogue: Catalogue) -> list[NodeGroup]:
        """Return the node groups that make sense."""
        from kubelab.autoscaling.node_group import NodeGroup

        groups = []
        for obj in portal.run(self.client.list(NODE_GROUPS)).items:
            try:
                groups.append(NodeGroup.of(obj, catalogue))
            except KubelabError:
                continue
        return groups
