"""How long many watches take to tell of a change, and what is said when one of them fails."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kubelab.client import Client, Resource, WatchEvent
from kubelab.clock import RealClock
from kubelab.engine.apiserver import ApiServer
from kubelab.errors import ApiError
from kubelab.limits.fan_out import time_watches
from kubelab.limits.load import Load
from kubelab.limits.site import Site


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    server = ApiServer(tmp_path, RealClock(), token="token")
    await server.start()
    yield server.client("system:masters")
    await server.stop()


async def test_each_watch_tells_of_each_change(client: Client) -> None:
    found = await time_watches(Site(client, "1", "default", Load(watchers=3, changes=4)))
    assert len(found.samples_s) == 3 * 4
    assert all(0 < sample < 60 for sample in found.samples_s)


async def test_a_watch_that_fails_ends_the_measurement_with_its_reason(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    watch = client.watch

    def second_refused(resource: Resource, *args: Any, **query: Any) -> AsyncGenerator[WatchEvent, None]:
        begun.append(resource)
        if len(begun) == 2:
            raise ApiError({"code": 429, "reason": "TooManyRequests", "message": "too many watches"})
        return watch(resource, *args, **query)

    monkeypatch.setattr(client, "watch", second_refused)
    with pytest.raises(ApiError, match="too many watches"):
        await time_watches(Site(client, "1", "default", Load(watchers=3, changes=4)))
