"""Where trainers' pods report their progress when the API server is upstream's, which has no such path.

Upstream's Trainer serves it too, next to the API server (Trainer 2.2, gate ``TrainJobStatus``).
"""

from __future__ import annotations

import orjson

from kubelab.client import TRAIN_JOBS, Client
from kubelab.clock import RealClock
from kubelab.engine.apiserver.asgi import Message, Receive, Send, read_body, send_answer
from kubelab.engine.apiserver.progress import progress_in
from kubelab.engine.apiserver.requests import Reply
from kubelab.engine.apiserver.status import failure, not_found
from kubelab.engine.binaries.reviews import user_of
from kubelab.errors import ApiError

_PREFIX = f"/apis/{TRAIN_JOBS.api_version}/namespaces/"


class ProgressReceiver:
    """Answers POST to the status of a TrainJob for whoever has a token whose audience is that path."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def asgi(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._report(scope, await read_body(receive))
        except ApiError as error:
            answer = Reply(error.code, orjson.dumps(error.status))
        await send_answer(answer, receive, send)

    async def _report(self, scope: Message, body: bytes) -> Reply:
        namespace, name = _job(scope["method"], scope["path"])
        audience = scope["path"].removeprefix("/apis/")
        await user_of(self._client, dict(scope["headers"]), [audience])
        progress = progress_in(body, "application/json", RealClock())
        await self._client.patch(
            TRAIN_JOBS, name, {"status": {"trainerStatus": progress}}, namespace, subresource="status"
        )
        return Reply(200, body)


def _job(method: str, path: str) -> tuple[str, str]:
    """Return the namespace and name in a path, the only one served."""
    parts = path.removeprefix(_PREFIX).split("/")
    if (
        not path.startswith(_PREFIX)
        or len(parts) != 4
        or (parts[1], parts[3]) != (TRAIN_JOBS.plural, "status")
    ):
        raise not_found(TRAIN_JOBS, path)
    if method != "POST":
        raise failure(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )
    return parts[0], parts[2]
