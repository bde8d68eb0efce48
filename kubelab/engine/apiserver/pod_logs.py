"""Container logs: what a node must offer, and the ``log`` subresource that passes a request on to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kubelab.client import Object, Resource
from kubelab.clock import parse_rfc3339
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.requests import Answer, Reply, Request, Stream, Target
from kubelab.engine.apiserver.status import bad_request, invalid, not_found
from kubelab.engine.apiserver.validation.causes import Cause, forbidden
from kubelab.engine.apiserver.validation.causes import invalid as invalid_field

_TEXT = "text/plain"
_OPTIONS = Resource("", "v1", "podlogoptions", "PodLogOptions")
_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_METRICS_COLLECTOR = "metrics-logger-and-collector"
_TRIAL_LABEL = "katib.kubeflow.org/trial"
_REFUSAL_PATIENCE_S = 0.2
"""A node refuses a log at once; after this long the answer begins, even if nothing was logged yet."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """``v1`` PodLogOptions."""

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    limit_bytes: int | None = None
    since_seconds: int | None = None
    since_time: datetime | None = None


class NodeHandler(Protocol):
    """What the API server asks a node for."""

    def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        """Yield a container's log; may raise `ApiError`, as for a container that waits to start."""
        ...


class PodLogs:
    """Answers ``pods/NAME/log`` with what the pod's node says."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.nodes: dict[str, NodeHandler] = {}

    async def log(self, request: Request, target: Target) -> Answer:
        """Return a container's log."""
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        pod = stored.object()
        options = log_options(request, target.name)
        container = container_of(pod, request.query.get("container", ""))
        node_name = pod["spec"].get("nodeName", "")
        if not node_name:
            return Reply(200, b"", content_type=_TEXT)
        node = self.nodes.get(node_name)
        if node is None:
            raise bad_request(
                f'container "{container}" in pod "{target.name}" has no log: '
                f'its node "{node_name}" is simulated, or not of this machine'
            )
        return await begin_log(node.logs(pod, container, options))


async def begin_log(log: AsyncIterator[bytes]) -> Stream:
    """Return the log as a stream, once the node had time to refuse it."""

    async def advance() -> bytes | None:
        return await anext(log, None)

    first = asyncio.ensure_future(advance())
    try:
        done, _ = await asyncio.wait([first], timeout=_REFUSAL_PATIENCE_S)
    except asyncio.CancelledError:
        first.cancel()
        raise
    if done:
        first.result()
    return Stream(_chunks(first, log), _TEXT)


async def _chunks(
    first: asyncio.Task[bytes | None], log: AsyncIterator[bytes]
) -> AsyncGenerator[bytes, None]:
    try:
        chunk = await first
        while chunk is not None:
            yield chunk
            chunk = await anext(log, None)
    finally:
        first.cancel()
        close = getattr(log, "aclose", None)
        if close is not None and first.done():
            await close()


def log_options(request: Request, name: str) -> LogOptions:
    """Return what a request's parameters ask of a log.

    Raises
    ------
    ApiError
        400 or 422 if one is wrong.
    """
    since_time = request.query.get("sinceTime")
    options = LogOptions(
        follow=request.flag("follow"),
        previous=request.flag("previous"),
        timestamps=request.flag("timestamps"),
        tail_lines=request.integer("tailLines"),
        limit_bytes=request.integer("limitBytes"),
        since_seconds=request.integer("sinceSeconds"),
        since_time=_time(since_time) if since_time else None,
    )
    causes = list(_problems(options, stream="stream" in request.query))
    if causes:
        raise invalid(_OPTIONS, name, causes)
    return options


def _problems(options: LogOptions, *, stream: bool) -> Iterator[Cause]:
    if options.tail_lines is not None and options.tail_lines < 0:
        yield invalid_field("tailLines", options.tail_lines, "must be greater than or equal to 0")
    if options.limit_bytes is not None and options.limit_bytes < 1:
        yield invalid_field("limitBytes", options.limit_bytes, "must be greater than 0")
    if options.since_seconds is not None and options.since_time is not None:
        yield forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified")
    elif options.since_seconds is not None and options.since_seconds < 1:
        yield invalid_field("sinceSeconds", options.since_seconds, "must be greater than 0")
    if stream:
        yield forbidden("stream", "may not be specified")


def _time(text: str) -> datetime:
    try:
        return parse_rfc3339(text)
    except ValueError:
        problem = f'cannot parse "{text}" as "2006"'
        raise bad_request(f'parsing time "{text}" as "2006-01-02T15:04:05Z07:00": {problem}') from None


def container_of(pod: Object, wanted: str) -> str:
    """Return the container to show (upstream: ``podLogs`` and ``validateContainer`` of the pod registry).

    Katib's clients read a trial's log from its metrics collector. Where kubelab reads the log itself, no pod
    has such a container: the default one, which a trial's primary container is, answers for it.
    """
    spec, name = pod["spec"], pod["metadata"]["name"]
    labels = pod["metadata"].get("labels") or {}
    containers = [each["name"] for each in spec.get("containers") or []]
    init = [each["name"] for each in spec.get("initContainers") or []]
    ephemeral = [each["name"] for each in spec.get("ephemeralContainers") or []]
    if wanted == _METRICS_COLLECTOR and wanted not in {*containers, *init} and _TRIAL_LABEL in labels:
        wanted = ""
    if wanted:
        if wanted not in {*containers, *init, *ephemeral}:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = (pod["metadata"].get("annotations") or {}).get(_DEFAULT_CONTAINER)
    if default in containers:
        return str(default)
    if len(containers) == 1:
        return str(containers[0])
    choice = f"choose one of: [{' '.join((*init, *containers, *ephemeral))}]"
    raise bad_request(f"a container name must be specified for pod {name}, {choice}")
