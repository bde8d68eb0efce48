"""Claims of pods on simulated nodes: bound to volumes that hold nothing."""

from __future__ import annotations

from pathlib import Path

from kubelab.client import NODES, PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, Client
from kubelab.clock import Clock
from kubelab.engine.nodes.claims import Claims
from kubelab.engine.nodes.events import Recorder
from kubelab.informer import Informers
from kubelab.node_template import is_simulated

_DIRECTORY = Path("/simulated")
"""What the volumes say where they are; nothing is ever made there."""


class SimulatedClaims(Claims):
    """Binds claims to volumes on simulated nodes; where all nodes are simulated, also those of no node."""

    def __init__(self, client: Client, informers: Informers, clock: Clock) -> None:
        self.events = Recorder(client, clock, "simulated")
        self._nodes = informers.of(NODES)
        super().__init__(
            client,
            informers.of(PERSISTENT_VOLUME_CLAIMS),
            informers.of(PERSISTENT_VOLUMES),
            self.events,
            node="",
            directory=_DIRECTORY,
        )

    def _is_ours(self, node: str) -> bool:
        found = self._nodes.get("", node)
        return found is not None and is_simulated(found)

    def _home(self) -> str:
        nodes = self._nodes.objects.values()
        if not nodes or not all(map(is_simulated, nodes)):
            return ""
        return min(name for _, name in self._nodes.objects)

    def _make(self, name: str) -> Path:
        return self._directory / name

    def _has_made(self, name: str) -> bool:
        volume = self._volumes.get("", name)
        path = ((volume or {}).get("spec") or {}).get("hostPath", {}).get("path")
        return bool(path == str(self._directory / name))

    async def _remove(self, name: str) -> None:
        """Do nothing: no directory was made."""
