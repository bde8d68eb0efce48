"""Whom a fault hits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import FLAP
from kubelab.client import Object
from kubelab.verbs.chaos.targets import running, services_of

POD = {"metadata": {"name": "learn-0", "labels": {"job": "learn"}}}
VIEW: Any = SimpleNamespace(
    name="learn", workers={0: POD}, job={"metadata": {"namespace": "default", "name": "learn"}}
)


def client_with(*services: Object) -> Any:
    async def listed(*_asked: object) -> Any:
        return SimpleNamespace(items=list(services))

    return SimpleNamespace(list=listed)


def service(name: str, **selector: str) -> Object:
    return {"metadata": {"name": name, "uid": name}, "spec": {"selector": selector}}


def test_a_service_whose_endpoints_flap_is_still_the_job_s() -> None:
    client = client_with(service("learn", job="learn", **{FLAP: "u1"}), service("other", job="other"))
    (found,) = asyncio.run(services_of(client, VIEW))
    assert str(found) == "service/learn"


def test_a_job_without_a_service_is_said_to_have_none() -> None:
    with pytest.raises(ChaosError, match="no Service selects the pods of job learn"):
        asyncio.run(services_of(client_with(service("other")), VIEW))


class Late:
    """Stands for a reader of a job that runs only when it is let."""

    name = "learn"

    def __init__(self) -> None:
        self.runs = asyncio.Event()
        self.left = False

    async def views(self) -> AsyncIterator[Any]:
        try:
            yield SimpleNamespace(ended=False, phase="Pending")
            await self.runs.wait()
            yield SimpleNamespace(ended=False, phase="Running")
        finally:
            self.left = True


async def test_a_job_is_waited_for_and_whoever_waits_is_told() -> None:
    reader: Any = Late()
    told = []

    def tell() -> None:
        told.append(1)
        if len(told) == 2:
            reader.runs.set()

    view = await running(reader, tell)
    assert (view.phase, len(told), reader.left) == ("Running", 2, True)


async def test_who_no_longer_waits_for_a_job_ends_it() -> None:
    reader: Any = Late()
    told = []

    def stop() -> None:
        told.append(1)
        if len(told) == 2:
            raise ChaosError("stopped")

    with pytest.raises(ChaosError, match="stopped"):
        await running(reader, stop)
    assert reader.left
