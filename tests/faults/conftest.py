"""How much is done: all of it where KUBELAB_FAULTS=full, as `make faults` sets it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, settings


@dataclass(frozen=True)
class Size:
    """How many examples a property is tried on."""

    full: bool

    def settings(self, *, few: int, many: int) -> settings:
        """Return hypothesis' settings: the same examples each time at small size, others at full size."""
        return settings(
            max_examples=many if self.full else few,
            derandomize=not self.full,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        )


@pytest.fixture(scope="session")
def full() -> bool:
    return os.environ.get("KUBELAB_FAULTS") == "full"


@pytest.fixture(scope="session")
def size(full: bool) -> Size:
    return Size(full)
