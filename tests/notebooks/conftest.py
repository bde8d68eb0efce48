"""A lab cluster of the tests' own for the notebooks that they run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelab.engine import launch


@pytest.fixture
def notebook_environment(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """The environment that a notebook's kernel runs in; its cluster ends with the test."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("KUBELAB_HOME", str(home))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    yield dict(os.environ)
    launch.down("lab")
