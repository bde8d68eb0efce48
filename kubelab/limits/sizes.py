"""How large a cluster is, against the thresholds up to which the objectives are meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from kubelab.client import ENDPOINT_SLICES, NAMESPACES, NODES, PODS, SERVICES, Client, Object, Resource
from kubelab.errors import ApiError
from kubelab.limits import slos
from kubelab.limits.verdict import Size
from kubelab.quantities import cpu_millicores

_ENDED = {"Succeeded", "Failed"}
_SERVICE = "kubernetes.io/service-name"
Collections = Mapping[str, list[Object]]


async def read_sizes(client: Client) -> tuple[Size, ...]:
    """Count what a cluster has; what the user may not list is left out."""
    found: dict[str, list[Object]] = {}
    for resource in (NODES, NAMESPACES, PODS, SERVICES, ENDPOINT_SLICES):
        items = await _listed(client, resource)
        if items is not None:
            found[resource.plural] = items
    return sizes_of(found)


def sizes_of(found: Collections) -> tuple[Size, ...]:
    """Return the size in each dimension that can be told from what was listed, by plural."""
    sizes = []
    for plural, threshold in (
        ("nodes", slos.NODES_MOST),
        ("namespaces", slos.NAMESPACES_MOST),
        ("pods", slos.PODS_MOST),
        ("services", slos.SERVICES_MOST),
    ):
        if plural in found:
            sizes.append(Size(threshold, len(found[plural])))
    sizes += _of_namespaces(found)
    if "pods" in found and "nodes" in found:
        sizes += _of_nodes(found["nodes"], found["pods"])
    if "endpointslices" in found:
        counts = _endpoints(found["endpointslices"])
        sizes += _largest(slos.ENDPOINTS_MOST, {f"{space}/{name}": n for (space, name), n in counts.items()})
    return tuple(sizes)


def _of_namespaces(found: Collections) -> list[Size]:
    sizes = []
    for plural, threshold in (
        ("pods", slos.PODS_OF_NAMESPACE_MOST),
        ("services", slos.SERVICES_OF_NAMESPACE_MOST),
    ):
        sizes += _largest(threshold, Counter(each["metadata"]["namespace"] for each in found.get(plural, [])))
    return sizes


def _of_nodes(nodes: Iterable[Object], pods: Iterable[Object]) -> list[Size]:
    """Return the node that is nearest to its own threshold, as its cores decide; ended pods do not count."""
    running = (pod for pod in pods if (pod.get("status") or {}).get("phase") not in _ENDED)
    counts = Counter(pod["spec"].get("nodeName") for pod in running)
    sizes = [
        Size(slos.pods_of_node_most(_cores(node)), counts[node["metadata"]["name"]], node["metadata"]["name"])
        for node in nodes
    ]
    return [max(sizes, key=lambda size: size.share)] if sizes else []


def _cores(node: Object) -> float:
    status = node.get("status") or {}
    return cpu_millicores((status.get("capacity") or {}).get("cpu", 0)) / 1000


def _endpoints(slices: Iterable[Object]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    for each in slices:
        meta = each["metadata"]
        name = (meta.get("labels") or {}).get(_SERVICE, "")
        counts[meta["namespace"], name] += len(each.get("endpoints") or [])
    return counts


def _largest(threshold: slos.Threshold, counts: Mapping[str, int]) -> list[Size]:
    if not counts:
        return []
    where = max(counts, key=lambda name: counts[name])
    return [Size(threshold, counts[where], where)]


async def _listed(client: Client, resource: Resource) -> list[Object] | None:
    try:
        return (await client.list(resource)).items
    except ApiError:
        return None
