"""Who chooses among options: the chain that the settings name, with what it needs to know."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from random import Random

from kubelab.autoscaling.choice import Expander
from kubelab.autoscaling.errors import ExpanderError
from kubelab.autoscaling.expanders import expander
from kubelab.autoscaling.expanders.remote import Remote
from kubelab.autoscaling.instance_scores import InstanceScores
from kubelab.autoscaling.node_group import GroupPrices, NodeGroup
from kubelab.client import Object
from kubelab.engine.controllers.clusterautoscaler.settings import Settings
from kubelab.engine.controllers.views import View

PRIORITIES = ("kube-system", "cluster-autoscaler-priority-expander")
"""The ConfigMap that the expander ``priority`` reads."""

ALL = "all"
"""The name of the index under which everything is found."""


class GrpcMissingError(ExpanderError):
    """The expander ``grpc`` needs a package that is not installed."""

    def __init__(self) -> None:
        super().__init__("the expander grpc needs grpcio. Install it: pip install 'kubelab[grpc]'")


class Asking:
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
        self._remotes: dict[tuple[str, str], Remote] = {}

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
            scores=InstanceScores(self._scores.by_index(ALL, ALL)),
            priorities=self._priorities,
            remote=self._remote(settings),
        )

    def _priorities(self) -> str:
        found: Object = self._config_maps.get(*PRIORITIES) or {}
        return str((found.get("data") or {}).get("priorities", ""))

    def _remote(self, settings: Settings) -> Remote | None:
        if not settings.grpc_url:
            return None
        if find_spec("grpc") is None:
            raise GrpcMissingError
        key = (settings.grpc_url, settings.grpc_certificate)
        if key not in self._remotes:
            from kubelab.autoscaling.service.client import ExpanderClient

            self._remotes = {key: ExpanderClient(*key)}
        return self._remotes[key]
