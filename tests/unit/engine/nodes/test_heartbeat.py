"""A node that was doubted says that it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from kubelab.client import NODES, Object
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.nodes import heartbeat, probe
from kubelab.engine.nodes.heartbeat import Heartbeat


def readiness(node: Object) -> str | None:
    """Return what the node says of itself; None while it has said nothing yet."""
    conditions = node.get("status", {}).get("conditions", [])
    return next((each["status"] for each in conditions if each["type"] == "Ready"), None)


async def test_a_node_that_was_doubted_says_that_it_is_ready_with_its_next_lease(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(heartbeat, "_PERIOD_S", 0.01)
    monkeypatch.setattr(heartbeat, "_STATUS_EVERY", 1_000_000)
    server = ApiServer(tmp_path, RealClock(), token="test")
    await server.start()
    client = server.client("system:masters")
    beating = Heartbeat(client, RealClock(), "node", tmp_path, probe(tmp_path))
    await beating.register()
    doubted = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    await client.patch(NODES, "node", {"status": doubted}, subresource="status")
    running = asyncio.create_task(beating.run())
    try:
        async with asyncio.timeout(30):
            async for event in client.watch(NODES, resource_version="0"):
                if readiness(event.object) == "True":
                    break
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await server.stop()
