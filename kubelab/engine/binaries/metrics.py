"""metrics.k8s.io for upstream's kube-apiserver: a server of its own, which that one passes requests to.

`registration` tells that one where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kubelab.client import Resource
from kubelab.clock import RealClock
from kubelab.engine.apiserver.asgi import Message, Receive, Send, bodiless, refusal, send_answer
from kubelab.engine.apiserver.collection import Key
from kubelab.engine.apiserver.endpoints import Endpoints
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.metrics import Metrics, metrics_kinds
from kubelab.engine.apiserver.requests import Answer, User
from kubelab.engine.apiserver.routes import target_of
from kubelab.engine.measures import Measures
from kubelab.engine.usage import UsageSource
from kubelab.errors import ApiError
from kubelab.informer import Informers

_KUBE_API_SERVER = User("kube-apiserver")


class MetricsFace:
    """Answers kube-apiserver, which has authorised what it asks.

    Parameters
    ----------
    sources : sequence of UsageSource
        What is known.
    informers : Informers
        Which nodes and pods there are.
    """

    def __init__(self, sources: Sequence[UsageSource], informers: Informers) -> None:
        self._informers = informers
        self._kinds = Kinds(metrics_kinds())
        self._documents = Endpoints(self._kinds, Measures())
        self._metrics = Metrics(self._labels_of, RealClock())
        self._metrics.sources.extend(sources)

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] == "http":
            await send_answer(self._answer(scope), receive, send)

    def _answer(self, scope: Message) -> Answer:
        request, target = bodiless(scope, _KUBE_API_SERVER), target_of(self._kinds, scope["path"])
        try:
            return self._metrics.answer(request, target) if target else self._documents.answer(request)
        except ApiError as error:
            return refusal(error)

    def _labels_of(self, resource: Resource, key: Key) -> Mapping[str, str] | None:
        found = self._informers.of(resource).objects.get(key)
        return found["metadata"].get("labels") or {} if found else None
