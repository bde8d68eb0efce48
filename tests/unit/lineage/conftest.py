"""A store of the test's own, and an API server's client that knows its folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kubelab.lineage.store import Store
from tests.unit.conftest import JobWorld


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's file without runs: to make its tables takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        return Store(tmp_path_factory.mktemp("empty")).folder / "mlflow.db"


@pytest.fixture
def folder(empty_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    made = tmp_path / "kept"
    made.mkdir()
    shutil.copy(empty_file, made)
    return made


@pytest.fixture
def store(folder: Path) -> Store:
    return Store(folder)


@pytest.fixture
def kept(world: JobWorld, folder: Path) -> JobWorld:
    """The world, with a folder for what is kept of it."""
    world.client.cluster, world.client.folder = "world", folder
    return world
