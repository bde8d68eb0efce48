"""What each lab cluster does at this moment, for ``kubelab status --watch``.

Everything is asked of the API and of ``/metrics``, whose names are upstream's: so this shows a cluster of
any engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from kubelab.client import NODES, PODS, Client, refusal
from kubelab.clock import monotonic
from kubelab.engine import report
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.report import ClusterRow
from kubelab.engine.state import StateFolder
from kubelab.errors import KubelabError
from kubelab.http import HttpTransport, Kubeconfig

_OWN_REQUESTS = 2
"""A look itself lists nodes and pods."""
_NO_RESOURCE = re.compile(r'[{,]resource=""')


@dataclass(frozen=True, slots=True)
class Overview:
    """One cluster at one moment.

    Attributes
    ----------
    nodes_ready, nodes : int or None
        None if the cluster does not answer.
    pods : mapping of str to int
        How many are in each phase; phases without a pod are left out.
    requests_per_s : float or None
        API requests for objects since the last look, other than those of looking; None at the first.
    memory_mb : int or None
        Of the control plane.
    """

    name: str
    engine: str
    state: str
    nodes_ready: int | None
    nodes: int | None
    pods: Mapping[str, int]
    requests_per_s: float | None
    memory_mb: int | None


class Clusters:
    """Looks at the clusters of this machine; keeps its connections from one look to the next."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int | None], _Cluster] = {}

    async def look(self) -> list[Overview]:
        """Return what each cluster does now."""
        rows = await asyncio.to_thread(report.clusters)
        running = {(row.name, row.pid) for row in rows if row.state == "Running"}
        for key in self._known.keys() - running:
            await self._known.pop(key).close()
        return list(await asyncio.gather(*map(self._look, rows)))

    async def close(self) -> None:
        """Let go of the connections."""
        for cluster in self._known.values():
            await cluster.close()
        self._known.clear()

    async def _look(self, row: ClusterRow) -> Overview:
        state = row.state
        if row.state == "Running":
            state = "No answer"
            with contextlib.suppress(KubelabError, OSError):
                key = (row.name, row.pid)
                if key not in self._known:
                    self._known[key] = _Cluster(row.name)
                return await self._known[key].look(row)
        return Overview(row.name, row.engine, state, None, None, {}, None, row.memory_mb)


class _Cluster:
    """One running control plane, and what was seen of it last."""

    def __init__(self, name: str) -> None:
        self._client = Client(HttpTransport(Kubeconfig.load(StateFolder.of(name).kubeconfig)))
        self._last: tuple[float, float] | None = None

    async def close(self) -> None:
        await self._client.close()

    async def look(self, row: ClusterRow) -> Overview:
        nodes, pods = await self._client.list(NODES), await self._client.list(PODS)
        ready = sum(is_true((node.get("status") or {}).get("conditions"), "Ready") for node in nodes.items)
        phases = Counter((pod.get("status") or {}).get("phase") or "Unknown" for pod in pods.items)
        requests_per_s = await self._requests_per_s()
        return Overview(
            row.name,
            row.engine,
            row.state,
            ready,
            len(nodes.items),
            dict(phases),
            requests_per_s,
            row.memory_mb,
        )

    async def _requests_per_s(self) -> float | None:
        answer = await self._client.transport.request("GET", "/metrics", {})
        if answer.status != 200:
            raise refusal(answer.status, answer.body)
        now, requests = monotonic(), requests_for_objects(answer.body.decode())
        last, self._last = self._last, (now, requests)
        if last is None:
            return None
        return round(max(requests - last[1] - _OWN_REQUESTS, 0) / max(now - last[0], 1e-3), 1)


def requests_for_objects(text: str) -> float:
    """Return how many requests the measures of an API server count, without those for health and the like."""
    lines = (line for line in text.splitlines() if line.startswith("apiserver_request_total{"))
    return sum(float(line.rpartition(" ")[2]) for line in lines if not _NO_RESOURCE.search(line))
