"""Experiments on a real API server that fails at times, with a fault that only notes what is asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kubelab import clock, portal
from kubelab.chaos.experiment import Experiment, Target
from kubelab.client import CHAOS_EXPERIMENTS, Client, Object
from kubelab.engine.chaos.experiments import Experiments
from kubelab.engine.chaos.injector import Undone
from kubelab.errors import ConnectionFailedError
from tests.unit.conftest import JobWorld

Eventually = Callable[[Callable[[], object]], None]


class Flaky:
    """A client that reaches nobody while ``down``."""

    def __init__(self, client: Client) -> None:
        self.down = False
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    async def patch(self, *args: Any, **options: Any) -> Object:
        if self.down:
            raise ConnectionFailedError("https://nowhere", "nobody answers")
        return await self._client.patch(*args, **options)


class Probe:
    """A fault that notes when it is injected and undone, and takes the API down if asked to."""

    def __init__(self, client: Flaky, *, takes_api_down: bool = False) -> None:
        self.seen: list[str] = []
        self._client = client
        self._takes_api_down = takes_api_down

    async def inject(self, _experiment: Experiment) -> str:
        self.seen.append("injected")
        self._client.down = self._takes_api_down
        return "injected"

    async def undo(self, _experiment: Experiment) -> Undone:
        self.seen.append("undone")
        return Undone("undone")


@contextmanager
def followed(client: Flaky, probe: Probe) -> Iterator[None]:
    """Have experiments with the fault ``probe`` carried out."""

    async def start() -> asyncio.Task[None]:
        experiments = Experiments(client, clock.RealClock(), {"probe": probe})  # type: ignore[arg-type]
        return asyncio.create_task(experiments.run())

    async def end() -> None:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    running = portal.run(start())
    try:
        yield
    finally:
        portal.run(end())


def probed(world: JobWorld, duration_s: float) -> Object:
    """Ask for an experiment."""
    experiment = Experiment("probe", (Target("Pod", "learn-0", "default"),), "default", duration_s=duration_s)
    world.serve_experiments()
    return world.ask(experiment)


def status_of(world: JobWorld, made: Object) -> Object:
    found = portal.run(world.client.get(CHAOS_EXPERIMENTS, made["metadata"]["name"], "default"))
    return dict(found.get("status") or {})


def test_an_api_that_does_not_answer_holds_up_no_undo(world: JobWorld, eventually: Eventually) -> None:
    client = Flaky(world.client)
    probe = Probe(client, takes_api_down=True)
    with followed(client, probe):
        made = probed(world, duration_s=0.3)
        eventually(lambda: probe.seen == ["injected", "undone"])
        assert status_of(world, made)["phase"] == "Active"
        client.down = False
        eventually(lambda: status_of(world, made)["phase"] == "Ended")
    status = status_of(world, made)
    assert (status["did"], status["undid"]) == ("injected", "undone")
    assert probe.seen == ["injected", "undone"]


def test_whoever_carries_experiments_out_undoes_them_when_it_ends(
    world: JobWorld, eventually: Eventually
) -> None:
    client = Flaky(world.client)
    probe = Probe(client)
    with followed(client, probe):
        made = probed(world, duration_s=500)
        eventually(lambda: "did" in status_of(world, made))
        assert probe.seen == ["injected"]
    assert probe.seen == ["injected", "undone"]
    assert status_of(world, made)["phase"] == "Ended"


def test_who_comes_next_goes_on_until_the_deadline_and_no_longer(
    world: JobWorld, eventually: Eventually
) -> None:
    client = Flaky(world.client)
    first = Probe(client, takes_api_down=True)
    with followed(client, first):  # which cannot write down that it undid the fault
        made = probed(world, duration_s=500)
        eventually(lambda: first.seen)
    client.down = False
    second = Probe(client)
    with followed(client, second):
        eventually(lambda: second.seen == ["injected"])
        patch = {"spec": {"stop": True}}
        portal.run(world.client.patch(CHAOS_EXPERIMENTS, made["metadata"]["name"], patch, "default"))
        eventually(lambda: status_of(world, made)["phase"] == "Ended")
    assert second.seen == ["injected", "undone"]
