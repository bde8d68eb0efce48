"""Who chooses among options: the chain that the settings name, with what it needs to know."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from random import Random

from kubelab.autoscaling.choice import Expander
from kubelab.autoscaling.expanders import expander
from kubelab.autoscaling.instance_scores import InstanceScores, ScoreError
from kubelab.autoscaling.node_group import GroupPrices, NodeGroup
from kubelab.autoscaling.service.asking import Asking
from kubelab.client import Object
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.views import View

logger = logging.getLogger(__name__)

PRIORITIES = ("kube-system", "cluster-autoscaler-priority-expander")
"""The ConfigMap that the expander ``priority`` reads."""

ALL = "all"
"""The name of the index under which everything is found."""


class Choosing:
    """Makes chains; the connection to a service is kept from one to the next.

    Parameters
    ----------
    seed : int
        For lots that are drawn.
    config_maps, scores : View
        Of ConfigMaps and InstanceScores.
    """

    def __init__(self, seed: int, config_maps: View, scores: View) -> None:
        self._random = Random(seed)  # noqa: S311 - choices are to be repeatable
        self._config_maps = config_maps
        self._scores = scores
        self._asking = Asking()

    def chain(self, settings: Settings, groups: Sequence[NodeGroup]) -> Expander:
        """Return the chain as it is now.

        Raises
        ------
        ExpanderError
            If the settings name one that makes no sense.
        """
        return expander(
            settings.expander,
            random=self._random,
            prices=GroupPrices(groups),
            scores=InstanceScores(filter(_can_be_used, self._scores.by_index(ALL, ALL))),
            priorities=self._priorities,
            remote=self._asking.at(settings.grpc_url, settings.grpc_certificate),
        )

    def _priorities(self) -> str:
        found: Object = self._config_maps.get(*PRIORITIES) or {}
        return str((found.get("data") or {}).get("priorities", ""))

    def close(self) -> None:
        """End the connection."""
        self._asking.close()


def _can_be_used(score: Object) -> bool:
    try:
        InstanceScores([score])
    except ScoreError as error:
        logger.warning("%s", error)
        return False
    return True
