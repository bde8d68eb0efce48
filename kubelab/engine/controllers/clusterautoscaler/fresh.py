"""What a new node of a group is like: as the provider makes it, with the pods of DaemonSets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kubelab.autoscaling.node_group import NodeGroup, node_of
from kubelab.client import DAEMON_SETS, Object
from kubelab.engine.controllers.daemonset.pods import eligibility
from kubelab.engine.controllers.pods import pod_from_template
from kubelab.scheduling.snapshot import Node, NodeInfo, PodInfo


def fresh_node(
    group: NodeGroup,
    name: str,
    daemon_sets: Iterable[Object],
    info_of: Callable[[Object], PodInfo],
    sized: Callable[[Object, Object], Object],
) -> NodeInfo:
    """Return the node.

    Parameters
    ----------
    info_of : callable
        Reads a Pod as the scheduler does.
    sized : callable
        Gives a daemon's pod on a node the requests that it will be admitted with there.
    """
    obj = node_of(group, name)
    info = NodeInfo(Node.of(obj, 0))
    for daemon_set in daemon_sets:
        if eligibility(daemon_set, obj)[0]:
            info = info.plus(info_of(sized(_daemon_pod(daemon_set, name), obj)))
    return info


def _daemon_pod(daemon_set: Object, node: str) -> Object:
    pod = pod_from_template(daemon_set, DAEMON_SETS, daemon_set["spec"]["template"])
    pod["metadata"]["name"] = f"{daemon_set['metadata']['name']}-{node}"
    pod["metadata"]["uid"] = f"{daemon_set['metadata']['uid']}/{node}"
    return pod
