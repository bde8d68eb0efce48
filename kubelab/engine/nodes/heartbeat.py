"""The Node object and its lease: registered once, kept fresh while the node lives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from kubelab.client import LEASES, NODES, Client
from kubelab.clock import Clock, rfc3339, rfc3339_micro
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.nodes.isolation import Isolation
from kubelab.engine.nodes.node_object import node_object, node_status, read_machine, resources
from kubelab.errors import AlreadyExistsError, ApiError, ConflictError, ConnectionFailedError, NotFoundError

logger = logging.getLogger(__name__)

_LEASE_NAMESPACE = "kube-node-lease"
_LEASE_S = 40  # nodeLeaseDurationSeconds, the kubelet's default; renewed four times in it
_PERIOD_S = 10.0
_STATUS_EVERY = 30  # periods: nodeStatusReportFrequency is 5 min


class Heartbeat:
    """Says in the API that the node is there, and in what condition."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        name: str,
        state_dir: Path,
        isolation: Isolation,
        *,
        kubelet_port: int = 0,
    ) -> None:
        self._client = client
        self._clock = clock
        self._name = name
        self._state_dir = state_dir
        self._isolation = isolation
        self._kubelet_port = kubelet_port
        self._problem = ""

    async def register(self) -> dict[str, str]:
        """Create the Node, or say that it is back; return what it can give to pods."""
        with contextlib.suppress(AlreadyExistsError):
            await self._client.create(NODES, node_object(self._name))
        return await self._post_status()

    async def run(self) -> None:
        """Renew the lease, and the status now and then, until cancelled."""
        count = 0
        while True:
            try:
                await self._renew_lease()
                count += 1
                if count % _STATUS_EVERY == 0 or await self._is_doubted():
                    await self._post_status()
            except NotFoundError:
                await self.register()
            except (ApiError, ConnectionFailedError) as error:
                logger.warning("heartbeat of node %s: %s", self._name, error)
            await asyncio.sleep(_PERIOD_S)

    async def report(self, problem: str) -> None:
        """Say at once that the node is not ready and why, or with an empty text that it is again."""
        self._problem = problem
        await self._post_status()

    async def _post_status(self) -> dict[str, str]:
        machine = await asyncio.to_thread(read_machine, self._state_dir)
        node = await self._client.get(NODES, self._name)
        now = rfc3339(self._clock.now())
        status = node_status(
            self._name,
            machine,
            self._isolation,
            node,
            now,
            kubelet_port=self._kubelet_port,
            problem=self._problem,
        )
        await self._client.patch(NODES, self._name, {"status": status}, subresource="status")
        return resources(machine)

    async def _is_doubted(self) -> bool:
        """Say whether somebody noted of the node that it is not ready, as one that was silent for a while."""
        node = await self._client.get(NODES, self._name)
        return not is_true((node.get("status") or {}).get("conditions"), "Ready")

    async def _renew_lease(self) -> None:
        now = rfc3339_micro(self._clock.now())
        spec = {"holderIdentity": self._name, "leaseDurationSeconds": _LEASE_S, "renewTime": now}
        try:
            await self._client.patch(LEASES, self._name, {"spec": spec}, _LEASE_NAMESPACE)
        except NotFoundError:
            lease = {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": self._name, "namespace": _LEASE_NAMESPACE},
                "spec": {**spec, "acquireTime": now},
            }
            with contextlib.suppress(AlreadyExistsError, ConflictError):
                await self._client.create(LEASES, lease)
