"""A TrainJob's progress, reported by its own pods (Trainer 2.2, gate ``TrainJobStatus``).

Upstream serves this path from the Trainer's own server; here it is the API server's.
"""

from __future__ import annotations

from kubelab.client import Object
from kubelab.clock import Clock, rfc3339
from kubelab.engine.apiserver.bodies import parse
from kubelab.engine.apiserver.requests import Reply, Request, Target
from kubelab.engine.apiserver.status import bad_request, failure, too_large
from kubelab.engine.apiserver.writing import Writer

_LIMIT_BYTES = 64 * 1024
_MOST_METRICS = 256


class Progress:
    """Answers POST to ``trainjobs/NAME/status``."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def report(self, request: Request, target: Target) -> Reply:
        """Keep the latest ``trainerStatus``, and return the body as it came.

        Raises
        ------
        ApiError
            400, 413 or 422 if it is not one; 404 if there is no such job.
        """
        progress = progress_in(request.body, request.content_type, self.writer.clock)

        def edit(job: Object) -> None:
            job.setdefault("status", {})["trainerStatus"] = progress

        await self.writer.change(request, target, edit)
        return Reply(200, request.body)


def progress_in(content: bytes, content_type: str, clock: Clock) -> Object:
    """Return the ``trainerStatus`` that a body holds.

    Raises
    ------
    ApiError
        400, 413 or 422 if it is not one.
    """
    if len(content) > _LIMIT_BYTES:
        raise too_large(_LIMIT_BYTES)
    body = parse(content, content_type)
    progress = body.get("trainerStatus") if isinstance(body, dict) else None
    if not isinstance(progress, dict):
        raise bad_request("the body has no trainerStatus")
    if len(progress.get("metrics") or []) > _MOST_METRICS:
        raise failure(422, "Invalid", f"trainerStatus.metrics: must have at most {_MOST_METRICS} items")
    progress.setdefault("lastUpdatedTime", rfc3339(clock.now()))
    return progress


def audience(target: Target) -> str:
    """Return the audience of a token that may report a job's progress."""
    resource = target.resource
    return f"{resource.api_version}/namespaces/{target.namespace}/{resource.plural}/{target.name}/status"
