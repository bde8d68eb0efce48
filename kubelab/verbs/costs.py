"""What a cell asks about money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.client import NODE_GROUPS
from kubelab.errors import KubelabError
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    from kubelab.autoscaling.catalogue import Catalogue
    from kubelab.autoscaling.node_group import NodeGroup
    from kubelab.costs.cost import Cost
    from kubelab.costs.prices import Prices


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
