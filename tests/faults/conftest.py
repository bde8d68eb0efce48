"""How much is done: all of it where KUBELAB_FAULTS=full, as `make faults` sets it."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def full() -> bool:
    return os.environ.get("KUBELAB_FAULTS") == "full"
