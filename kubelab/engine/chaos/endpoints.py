"""Endpoints that come and go."""

from __future__ import annotations

import asyncio
import contextlib

from kubelab.chaos.experiment import Experiment, Target
from kubelab.client import SERVICES, Client
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError

FLAP = "chaos.kubelab.dev/flap"
"""A key that no pod has: with it in its selector, a Service has no endpoints."""


class FlapEndpoints:
    """Takes all endpoints from Services and gives them back, again and again; pods are not touched."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._flapping: dict[str, asyncio.Task[None]] = {}
        self._times: dict[str, int] = {}

    async def inject(self, experiment: Experiment) -> str:
        """Begin."""
        period_s = max(0.1, experiment.parameters.get("period_s", 1.0))
        self._times[experiment.uid] = 0
        self._flapping[experiment.uid] = asyncio.create_task(
            self._flap(experiment, period_s), name=f"flap {experiment.name}"
        )
        names = ", ".join(target.name for target in experiment.targets)
        return f"Service {names} loses its endpoints and has them back every {period_s:g} s"

    async def undo(self, experiment: Experiment) -> str:
        """Give them back for good."""
        flapping = self._flapping.pop(experiment.uid, None)
        if flapping is not None:
            flapping.cancel()
            await asyncio.gather(flapping, return_exceptions=True)
        for target in experiment.targets:
            with contextlib.suppress(NotFoundError):
                await self._select(target, None)
        return f"endpoints are back; they were taken {self._times.pop(experiment.uid, 0)} times"

    async def _flap(self, experiment: Experiment, period_s: float) -> None:
        while True:
            with contextlib.suppress(ApiError, ConnectionFailedError):
                for target in experiment.targets:
                    await self._select(target, experiment.uid)
                self._times[experiment.uid] += 1
            await asyncio.sleep(period_s / 2)
            with contextlib.suppress(ApiError, ConnectionFailedError):
                for target in experiment.targets:
                    await self._select(target, None)
            await asyncio.sleep(period_s / 2)

    async def _select(self, target: Target, value: str | None) -> None:
        selector = {"spec": {"selector": {FLAP: value}}}
        await self._client.patch(SERVICES, target.name, selector, target.namespace)
