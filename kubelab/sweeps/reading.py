"""What a handle reads from the API: a sweep's objects, and their changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from kubelab.client import CONFIG_MAPS, EXPERIMENTS, SUGGESTIONS, TRIALS, Client, Object
from kubelab.errors import NotFoundError
from kubelab.informer import Informer
from kubelab.sweeps.names import EXPERIMENT_LABEL
from kubelab.sweeps.observations import Remembering
from kubelab.sweeps.view import SweepView


class SweepReader:
    """Reads one sweep.

    Parameters
    ----------
    client : Client
        The cluster's API.
    namespace, name : str
        Which sweep.
    uid : str
        Tells the sweep from a later one of the same name.
    """

    def __init__(self, client: Client, namespace: str, name: str, uid: str) -> None:
        self.client = client
        self.namespace = namespace
        self.name = name
        self.uid = uid

    async def view(self) -> SweepView:
        """Return the sweep as it is now.

        Raises
        ------
        NotFoundError
            If it was deleted.
        """
        experiment, suggestion, trials, histories = await asyncio.gather(
            self.client.get(EXPERIMENTS, self.name, self.namespace),
            self._suggestion(),
            self.client.list(TRIALS, self.namespace, label_selector=self._selector),
            self.client.list(CONFIG_MAPS, self.namespace, label_selector=self._selector),
        )
        if experiment["metadata"]["uid"] != self.uid:
            raise NotFoundError(
                {"code": 404, "message": f"sweep {self.name} was deleted; another one has its name now"}
            )
        return SweepView.of(experiment, suggestion, trials.items, histories.items)

    async def views(self) -> AsyncGenerator[SweepView | None, None]:
        """Yield the sweep as it is and after each change; None once it is deleted."""
        changed = asyncio.Event()
        named = f"metadata.name={self.name}"
        experiments = Informer(self.client, EXPERIMENTS, self.namespace, field_selector=named)
        suggestions = Informer(self.client, SUGGESTIONS, self.namespace, field_selector=named)
        trials = Informer(self.client, TRIALS, self.namespace, label_selector=self._selector)
        histories = Informer(self.client, CONFIG_MAPS, self.namespace, label_selector=self._selector)
        memory = Remembering()
        informers = (experiments, suggestions, trials, histories)
        for informer in informers:
            informer.subscribe(lambda _old, _new: changed.set())
        tasks = [asyncio.create_task(informer.run()) for informer in informers]
        try:
            await asyncio.gather(*(informer.synced.wait() for informer in informers))
            while True:
                changed.clear()
                experiment = experiments.get(self.namespace, self.name)
                if experiment is None or experiment["metadata"]["uid"] != self.uid:
                    yield None
                    return
                yield SweepView.of(
                    experiment,
                    suggestions.get(self.namespace, self.name),
                    trials.objects.values(),
                    histories.objects.values(),
                    memory.load,
                )
                await changed.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def _selector(self) -> str:
        return f"{EXPERIMENT_LABEL}={self.name}"

    async def _suggestion(self) -> Object | None:
        try:
            return await self.client.get(SUGGESTIONS, self.name, self.namespace)
        except NotFoundError:
            return None
