"""An API server to test beside: the embedded one, whose answers are upstream's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kubelab.client import Client
from kubelab.clock import RealClock
from kubelab.engine.bootstrap import bootstrap
from kubelab.engine.embedded import EmbeddedControlPlane

TOKEN = "secret"


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[EmbeddedControlPlane]:
    """An API server with what every cluster has."""
    made = EmbeddedControlPlane(tmp_path, RealClock(), token=TOKEN)
    await made.start()
    await bootstrap(made.client("system:masters"), RealClock())
    yield made
    await made.stop()


@pytest.fixture
def client(plane: EmbeddedControlPlane) -> Client:
    """An administrator's."""
    return plane.client("system:masters")
