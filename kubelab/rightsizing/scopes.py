"""One recommendation for each kind of node: which group a DaemonSet's pod belongs to, and what it gets.

A VerticalPodAutoscaler of a DaemonSet may name a node label in ``spec.scope``. Pods are then grouped by its
value on their nodes, and each group has a recommendation of its own in ``status.recommendationGroups``.

Source: AEP-10031 of ``kubernetes/autoscaler`` (July 2026, alpha, planned for VPA 1.8), and the package
``pkg/utils/scope`` of its implementation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kubelab.client import Object
from kubelab.fnv import fnv32a
from kubelab.rightsizing.application import recommendations_of

HOSTNAME = "kubernetes.io/hostname"
"""The scope of one group for each node; its value is the node's name."""
ABSENT = "__absent__"
"""The scope value of nodes without the label."""
EMPTY = "__empty__"
"""How a checkpoint keeps the empty scope value, since a checkpoint without a scope has an empty one."""

_AGGREGATION = "__vpa_scope_"

NEW_NODES = "rightsizing.kubelab.dev/new-nodes"
"""The annotation that asks, by ``predict``, for more than the AEP has: pods on nodes whose group has no
recommendation get one from the other groups and what the node is like."""

PREDICTED = "rightsizing.kubelab.dev/predicted"
"""The annotation of a pod that got a prediction: what it got, how sure that is, and what it is made from."""

Origin = Literal["group", "predicted", "aggregate", "none"]


def scope_of(vpa: Object) -> str:
    """Return the node label that a VerticalPodAutoscaler groups pods by; "" where it does not."""
    spec = vpa["spec"]
    is_daemons = (spec.get("targetRef") or {}).get("kind") == "DaemonSet"
    return str(spec.get("scope") or "") if is_daemons else ""


def predicts(vpa: Object) -> bool:
    """Say whether pods on new nodes shall get a prediction."""
    return (vpa["metadata"].get("annotations") or {}).get(NEW_NODES) == "predict"


def scope_value(scope: str, node: str, labels: Mapping[str, str] | None) -> str | None:
    """Return the group of pods on a node; None while it cannot be known.

    Parameters
    ----------
    node : str
        The node's name; "" for a pod that has none yet.
    labels : mapping or None
        The node's labels; None where nobody knows the node.
    """
    if not node:
        return None
    if scope == HOSTNAME:
        return node
    return None if labels is None else labels.get(scope, ABSENT)


@dataclass(frozen=True, slots=True, order=True)
class Kind:
    """The nodes that have one value of a scope.

    Attributes
    ----------
    scope : str
        The label.
    """

    scope: str
    value: str


def kind_on(vpa: Object, node: str, labels: Mapping[str, str] | None) -> Kind | None:
    """Return the kind of node that a pod is on; None without a scope, or while it cannot be known.

    The parameters are those of `scope_value`.
    """
    scope = scope_of(vpa)
    value = scope_value(scope, node, labels) if scope else None
    return None if value is None else Kind(scope, value)


def aggregation_label(scope: str) -> str:
    """Return the label, which no user's label can be, that samples are told apart by."""
    return f"{_AGGREGATION}{fnv32a(scope.encode()):x}"


def persisted(value: str) -> str:
    """Return a scope value as a checkpoint keeps it."""
    return value or EMPTY


def restored(kept: str) -> str:
    """Return the scope value that a checkpoint with a scope keeps."""
    return "" if kept == EMPTY else kept


def checkpoint_name(vpa: str, container: str, kept: str = "") -> str:
    """Return the name of a checkpoint.

    Parameters
    ----------
    kept : str
        The scope value as it keeps it (`persisted`); "" for the one of all pods together.
    """
    suffix = f"-{fnv32a(kept.encode()):x}" if kept else ""
    return f"{vpa}-{container}{suffix}"


def recommendation_groups(targets: Mapping[str, Sequence[Object]]) -> list[Object]:
    """Return ``status.recommendationGroups``: by scope value, and of each container the target alone.

    Parameters
    ----------
    targets : mapping
        The container recommendations of each scope value, as in ``status.recommendation``.
    """
    return [
        {
            "scopeValue": value,
            "containerRecommendations": [
                {"containerName": each["containerName"], "target": each["target"]} for each in containers
            ],
        }
        for value, containers in sorted(targets.items())
    ]


@dataclass(frozen=True, slots=True)
class Selected:
    """The recommendation for a pod.

    Attributes
    ----------
    containers : tuple of Object
        Container recommendations; empty if there is none, and the pod keeps what its template says.
    origin : "group", "predicted", "aggregate" or "none"
    scope_value : str or None
        The pod's group; None without a scope, or while its node is not known.
    why : str
        What a prediction is made from.
    """

    containers: tuple[Object, ...]
    origin: Origin
    scope_value: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Recommendations:
    """All that a VerticalPodAutoscaler recommends, to be looked up for many pods.

    Attributes
    ----------
    scope : str
        The node label; "" for one recommendation for all.
    aggregate : tuple of Object
        For all pods together.
    groups : mapping
        By scope value.
    """

    scope: str
    aggregate: tuple[Object, ...]
    groups: Mapping[str, tuple[Object, ...]]

    @staticmethod
    def of(vpa: Object) -> Recommendations:
        """Read a VerticalPodAutoscaler."""
        status = vpa.get("status") or {}
        groups = {
            each["scopeValue"]: tuple(each.get("containerRecommendations") or ())
            for each in status.get("recommendationGroups") or ()
        }
        return Recommendations(scope_of(vpa), tuple(recommendations_of(vpa)), groups)

    def on(self, node: str, labels: Mapping[str, str] | None) -> Selected:
        """Return what a pod on a node gets: its group's, else that of all pods, else nothing.

        The parameters are those of `scope_value`.
        """
        value = scope_value(self.scope, node, labels) if self.scope else None
        group = self.groups.get(value, ()) if value is not None else ()
        if group:
            return Selected(group, "group", value)
        return Selected(self.aggregate, "aggregate" if self.aggregate else "none", value)
