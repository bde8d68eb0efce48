"""What could be saved: requests that would be free, apart from nodes that could really go.

Only nodes that go lower the bill; requests that are freed are idle until then.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.client import BUDGETS, NODES, PODS, Client, Object
from kubelab.costs.prices import Prices, price_of
from kubelab.costs.rates import HOURS_PER_MONTH
from kubelab.errors import ApiError
from kubelab.owners import Owner
from kubelab.verbs.costs import CostVerbs
from kubelab.verbs.rightsizing import RightsizingVerbs

if TYPE_CHECKING:
    import pandas as pd

    from kubelab.rightsizing.rightsizing import Rightsizing
    from kubelab.usage.series import UsageSource

Key = tuple[str, str, str]
"""Namespace, workload (or bare pod) and container."""


@dataclass(frozen=True)
class Savings:
    """What could be saved.

    Attributes
    ----------
    requests : Rightsizing
        What a strategy recommends; what it frees is no lower bill by itself.
    nodes : DataFrame
        One row a node that could go: node, node_group, usd_per_month, prices_of, when ("now", or "once
        requests are changed"), why.
    """

    requests: Rightsizing
    nodes: pd.DataFrame

    @property
    def requests_usd_per_month(self) -> float:
        """What the freed requests cost."""
        return self.requests.saves_usd_per_month

    @property
    def nodes_usd_per_month(self) -> float:
        """What the nodes cost that could go, now or once requests are changed."""
        return float(self.nodes["usd_per_month"].sum())

    def __repr__(self) -> str:
        return (
            f"<Savings: {len(self.nodes)} nodes of {self.nodes_usd_per_month:.2f} USD/month could go; "
            f"requests of {self.requests_usd_per_month:.2f} USD/month would be free>"
        )


class SavingsVerbs(CostVerbs, RightsizingVerbs):
    """The verb that joins costs, rightsizing and the autoscaler's packing."""

    def savings(
        self,
        strategy: str = "peak",
        *,
        namespace: str | None = None,
        window: timedelta | None = None,
        source: UsageSource | None = None,
        prices: Prices | None = None,
    ) -> Savings:
        """Return what could be saved: requests that would be free, and nodes that could really go.

        A node could go if its pods may be moved and fit on the nodes that stay: now, or once requests are
        what the strategy recommends. Node groups keep their least size.

        Parameters
        ----------
        strategy, namespace, window, source, prices
            As in `rightsize`.
        """
        import pandas as pd

        from kubelab.autoscaling.catalogue import Catalogue
        from kubelab.autoscaling.removable import removable

        catalogue = Catalogue.load()
        found = self.rightsize(strategy, namespace=namespace, window=window, source=source, prices=prices)
        nodes, pods, now = self._list(NODES), self._list(PODS), self._now()
        budgets = portal.run(_budgets(self.client))
        least = {each.name: each.min_size for each in self._node_groups(catalogue)}
        at_once, later = (
            [each for each in removable(nodes, some, budgets=budgets, least=least, now=now) if each.unneeded]
            for some in (pods, _resized(pods, targets(found)))
        )
        names = {each.node for each in at_once}
        by_name = {each["metadata"]["name"]: each for each in nodes}
        rows = []
        for when, verdicts in (
            ("now", at_once),
            ("once requests are changed", [each for each in later if each.node not in names]),
        ):
            for each in verdicts:
                price = price_of(by_name[each.node], catalogue if prices is None else prices)
                usd, day = (price.usd_per_hour * HOURS_PER_MONTH, f"{price.date}") if price else (0.0, "")
                rows.append((each.node, each.group, usd, day, when, each.why))
        columns = ["node", "node_group", "usd_per_month", "prices_of", "when", "why"]
        return Savings(found, pd.DataFrame(rows, columns=columns))


def targets(found: Rightsizing) -> dict[Key, dict[str, str]]:
    """Return the recommended requests, as quantities, by workload and container."""
    wanted: dict[Key, dict[str, str]] = {}
    for row in found.rows:
        if row.recommendation is None:
            continue
        key = row.group.key
        requests = wanted.setdefault((key.namespace, key.controller_name or key.pod, key.container), {})
        amount = row.recommendation.request
        requests[row.resource] = f"{amount * 1000:.0f}m" if row.resource == "cpu" else f"{amount:.0f}"
    return wanted


def _resized(pods: Sequence[Object], wanted: Mapping[Key, Mapping[str, str]]) -> list[Object]:
    """Return pods as if they asked for what is recommended."""
    made = []
    for pod in pods:
        meta = pod["metadata"]
        workload = Owner.of(pod).controller or meta["name"]
        changed = copy.deepcopy(pod)
        for container in changed["spec"]["containers"]:
            requests = wanted.get((meta["namespace"], workload, container["name"]), {})
            container.setdefault("resources", {}).setdefault("requests", {}).update(requests)
        for status in (changed.get("status") or {}).get("containerStatuses") or ():
            status.pop("resources", None)  # what it has until it is resized, which is more
            status.pop("allocatedResources", None)
        made.append(changed)
    return made


async def _budgets(client: Client) -> list[Object]:
    try:
        return (await client.list(BUDGETS)).items
    except ApiError:  # what the user may not see keeps no pod
        return []
