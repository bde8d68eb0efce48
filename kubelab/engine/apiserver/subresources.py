"""What is served below an object: status, scale, resize, binding, eviction, log, exec, token and so on."""

from __future__ import annotations

from kubelab.engine.apiserver.bindings import Bindings
from kubelab.engine.apiserver.evictions import Evictions
from kubelab.engine.apiserver.patching import Patcher
from kubelab.engine.apiserver.pod_logs import PodLogs
from kubelab.engine.apiserver.pod_streams import PodStreams
from kubelab.engine.apiserver.progress import Progress
from kubelab.engine.apiserver.reading import Reader
from kubelab.engine.apiserver.requests import Answer, Request, Target
from kubelab.engine.apiserver.scale import Scales
from kubelab.engine.apiserver.status import forbidden, method_not_allowed, verb_not_supported
from kubelab.engine.apiserver.tokens import ServiceAccountTokens
from kubelab.engine.apiserver.writing import Writer

_VERBS = {"POST": "create", "PUT": "update"}
NO_EPHEMERAL_CONTAINERS = (
    "ephemeral containers cannot join a pod whose containers are processes of this machine: there is no "
    "image whose tools they could bring. Run the command in the pod itself (kubectl exec), or debug a copy "
    "of the pod (kubectl debug --copy-to)"
)


class Subresources:
    """Sends a request for a subresource to what answers it."""

    def __init__(
        self,
        *,
        reader: Reader,
        writer: Writer,
        patcher: Patcher,
        evictions: Evictions,
        logs: PodLogs,
        streams: PodStreams,
        tokens: ServiceAccountTokens,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.patcher = patcher
        self.evictions = evictions
        self.logs = logs
        self.streams = streams
        self.tokens = tokens
        self.bindings = Bindings(writer)
        self.scales = Scales(writer)
        self.progress = Progress(writer)

    async def answer(self, request: Request, target: Target) -> Answer:  # noqa: C901, PLR0911, PLR0912 - a table
        """Answer a request for a subresource.

        Raises
        ------
        ApiError
            405 if it does not have the verb.
        """
        match (request.method, target.subresource):
            case ("GET", "log"):
                return await self.logs.log(request, target)
            case (_, "exec" | "attach" | "portforward"):
                return self.streams.answer(request, target)
            case ("POST", "binding"):
                return await self.bindings.bind(request, target)
            case ("POST", "eviction"):
                return await self.evictions.evict(request, target)
            case ("POST", "token"):
                return self.tokens.issue(request, target)
            case ("POST", "status") if target.resource.kind == "TrainJob":
                return await self.progress.report(request, target)
            case (_, "scale"):
                return await self.scales.answer(request, target)
            case ("GET", "status" | "resize" | "ephemeralcontainers"):
                return await self.reader.get(request, target)
            case ("PUT" | "PATCH", "ephemeralcontainers"):
                raise forbidden(target.resource, target.name, NO_EPHEMERAL_CONTAINERS)
            case ("PUT", "status" | "resize" | "finalize"):
                return await self.writer.update(request, target)
            case ("PATCH", "status" | "resize"):
                return await self.patcher.patch(request, target)
            case _ if target.kind.custom is not None:
                raise verb_not_supported(_VERBS.get(request.method, request.method.lower()), target.resource)
            case _:
                raise method_not_allowed()
