"""The reader: asks an API server what `found` needs to know."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from kubelab.capabilities.found import (
    CONTROLLERS,
    GROUPS,
    VERSION,
    Capabilities,
    capabilities_of,
    paths_of_kinds,
)
from kubelab.capabilities.parts import AUTOSCALER_STATUS, PROMETHEUS_LABEL, PROMETHEUS_SERVICES
from kubelab.client import DEPLOYMENTS, SERVICES, Client, Object, Resource
from kubelab.errors import ApiError


async def read(client: Client) -> Capabilities:
    """Return what a cluster has; what the user may not see is not known.

    Raises
    ------
    ConnectionFailedError
        If the cluster does not answer at all.
    """
    questions: dict[str, Coroutine[Any, Any, Object]] = {
        **{path: client.read(path) for path in (VERSION, GROUPS, AUTOSCALER_STATUS)},
        PROMETHEUS_SERVICES: _list(client, SERVICES, PROMETHEUS_LABEL),
        CONTROLLERS: _list(client, DEPLOYMENTS),
    }
    answers = await _ask(questions)
    kinds = {path: client.read(path) for path in paths_of_kinds(answers[GROUPS])}
    return capabilities_of({**answers, **await _ask(kinds)})


async def _ask(questions: dict[str, Coroutine[Any, Any, Object]]) -> dict[str, Object | ApiError]:
    answers = await asyncio.gather(*map(_answer, questions.values()))
    return dict(zip(questions, answers, strict=True))


async def _answer(question: Coroutine[Any, Any, Object]) -> Object | ApiError:
    try:
        return await question
    except ApiError as error:
        return error


async def _list(client: Client, resource: Resource, label_selector: str = "") -> Object:
    return {"items": (await client.list(resource, label_selector=label_selector)).items}
