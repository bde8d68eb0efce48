"""metrics.k8s.io for upstream's kube-apiserver: a server of its own, which that one passes requests to.

An APIService must name a Service, and the address of one may not be on loopback. The name of an
``ExternalName`` Service may: kube-apiserver's aggregator connects to it, on the port of the APIService
(``ResolveCluster`` in k8s.io/apiserver/pkg/util/proxy/proxy.go, v0.37).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from kubelab.client import SERVICES, Client, Object, Resource
from kubelab.clock import RealClock
from kubelab.engine.apiserver.asgi import Message, Receive, Send, bodiless, refusal, send_answer
from kubelab.engine.apiserver.collection import Key
from kubelab.engine.apiserver.endpoints import Endpoints
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.metrics import GROUP, VERSION, Metrics, metrics_kinds
from kubelab.engine.apiserver.requests import Answer, User
from kubelab.engine.apiserver.routes import target_of
from kubelab.engine.apiserver.tls import TlsFiles
from kubelab.engine.bootstrap import API_SERVICES
from kubelab.engine.measures import Measures
from kubelab.engine.usage import UsageSource
from kubelab.errors import AlreadyExistsError, ApiError
from kubelab.informer import Informers

_KUBE_API_SERVER = User("kube-apiserver")
_NAMESPACE, _SERVICE = "kube-system", "metrics-server"


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


async def register_metrics(client: Client, port: int, tls: TlsFiles) -> None:
    """Tell kube-apiserver where the metrics are served now."""
    await _ensure(
        client,
        SERVICES,
        {
            "apiVersion": SERVICES.api_version,
            "kind": SERVICES.kind,
            "metadata": {"name": _SERVICE, "namespace": _NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "127.0.0.1"},
        },
    )
    spec = {
        "group": GROUP,
        "version": VERSION,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "service": {"namespace": _NAMESPACE, "name": _SERVICE, "port": port},
        "caBundle": base64.b64encode(tls.ca.read_bytes()).decode(),
    }
    await _ensure(
        client,
        API_SERVICES,
        {
            "apiVersion": API_SERVICES.api_version,
            "kind": API_SERVICES.kind,
            "metadata": {"name": f"{VERSION}.{GROUP}"},
            "spec": spec,
        },
    )


async def _ensure(client: Client, resource: Resource, obj: Object) -> None:
    """Create an object, or give it what ``obj`` says."""
    metadata = obj["metadata"]
    try:
        await client.create(resource, obj)
    except AlreadyExistsError:
        await client.patch(resource, metadata["name"], {"spec": obj["spec"]}, metadata.get("namespace"))
