"""What a cell asks about money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubelab import portal
from kubelab.verbs.handle import Handle

if TYPE_CHECKING:
    from kubelab.costs.cost import Cost
    from kubelab.costs.prices import Prices


class CostVerbs(Handle):
    """The verbs about money."""

    def cost(self, *, hours: float = 24, prices: Prices | None = None) -> Cost:
        """Return what the cluster costs: an hour now, and in the hours until now, by whom, and what is idle.

        Parameters
        ----------
        hours : float
            How far to look back, but not beyond the first node.
        prices : Prices, optional
            What nodes cost that do not say it in their annotations; the catalogue's prices, by their label
            ``node.kubernetes.io/instance-type``, unless given.

        Raises
        ------
        KubelabError
            If that is no time, or the user's price file is wrong.
        """
        from kubelab.autoscaling.catalogue import Catalogue
        from kubelab.costs.survey import read_cost

        prices = Catalogue.load() if prices is None else prices
        return portal.run(read_cost(self.client, self._now(), hours=hours, prices=prices))
