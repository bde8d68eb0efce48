"""What the loops of the vertical pod autoscaler see: autoscalers, and the pods that each is in charge of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from kubelab.client import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    VERTICAL_POD_AUTOSCALERS,
    Object,
    Resource,
)
from kubelab.clock import Clock
from kubelab.engine.apiserver.limits import LIMIT_RANGES
from kubelab.engine.controllers.owners import controller_of
from kubelab.engine.controllers.pods import is_active, labels_of, node_of
from kubelab.engine.controllers.views import Views
from kubelab.engine.scoped_recommendations import ScopedRecommendations
from kubelab.rightsizing.application import ContainerLimits
from kubelab.rightsizing.controlling import Workload, above, target_of, workload_of
from kubelab.rightsizing.scopes import Kind, kind_on

_NAMESPACE = "namespace"
ALL = "all"
"""The name of an index of everything, and what it is found under."""
_TARGETS = {"CronJob": CRON_JOBS, "Deployment": DEPLOYMENTS}
_OWNERS = {
    "DaemonSet": DAEMON_SETS,
    "Job": JOBS,
    "ReplicaSet": REPLICA_SETS,
    "StatefulSet": STATEFUL_SETS,
}


class World:
    """Reads everything from the controllers' shared views."""

    def __init__(self, views: Views, clock: Clock) -> None:
        self.views = views
        self.autoscalers = views.of(VERTICAL_POD_AUTOSCALERS)
        self.autoscalers.index(ALL, lambda _obj: (ALL,))
        self.pods = views.of(PODS)
        self._limits = views.of(LIMIT_RANGES)
        self.nodes = views.of(NODES)
        self.nodes.index(ALL, lambda _obj: (ALL,))
        self._scoped = ScopedRecommendations(lambda: self.nodes.by_index(ALL, ALL), clock)
        for view in (self.pods, self._limits):
            view.index(_NAMESPACE, lambda obj: (obj["metadata"]["namespace"],))
        for resource in (*_OWNERS.values(), *_TARGETS.values()):
            views.of(resource)

    def all(self) -> list[Object]:
        """Return all autoscalers, in the order of their names."""
        found = self.autoscalers.by_index(ALL, ALL)
        return sorted(found, key=lambda each: (each["metadata"]["namespace"], each["metadata"]["name"]))

    def controlled(self, autoscalers: Iterable[Object]) -> list[tuple[Object, list[Object]]]:
        """Return each autoscaler with the live pods that it is in charge of: those of its target.

        Of several that point at one target the oldest is in charge; the others have none.
        """
        listed = list(autoscalers)
        members = self._by_workload({each["metadata"]["namespace"] for each in listed})
        oldest: dict[Workload, Object] = {}
        for each in sorted(listed, key=_age):
            oldest.setdefault(target_of(each), each)
        return [
            (each, members.get(target_of(each), []) if oldest[target_of(each)] is each else [])
            for each in listed
        ]

    def configured(self, pods: Iterable[Object]) -> dict[str, int]:
        """Return how many pods each of their controllers wants, by its uid.

        As upstream: of a DaemonSet those that are ready, of a Job those that live; controllers of other kinds
        are left out.
        """
        found: dict[str, int] = {}
        alive: defaultdict[str, int] = defaultdict(int)
        for pod in pods:
            owner = controller_of(pod)
            if owner is None or owner["kind"] not in _OWNERS:
                continue
            uid = owner["uid"]
            alive[uid] += 1
            if owner["kind"] == "Job":
                found[uid] = alive[uid]
            elif uid not in found:
                found[uid] = self._wanted(owner, pod["metadata"]["namespace"])
        return {uid: wanted for uid, wanted in found.items() if wanted}

    def kind(self, autoscaler: Object, pod: Object) -> Kind | None:
        """Return the kind of node that a pod is on, by its autoscaler's scope."""
        node = self.nodes.get("", node_of(pod))
        return kind_on(autoscaler, node_of(pod), None if node is None else labels_of(node))

    def recommendations(self, autoscaler: Object, pod: Object) -> tuple[Object, ...]:
        """Return what an autoscaler recommends for the containers of a pod on its node."""
        node = node_of(pod)
        return self._scoped.on(autoscaler, node, self.nodes.get("", node) if node else None).containers

    def problem_of_target(self, autoscaler: Object) -> str:
        """Return why an autoscaler's target cannot be used, "" if it can, in upstream's words."""
        target, reference = target_of(autoscaler), autoscaler["spec"]["targetRef"]
        resource = (_OWNERS | _TARGETS).get(target.kind)
        if resource is None:
            known = ", ".join(sorted(_OWNERS | _TARGETS))
            return f"Cannot read targetRef. Reason: {target.kind} is none of {known}"
        if self.lookup(resource, target.namespace, target.name) is None:
            missing = f"{target.kind} {target.namespace}/{target.name} does not exist"
            return f"Cannot read targetRef. Reason: {missing}"
        if above(target, self.lookup) is None:
            return ""
        named = f"{reference.get('apiVersion', '')}.{target.kind}/{target.name}"
        return (
            f"The target {named} has a parent controller but it should point to a topmost well-known "
            "or scalable controller"
        )

    def limits(self, namespace: str) -> ContainerLimits:
        """Return what a namespace's limit ranges say of containers."""
        return ContainerLimits.of(self._limits.by_index(_NAMESPACE, namespace))

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object as this process knows it."""
        return self.views.of(resource).get(namespace, name)

    def _by_workload(self, namespaces: set[str]) -> dict[Workload, list[Object]]:
        members: defaultdict[Workload, list[Object]] = defaultdict(list)
        for namespace in sorted(namespaces):
            for pod in self.pods.by_index(_NAMESPACE, namespace):
                workload = workload_of(pod, self.lookup) if is_active(pod) else None
                if workload is not None:
                    members[workload].append(pod)
        return members

    def _wanted(self, owner: Object, namespace: str) -> int:
        found = self.lookup(_OWNERS[owner["kind"]], namespace, owner["name"])
        if found is None:
            return 0
        if owner["kind"] == "DaemonSet":
            return int((found.get("status") or {}).get("numberReady") or 0)
        return int(found["spec"].get("replicas") or 0)


def _age(autoscaler: Object) -> tuple[str, str]:
    meta = autoscaler["metadata"]
    return meta.get("creationTimestamp") or "", meta["name"]
