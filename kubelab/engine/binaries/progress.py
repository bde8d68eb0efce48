"""Where trainers' pods report their progress when the API server is upstream's, which has no such path.

Upstream's Trainer serves it too, next to the API server (Trainer 2.2, gate ``TrainJobStatus``).
"""

from __future__ import annotations

import orjson

from kubelab.client import TRAIN_JOBS, Client, Object, Resource
from kubelab.clock import RealClock
from kubelab.engine.apiserver.asgi import Message, Receive, Send, read_body, send_answer
from kubelab.engine.apiserver.progress import progress_in
from kubelab.engine.apiserver.requests import Reply
from kubelab.engine.apiserver.status import failure, not_found, unauthorized
from kubelab.errors import ApiError

_TOKEN_REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False)
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
        await self._authenticate(dict(scope["headers"]).get(b"authorization", b""), scope["path"])
        progress = progress_in(body, "application/json", RealClock())
        await self._client.patch(
            TRAIN_JOBS, name, {"status": {"trainerStatus": progress}}, namespace, subresource="status"
        )
        return Reply(200, body)

    async def _authenticate(self, header: bytes, path: str) -> None:
        token = header.removeprefix(b"Bearer ").decode("latin-1")
        review: Object = {
            "apiVersion": _TOKEN_REVIEWS.api_version,
            "kind": _TOKEN_REVIEWS.kind,
            "spec": {"token": token, "audiences": [path.removeprefix("/apis/")]},
        }
        answer = await self._client.create(_TOKEN_REVIEWS, review) if token else {}
        if not (answer.get("status") or {}).get("authenticated"):
            raise unauthorized()


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
