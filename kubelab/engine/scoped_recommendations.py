"""What VerticalPodAutoscalers recommend for a pod on a given node, whether the node is there yet or not.

Admission, the updater and the autoscaler ask the same, so that a new node has room for what its daemons get.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.clock import Clock
from kubelab.rightsizing.scopes import Recommendations, Selected, predicts, scope_value

_MOST_READ = 1024
_LASTING = timedelta(hours=1)
"""How long a fitted prediction is used; it is made anew at once when groups come or go."""


@dataclass(slots=True)
class _Read:
    """A VerticalPodAutoscaler, read: of one resource version, with the predictions that were fitted to it."""

    version: str
    recommendations: Recommendations
    first: _Fitted | None = None


@dataclass(frozen=True, slots=True)
class _Fitted:
    values: frozenset[str]
    at: datetime
    on: Callable[[Object], Selected | None] = field(compare=False)


class ScopedRecommendations:
    """Looks recommendations up by node.

    Parameters
    ----------
    nodes : callable
        Gives the nodes that are there.
    """

    def __init__(self, nodes: Callable[[], Iterable[Object]], clock: Clock) -> None:
        self._nodes = nodes
        self._clock = clock
        self._read: dict[str, _Read] = {}

    def on(self, vpa: Object, name: str, node: Object | None) -> Selected:
        """Return what a pod of an autoscaler's target gets on a node.

        Parameters
        ----------
        name : str
            The node's name; "" for a pod that has none yet.
        node : Object or None
            The node, which need not be created yet; None if nobody knows it.
        """
        read = self._reading(vpa)
        selected = read.recommendations.on(name, None if node is None else _labels(node))
        if selected.origin == "group" or selected.scope_value is None or node is None or not predicts(vpa):
            return selected
        return self._first(read)(node) or selected

    def _reading(self, vpa: Object) -> _Read:
        uid, version = vpa["metadata"]["uid"], vpa["metadata"]["resourceVersion"]
        known = self._read.get(uid)
        if known is None or known.version != version:
            known = _Read(version, Recommendations.of(vpa), known.first if known else None)
            self._read[uid] = known
            if len(self._read) > _MOST_READ:  # those of autoscalers that were deleted are never asked for
                self._read.pop(next(iter(self._read)))
        return known

    def _first(self, read: _Read) -> Callable[[Object], Selected | None]:
        values, now = frozenset(read.recommendations.groups), self._clock.now()
        if read.first is None or read.first.values != values or now - read.first.at >= _LASTING:
            read.first = _Fitted(values, now, _predictor(read.recommendations, self._nodes()))
        return read.first.on


def _predictor(known: Recommendations, nodes: Iterable[Object]) -> Callable[[Object], Selected | None]:
    """Return what predicts for nodes, from groups and the nodes that are there."""
    from kubelab.rightsizing.new_nodes.features import NodeFeatures
    from kubelab.rightsizing.new_nodes.recommendation import FirstRecommendations

    of_value: dict[str, list[NodeFeatures]] = {}
    for node in nodes:
        value = scope_value(known.scope, node["metadata"]["name"], _labels(node))
        if value is not None and value in known.groups:
            of_value.setdefault(value, []).append(NodeFeatures.of(node))
    together = {value: NodeFeatures.together(each) for value, each in of_value.items()}
    made = FirstRecommendations(known.groups, together)

    def on(node: Object) -> Selected | None:
        found = made.on(NodeFeatures.of(node))
        if not found.containers:
            return None
        value = scope_value(known.scope, node["metadata"]["name"], _labels(node))
        return Selected(found.containers, "predicted", value, found.why)

    return on


def _labels(node: Object) -> Mapping[str, str]:
    labels: Mapping[str, str] = node["metadata"].get("labels") or {}
    return labels
