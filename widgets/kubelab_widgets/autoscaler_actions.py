"""What the buttons of an `AutoscalerPanel` do to a cluster: load, interruptions, another policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubelab import Cluster, portal
from kubelab.autoscaling.node_group import INTERRUPT, NODE_GROUP
from kubelab.client import CLUSTER_AUTOSCALERS, DEPLOYMENTS, NODES, Object
from kubelab.errors import KubelabError, NotFoundError
from kubelab.node_template import FAKE_TAINT
from kubelab.quantities import parse_quantity

LOAD = "kubelab.dev/load"
"""The label of what the panel adds, by which it removes it again."""

_MOST_PODS = 10_000


class LoadError(KubelabError, ValueError):
    """Load was asked for that makes no sense.

    Attributes
    ----------
    field : str
        Which field of the form is wrong.
    """

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(problem)


def add_load(cluster: Cluster, asked: Mapping[str, Any]) -> str:
    """Create a Deployment whose pods want nodes of the groups; return what was done, in words.

    Raises
    ------
    LoadError
        If the number of pods or what they ask for makes no sense.
    QuantityError
        If what they ask for is no quantity.
    """
    pods = asked.get("pods")
    if not isinstance(pods, int) or not 1 <= pods <= _MOST_PODS:
        raise LoadError("pods", f"{pods} pods cannot be added. Give a whole number from 1 to {_MOST_PODS}.")
    requests = {name: str(asked.get(name, "")) for name in ("cpu", "memory")}
    for name, quantity in requests.items():
        if parse_quantity(quantity) <= 0:
            raise LoadError(name, f"a pod cannot ask for {quantity} of {name}. Give more than 0.")
    name = portal.run(_add_load(cluster, pods, requests))
    each = f"{requests['cpu']} CPU and {requests['memory']} of memory"
    return f"Deployment {name} adds {pods} pods that ask for {each} each."


def load(name: str, pods: int, requests: Mapping[str, str], *, fake: bool) -> Object:
    """Return the Deployment; with ``fake`` its pods go to simulated nodes only."""
    labels = {LOAD: "panel", "app": name}
    affinity = {"key": NODE_GROUP, "operator": "Exists"}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}
    spec: Object = {
        "containers": [
            {"name": "main", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": requests}}
        ],
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
    }
    if fake:
        spec["tolerations"] = [{**FAKE_TAINT, "operator": "Equal"}]
    template = {"metadata": {"labels": labels}, "spec": spec}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {"replicas": pods, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def remove_load(cluster: Cluster) -> str:
    """Delete what `add_load` created; return what was done, in words."""
    return portal.run(_remove_load(cluster))


def interrupt(cluster: Cluster, node: str) -> str:
    """Have the provider take a spot node back; return what was done, in words.

    Raises
    ------
    KubelabError
        If there is no such node.
    """
    patch = {"metadata": {"annotations": {INTERRUPT: "panel"}}}
    try:
        portal.run(cluster.client.patch(NODES, node, patch))
    except NotFoundError:
        raise KubelabError(f"there is no node {node or 'to interrupt'} any more. Choose another.") from None
    return f"The provider takes {node} back in two minutes of the cluster's time."


def set_policy(cluster: Cluster, expander: str) -> None:
    """Change who chooses among groups; where there is no autoscaler, let one run."""
    try:
        portal.run(cluster.client.patch(CLUSTER_AUTOSCALERS, "default", {"spec": {"expander": expander}}))
    except NotFoundError:
        cluster.autoscale(expander)


async def _add_load(cluster: Cluster, pods: int, requests: Mapping[str, str]) -> str:
    taken = [str(each["metadata"]["name"]).rpartition("-")[2] for each in await _added(cluster)]
    name = f"load-{max((int(each) for each in taken if each.isdigit()), default=0) + 1}"
    body = load(name, pods, requests, fake=cluster.engine != "simulated")
    await cluster.client.create(DEPLOYMENTS, body, cluster.namespace)
    return name


async def _remove_load(cluster: Cluster) -> str:
    found = await _added(cluster)
    for each in found:
        await cluster.client.delete(DEPLOYMENTS, each["metadata"]["name"], cluster.namespace)
    return (
        f"{len(found)} Deployments that were added here are deleted." if found else "Nothing was added here."
    )


async def _added(cluster: Cluster) -> list[Object]:
    page = await cluster.client.list(DEPLOYMENTS, cluster.namespace, label_selector=f"{LOAD}=panel")
    return page.items
