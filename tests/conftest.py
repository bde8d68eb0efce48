"""Lab clusters for the tests that drive the whole, in homes of their own: one a session, or one's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from kubelab import Cluster
from kubelab.engine.state import Engine

# The machine may be busy with anything: slowness is for benchmarks to find.
settings.register_profile("kubelab", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kubelab")

pytest_plugins = ["tests.told"]

# A shell starts what runs in its background with SIGINT ignored, and so would be all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Lab:
    """A home for lab clusters, and the real command line on it."""

    home: Path
    env: dict[str, str] = field(repr=False)

    def kubelab(self, *args: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kubelab.cli", *args]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, check=check, **options)

    def up(self, name: str, *args: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.kubelab("up", "--name", name, "--json", *args).stdout)
        return answer


@contextmanager
def made(home: Path) -> Iterator[Lab]:
    """A home whose clusters are ended afterwards."""
    lab = Lab(home, {**os.environ, "KUBELAB_HOME": str(home), "COLUMNS": "200"})
    try:
        yield lab
    finally:
        for path in home.glob("*/lock"):
            lab.kubelab("down", "--name", path.parent.name, "--delete", check=False)


@contextmanager
def connected(
    home: Path, name: str = "lab", *, engine: Engine | None = None, warm: bool = True
) -> Iterator[Cluster]:
    """A home's cluster, as a notebook connects to it; the environment is as before afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBELAB_HOME", str(home))
        patch.setenv("KUBECONFIG", "")  # connect sets it
        with Cluster.connect(name, engine=engine, warm=warm) as cluster:
            yield cluster


@contextmanager
def own_cluster(home: Path, name: str, *, warm: bool = True) -> Iterator[Cluster]:
    """The one cluster of a home; it ends afterwards with all that it kept."""
    with made(home), connected(home, name, warm=warm) as cluster:
        yield cluster


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A home without any cluster."""
    with made(tmp_path_factory.mktemp("home")) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def session_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The home of the one cluster, called ``lab``, that many tests share."""
    with made(tmp_path_factory.mktemp("home")) as shared:
        shared.up("lab")
        yield shared


@pytest.fixture(scope="module")
def session_cluster(session_lab: Lab) -> Iterator[Cluster]:
    """The one cluster that many tests share, connected to."""
    with connected(session_lab.home) as cluster:
        yield cluster
