"""What daemons' pods ask for on nodes that are not there yet: what they will be admitted with."""

from __future__ import annotations

import copy

from kubelab.client import DAEMON_SETS, NODES, VERTICAL_POD_AUTOSCALERS, Object
from kubelab.engine.controllers.controller import Surroundings
from kubelab.engine.scoped_recommendations import ScopedRecommendations
from kubelab.rightsizing.application import recommended_for, resources_for, update_mode
from kubelab.rightsizing.controlling import Workload, in_charge, target_of
from kubelab.rightsizing.policies import ContainerPolicy

_ALL = "all"
_BY_TARGET = "target"


class DaemonSizes:
    """Sizes pods as admission does, by the VerticalPodAutoscaler in charge and its scope.

    Bounds that a LimitRange sets are not looked at.
    """

    def __init__(self, around: Surroundings) -> None:
        views = around.views
        self.autoscalers = views.of(VERTICAL_POD_AUTOSCALERS)
        self.autoscalers.index(_BY_TARGET, _target)
        nodes = views.of(NODES)
        nodes.index(_ALL, lambda _obj: (_ALL,))
        self._scoped = ScopedRecommendations(lambda: nodes.by_index(_ALL, _ALL), around.clock)

    def sized(self, pod: Object, node: Object) -> Object:
        """Return a DaemonSet's pod with the requests that it will be admitted with on a node."""
        meta = pod["metadata"]
        workload = Workload(meta["namespace"], DAEMON_SETS.kind, meta["ownerReferences"][0]["name"])
        found = self.autoscalers.by_index(_BY_TARGET, _key(workload))
        autoscaler = in_charge(workload, found)
        if autoscaler is None or update_mode(autoscaler) == "Off":
            return pod
        selected = self._scoped.on(autoscaler, node["metadata"]["name"], node)
        amounts = recommended_for(autoscaler, pod, selected.containers)
        sized = copy.deepcopy(pod)
        for container in sized["spec"]["containers"]:
            name = container["name"]
            if name in amounts:
                policy = ContainerPolicy.of(autoscaler, name)
                container["resources"] = resources_for(container, amounts[name].target, policy)
        return sized


def _target(autoscaler: Object) -> tuple[str, ...]:
    return (_key(target_of(autoscaler)),)


def _key(workload: Workload) -> str:
    return f"{workload.namespace}/{workload.kind}/{workload.name}"
