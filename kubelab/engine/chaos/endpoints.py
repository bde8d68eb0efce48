"""Endpoints that come and go under load."""

from __future__ import annotations

import asyncio
import contextlib

from kubelab.chaos.experiment import FLAP, Experiment, Target
from kubelab.client import SERVICES, Client
from kubelab.engine.chaos.injector import Undone
from kubelab.engine.chaos.load import Load
from kubelab.errors import ApiError, ConnectionFailedError, NotFoundError

_PATIENCE_S = 10.0


class FlapEndpoints:
    """Takes all endpoints from Services and gives them back, again and again; pods are not touched.

    Meanwhile connections are opened to the job's coordinator through its Service: see `Load`.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._flapping: dict[str, asyncio.Task[None]] = {}
        self._loads: dict[str, Load] = {}
        self._times: dict[str, int] = {}

    async def inject(self, experiment: Experiment) -> str:
        """Begin."""
        period_s = max(0.1, experiment.parameters.get("period_s", 1.0))
        names = [target.name for target in experiment.targets]
        await self._give_back(experiment)  # a daemon before this one may have taken them
        loaded = await self._load(experiment, names)
        self._times[experiment.uid] = 0
        self._flapping[experiment.uid] = asyncio.create_task(
            self._flap(experiment, period_s), name=f"flap {experiment.name}"
        )
        flaps = f"Service {', '.join(names)} loses its endpoints and has them back every {period_s:g} s"
        return f"{flaps}; {loaded}"

    async def undo(self, experiment: Experiment) -> Undone:
        """Give them back for good."""
        flapping = self._flapping.pop(experiment.uid, None)
        if flapping is not None:
            flapping.cancel()
            await asyncio.gather(flapping, return_exceptions=True)
        await self._give_back(experiment)
        load, times = self._loads.pop(experiment.uid, None), self._times.pop(experiment.uid, None)
        told = [await load.stop()] if load else []
        if times is not None:
            told.insert(0, f"they were taken {times} times")
        return Undone("; ".join(["endpoints are back", *filter(None, told)]))

    async def _load(self, experiment: Experiment, services: list[str]) -> str:
        rate = experiment.parameters.get("rate", 0.0)
        load = self._loads[experiment.uid] = Load(self._client, experiment.namespace, services, rate)
        return await load.start(min(_PATIENCE_S, experiment.duration_s))

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

    async def _give_back(self, experiment: Experiment) -> None:
        for target in experiment.targets:
            with contextlib.suppress(NotFoundError):
                await self._select(target, None)

    async def _select(self, target: Target, value: str | None) -> None:
        selector = {"spec": {"selector": {FLAP: value}}}
        await self._client.patch(SERVICES, target.name, selector, target.namespace)
