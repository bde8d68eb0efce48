"""A controller of Services that looks again whenever the pods behind one change."""

from __future__ import annotations

from kubelab.client import PODS, SERVICES, Object
from kubelab.engine.controllers.addresses import has_address
from kubelab.engine.controllers.controller import Controller, Surroundings, either
from kubelab.engine.controllers.pods import is_deleting, is_ready
from kubelab.informer import key_of
from kubelab.objects import selects

_BY_NAMESPACE = "namespace"
_SELECTING = "namespace of those with a selector"


class ServicePodsController(Controller):
    """Brings on Services that have a selector. Its keys are Services."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.services = self.follow(SERVICES)
        self.services.index(_SELECTING, _namespace_if_selecting)
        self.pods = self.views.of(PODS)
        self.pods.index(_BY_NAMESPACE, _namespace)
        self.pods.subscribe(self._pod_changed)

    def pods_behind(self, service: Object) -> list[Object]:
        """Return the pods that a Service selects."""
        pods = self.pods.by_index(_BY_NAMESPACE, service["metadata"]["namespace"])
        return [pod for pod in pods if selects(service, pod)]

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        services = self.services.by_index(_SELECTING, either(old, new)["metadata"]["namespace"])
        if not services:
            return
        if old is not None and new is not None and _seen_by_services(old) == _seen_by_services(new):
            return
        for service in services:
            if any(each is not None and selects(service, each) for each in (old, new)):
                self.queue.add(key_of(service))


def _seen_by_services(pod: Object) -> tuple[object, ...]:
    meta, status = pod["metadata"], pod.get("status") or {}
    return meta.get("labels"), is_deleting(pod), status.get("podIP"), has_address(pod), is_ready(pod)


def _namespace_if_selecting(service: Object) -> tuple[str, ...]:
    return _namespace(service) if service["spec"].get("selector") else ()


def _namespace(obj: Object) -> tuple[str, ...]:
    return (obj["metadata"]["namespace"],)
