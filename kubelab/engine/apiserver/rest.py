"""Every request's way: from method and path to the part that answers it, and from errors to a Status."""

from __future__ import annotations

import logging

from kubelab.clock import monotonic
from kubelab.engine.apiserver.authorization import Authorizer
from kubelab.engine.apiserver.deletion import Deleter
from kubelab.engine.apiserver.endpoints import Endpoints
from kubelab.engine.apiserver.journal import JournalError
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.engine.apiserver.metrics import GROUP as METRICS_GROUP
from kubelab.engine.apiserver.metrics import Metrics
from kubelab.engine.apiserver.negotiation import check_acceptable, form_of
from kubelab.engine.apiserver.patching import Patcher
from kubelab.engine.apiserver.progress import audience
from kubelab.engine.apiserver.reading import Reader
from kubelab.engine.apiserver.requests import JSON, Answer, Reply, Request, Stream, Target, Upgrade
from kubelab.engine.apiserver.reviews import Reviews
from kubelab.engine.apiserver.routes import target_of
from kubelab.engine.apiserver.status import bad_request, encoded, internal, method_not_allowed, unauthorized
from kubelab.engine.apiserver.store import Store
from kubelab.engine.apiserver.subresources import Subresources
from kubelab.engine.apiserver.tokens import API_AUDIENCE
from kubelab.engine.apiserver.traffic import Traffic
from kubelab.engine.apiserver.watching import Watches
from kubelab.engine.apiserver.writing import Writer
from kubelab.errors import ApiError

logger = logging.getLogger(__name__)

_ANY = frozenset({"", JSON, "*/*"})
"""What every answer is good for."""

_IN_FORMS = ("", "status")
"""What is answered with an object, in the form that the client asks for."""


class Rest:
    """The API's verbs over its parts."""

    def __init__(
        self,
        kinds: Kinds,
        store: Store,
        *,
        reader: Reader,
        watches: Watches,
        writer: Writer,
        patcher: Patcher,
        deleter: Deleter,
        subresources: Subresources,
        endpoints: Endpoints,
        reviews: Reviews,
        authorizer: Authorizer,
        metrics: Metrics,
        traffic: Traffic,
    ) -> None:
        self.kinds = kinds
        self.store = store
        self.reader = reader
        self.watches = watches
        self.writer = writer
        self.patcher = patcher
        self.deleter = deleter
        self.subresources = subresources
        self.endpoints = endpoints
        self.reviews = reviews
        self.authorizer = authorizer
        self.metrics = metrics
        self.traffic = traffic

    async def handle(self, request: Request) -> Answer:
        """Answer a request and measure it; a refusal is an answer too."""
        traffic, began = self.traffic, monotonic()
        if request.method == "GET":
            traffic.reading += 1
            try:
                answer = await self._answer(request)
            finally:
                traffic.reading -= 1
        else:
            traffic.changing += 1
            try:
                answer = await self._answer(request)
            finally:
                traffic.changing -= 1
        if isinstance(answer, Stream):
            answer.chunks = traffic.follow(request, request.target, answer.chunks, began)
        else:
            if "yaml" in request.accept:
                _write_yaml(request, answer)
            status = 101 if isinstance(answer, Upgrade) else answer.status
            traffic.answered(request, request.target, status, began)
        return answer

    async def _answer(self, request: Request) -> Answer:
        try:
            return await self._dispatch(request)
        except ApiError as error:
            if request.method != "GET":
                await self.store.caught_up()  # what the refusal rests on must be durable too
            return _refusal(error)
        except JournalError as error:
            logger.error("%s %s was not written: %s", request.method, request.path, error)  # noqa: TRY400
            return Reply(500, encoded(internal(error).status))
        except Exception as error:
            if _is_too_deep(error):
                return _refusal(bad_request("the object is nested too deeply to be read"))
            logger.exception("%s %s", request.method, request.path)
            return Reply(500, encoded(internal(error).status))

    async def _dispatch(self, request: Request) -> Answer:
        request.target = target = target_of(self.kinds, request.path)
        self._authorize(request, target)
        if target is None:
            return self.endpoints.answer(request)
        if target.resource.group == METRICS_GROUP:
            return self.metrics.answer(request, target)
        if request.accept not in _ANY and target.subresource in _IN_FORMS:
            check_acceptable(request, target)
        if target.subresource:
            return await self.subresources.answer(request, target)
        if target.kind.verbs == ("create",):
            return await self.reviews.answer(request, target)
        if target.name:
            return await self._object(request, target)
        return await self._collection(request, target)

    def _authorize(self, request: Request, target: Target | None) -> None:
        """Refuse what the user may not do; a token for another audience is good for nothing else."""
        audiences = request.user.audiences
        if audiences and API_AUDIENCE not in audiences:
            if target is None or request.method != "POST" or audience(target) not in audiences:
                raise unauthorized()
        else:
            self.authorizer.check(request, target)

    async def _object(self, request: Request, target: Target) -> Answer:
        match request.method:
            case "GET":
                return await self.reader.get(request, target)
            case "PUT":
                return await self.writer.update(request, target)
            case "PATCH":
                return await self.patcher.patch(request, target)
            case "DELETE":
                return await self.deleter.delete(request, target)
            case _:
                raise method_not_allowed()

    async def _collection(self, request: Request, target: Target) -> Answer:
        match request.method:
            case "GET" if request.flag("watch"):
                return await self.watches.watch(request, target)
            case "GET":
                return await self.reader.list(request, target)
            case "POST":
                return await self.writer.create(request, target)
            case "DELETE" if "deletecollection" in target.kind.verbs:
                return await self.deleter.delete_collection(request, target)
            case _:
                raise method_not_allowed()


def _is_too_deep(error: Exception) -> bool:
    """Tell whether a parser, a schema or a walk gave up on the depth of an object."""
    return isinstance(error, RecursionError) or "Recursion limit reached" in str(error)


def _write_yaml(request: Request, answer: Reply | Upgrade) -> None:
    """Turn an answer in JSON into YAML, if that is what the client would rather have."""
    if isinstance(answer, Reply) and answer.content_type == JSON and form_of(request.accept).yaml:
        from kubelab.engine.apiserver.yaml_documents import to_yaml

        answer.body, answer.pieces = to_yaml(answer.whole()), None
        answer.content_type = "application/yaml"


def _refusal(error: ApiError) -> Reply:
    answer = Reply(error.code, encoded(error.status))
    wait_s = (error.status.get("details") or {}).get("retryAfterSeconds")
    if wait_s:
        answer.headers = ((b"retry-after", str(wait_s).encode()),)
    return answer
