"""``/metrics`` of kubelab's own parts, where the API server is upstream's and tells of itself alone."""

from __future__ import annotations

from kubelab.client import Client
from kubelab.engine.apiserver.asgi import Message, Receive, Send, refusal, send_answer
from kubelab.engine.apiserver.requests import Reply
from kubelab.engine.apiserver.status import no_such_path
from kubelab.engine.binaries.reviews import check_path, user_of
from kubelab.engine.measures import CONTENT_TYPE, Measures
from kubelab.errors import ApiError

PATH = "/metrics"


class MeasuresFace:
    """Tells what was measured to whoever may read the API server's ``/metrics``."""

    def __init__(self, client: Client, measures: Measures) -> None:
        self._client = client
        self._measures = measures

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(scope)
        except ApiError as error:
            answer = refusal(error)
        await send_answer(answer, receive, send)

    async def _answer(self, scope: Message) -> Reply:
        if (scope["method"], scope["path"]) != ("GET", PATH):
            raise no_such_path()
        user = await user_of(self._client, dict(scope["headers"]))
        await check_path(self._client, user, PATH)
        return Reply(200, self._measures.text().encode(), content_type=CONTENT_TYPE)
