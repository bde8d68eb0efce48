"""What tests tell arrives at the end, whichever worker they ran in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = """
def test_one(told):
    told["sizes"] = "in {name}"

def test_another(told):
    told["{name}"] = [1, 2]
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_every_line_of_every_worker_is_told_once(tmp_path: Path, workers: str) -> None:
    for name in ("first", "second"):
        (tmp_path / f"test_{name}.py").write_text(TESTS.format(name=name))
    command = [sys.executable, "-m", "pytest", "-p", "tests.told", "-n", workers, "--dist", "loadfile"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line for line in run.stdout.splitlines() if line.startswith(("sizes", "first", "second"))]
    both = ["sizes: in first", "sizes: in second"] if workers == "2" else ["sizes: in second"]
    assert lines == ["first: [1, 2]", "second: [1, 2]", *both]
