"""Whom a fault hits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kubelab.chaos.errors import ChaosError
from kubelab.chaos.experiment import FLAP
from kubelab.client import Object
from kubelab.verbs.chaos.targets import services_of

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
