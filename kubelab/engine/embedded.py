"""The engine ``embedded``: kubelab's own API server, in the daemon's process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kubelab.client import Client
from kubelab.clock import Clock
from kubelab.engine.apiserver.app import ApiServer
from kubelab.engine.apiserver.disturbance import Disturbance
from kubelab.engine.apiserver.pod_logs import NodeHandler
from kubelab.engine.apiserver.serve import Served, serve
from kubelab.engine.apiserver.tls import ensure_tls
from kubelab.engine.measures import Measures
from kubelab.engine.usage import UsageSource
from kubelab.informer import Informers

if TYPE_CHECKING:
    from kubelab.engine.controllers.controller import Controller


class EmbeddedControlPlane:
    """kubelab's API server; controllers and scheduler are its clients in process.

    Parameters
    ----------
    port : int
        Where it listens, 0 for any port that is free.
    measures : Measures, optional
        What its ``/metrics`` tells.
    """

    has_scheduler = False

    def __init__(
        self,
        state_dir: Path,
        clock: Clock,
        *,
        token: str,
        port: int = 0,
        measures: Measures | None = None,
    ) -> None:
        self.tls = ensure_tls(state_dir)
        self.url = ""
        self._server = ApiServer(state_dir, clock, token=token, measures=measures)
        self._port = port
        self._served: Served | None = None

    @property
    def controllers(self) -> tuple[type[Controller], ...]:
        """All of them."""
        from kubelab.engine.controllers.registry import CONTROLLERS

        return CONTROLLERS

    @property
    def disturbance(self) -> Disturbance:
        """What requests over HTTP meet on their way."""
        return self._server.disturbance

    async def start(self) -> None:
        """Load the journal and listen."""
        await self._server.start()
        self._served = await serve(self._server, port=self._port, tls=self.tls)
        self.url = f"https://127.0.0.1:{self._served.port}"

    def client(self, user: str) -> Client:
        """Return a client that acts as a user, with an administrator's rights."""
        return self._server.client(user)

    async def register_node(self, name: str, node: NodeHandler) -> int:
        """Fetch logs from a node in process; it needs no port."""
        self._server.register_node(name, node)
        return 0

    async def serve_usage(self, sources: Sequence[UsageSource], _informers: Informers) -> None:
        """Serve what is known of nodes and pods as metrics.k8s.io."""
        for source in sources:
            self._server.register_usage(source)

    async def admit_recommendations(self, _informers: Informers) -> None:
        """Do nothing: the API server admits new pods with what vertical pod autoscalers recommend."""

    async def metrics_url(self) -> str:
        """Return where Prometheus finds what kubelab's parts measure: beside what the API server does."""
        return f"{self.url}/metrics"

    async def progress_url(self) -> str:
        """Return where trainers' pods report to: the API server itself."""
        return self.url

    async def stop(self) -> None:
        """End it once what waits is on disk."""
        if self._served is not None:
            await self._served.stop()
        await self._server.stop()
