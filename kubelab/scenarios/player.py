"""Carries out a scenario's actions, each when its time has come."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from kubelab.client import NODE_GROUPS, Client
from kubelab.errors import AlreadyExistsError, ApiError
from kubelab.scenarios.scenario import Action, Scenario

logger = logging.getLogger(__name__)


async def prepare(client: Client, scenario: Scenario) -> None:
    """Create the scenario's node groups, but those that are there."""
    for group in scenario.node_groups:
        try:
            await client.create(NODE_GROUPS, group)
        except AlreadyExistsError:
            continue


async def play(client: Client, actions: Sequence[Action]) -> None:
    """Wait and act until the last action is done; what the API refuses is logged and left out."""
    begin_s = asyncio.get_running_loop().time()
    for action in actions:
        wait_s = begin_s + action.at_s - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        try:
            await _act(client, action)
        except ApiError as error:
            logger.warning("%s %s/%s: %s", action.verb, action.resource.plural, action.name, error)


async def _act(client: Client, action: Action) -> None:
    match action.verb:
        case "create":
            await client.create(action.resource, action.body or {})
        case "patch":
            await client.patch(action.resource, action.name, action.body, action.namespace or None)
        case "delete":
            await client.delete(action.resource, action.name, action.namespace or None)
        case "patch-all":
            found = await client.list(action.resource, label_selector=action.selector)
            for obj in found.items:
                meta = obj["metadata"]
                await client.patch(action.resource, meta["name"], action.body, meta.get("namespace"))
