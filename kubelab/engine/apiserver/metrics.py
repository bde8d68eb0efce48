"""``metrics.k8s.io/v1beta1``: what nodes and pods use, as the metrics server answers it.

Nothing is stored: every answer asks the usage sources. Upstream: kubernetes-sigs/metrics-server
``pkg/api`` and ``k8s.io/metrics``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import orjson

from kubelab.client import NODES, POD_METRICS, PODS, Object, Resource
from kubelab.clock import Clock, rfc3339
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.presentation import Presentation
from kubelab.engine.apiserver.requests import Reply, Request, Target
from kubelab.engine.apiserver.selectors import predicate
from kubelab.engine.apiserver.status import method_not_allowed, not_found
from kubelab.engine.usage import NodeUsage, PodUsage, Usage, UsageSource

GROUP, VERSION = "metrics.k8s.io", "v1beta1"
NODE_METRICS = Resource(GROUP, VERSION, "nodes", "NodeMetrics", namespaced=False)

LabelsOf = Callable[[Resource, Key], Mapping[str, str] | None]
"""Returns the labels of a node or pod, None if there is none of that name."""


def metrics_kinds() -> list[Kind]:
    """Return the two kinds, which can only be read."""
    return [
        Kind(
            resource=resource,
            singular=singular,
            short_names=(),
            categories=(),
            subresources=(),
            definition="",
            list_kind=f"{resource.kind}List",
            storage=resource,
            verbs=("get", "list"),
        )
        for resource, singular in ((NODE_METRICS, "node"), (POD_METRICS, "pod"))
    ]


class Metrics:
    """Answers from the usage sources; nodes and pods that are not there any more are left out."""

    def __init__(self, labels_of: LabelsOf, clock: Clock) -> None:
        self.labels_of = labels_of
        self.clock = clock
        self.sources: list[UsageSource] = []

    def answer(self, request: Request, target: Target) -> Reply:
        """Return the metrics of one object or of a collection.

        Raises
        ------
        ApiError
            404 if there are none for that object, 405 for anything but reading.
        """
        if request.method != "GET" or request.flag("watch"):
            raise method_not_allowed()
        presentation = Presentation(target.kind, request, self.clock)
        if target.name:
            found = next((stored for key, stored in self._all(target) if key == target.key), None)
            if found is None:
                asked = "/".join(part for part in target.key if part)
                named = Resource(GROUP, VERSION, target.resource.kind.lower(), target.resource.kind)
                raise not_found(named, asked)
            return Reply(200, presentation.one(found))
        selectors = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
        passes = predicate(target.kind, *selectors)
        items = [stored for key, stored in self._all(target) if passes is None or passes(key, stored)]
        return Reply(200, pieces=presentation.many(items, {}))

    def _all(self, target: Target) -> Iterator[tuple[Key, Stored]]:
        """Yield what is known in the target's namespace, in order of names."""
        found: dict[Key, tuple[Resource, Object]] = {}
        for source in self.sources:
            if target.resource == NODE_METRICS:
                found.update({("", each.name): (NODES, _node(each)) for each in source.nodes()})
            else:
                found.update({(each.namespace, each.name): (PODS, _pod(each)) for each in source.pods()})
        for key in sorted(found):
            resource, metrics = found[key]
            labels = self.labels_of(resource, key)
            if labels is None or (target.namespace and key[0] != target.namespace):
                continue
            metadata: Object = {"name": key[1], **({"namespace": key[0]} if key[0] else {})}
            if labels:
                metadata["labels"] = labels
            obj = {"kind": target.resource.kind, "apiVersion": f"{GROUP}/{VERSION}", "metadata": metadata}
            metadata["creationTimestamp"] = rfc3339(self.clock.now())
            yield key, Stored(0, orjson.dumps({**obj, **metrics}), dict(labels))


def _node(node: NodeUsage) -> Object:
    return {
        "timestamp": rfc3339(node.at),
        "window": f"{node.window_s:.3f}s",
        "usage": _usage(node.usage),
    }


def _pod(pod: PodUsage) -> Object:
    containers = [{"name": name, "usage": _usage(usage)} for name, usage in pod.containers.items()]
    return {"timestamp": rfc3339(pod.at), "window": f"{pod.window_s:.3f}s", "containers": containers}


def _usage(usage: Usage) -> Object:
    return {"cpu": f"{usage.cpu_nanocores}n", "memory": f"{usage.memory_bytes // 1024}Ki"}
