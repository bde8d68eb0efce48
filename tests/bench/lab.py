"""A lab cluster of its own for a benchmark, started as a user would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from kubelab.clock import monotonic
from tests.bench.figure import rss_mb

KUBELAB = str(Path(sys.executable).with_name("kubelab"))
SETTLE_TIMEOUT_S = 60.0
IMPORTED_MB = 120
"""A warm parent that holds less is still importing JAX."""


@dataclass(frozen=True, slots=True)
class Lab:
    """A running cluster.

    Attributes
    ----------
    up_s : float
        From starting ``kubelab up --json`` to its answer.
    """

    name: str
    pid: int
    home: Path
    up_s: float

    def warm_parent(self) -> int:
        """Return the warm parent's pid once it has imported everything: its memory grows no more."""
        deadline = monotonic() + SETTLE_TIMEOUT_S
        while monotonic() < deadline:
            for path in (self.home / self.name).glob("warm-*.json"):
                pid = int(json.loads(path.read_text())["pid"])
                if settled_rss_mb(pid) > IMPORTED_MB:
                    return pid
            time.sleep(0.1)
        raise TimeoutError(f"the warm parent of cluster {self.name} is not ready")


@contextmanager
def home() -> Iterator[Path]:
    """Keep clusters' state in a folder that is removed afterwards."""
    with TemporaryDirectory(prefix="kubelab-bench-") as folder:
        os.environ["KUBELAB_HOME"] = folder
        yield Path(folder)


@contextmanager
def lab(where: Path, *options: str, name: str = "bench") -> Iterator[Lab]:
    """Run ``kubelab up``, and ``kubelab down`` afterwards; the state stays."""
    started = monotonic()
    done = subprocess.run(
        [KUBELAB, "up", "--json", "--name", name, *options], stdout=subprocess.PIPE, check=True, timeout=120
    )
    up_s = monotonic() - started
    try:
        yield Lab(name, json.loads(done.stdout)["pid"], where, up_s)
    finally:
        down = [KUBELAB, "down", "--name", name]
        subprocess.run(down, stdout=subprocess.DEVNULL, check=True, timeout=120)


def settled_rss_mb(pid: int) -> float:
    """Return a process's memory once it has stopped growing for a second."""
    deadline = monotonic() + SETTLE_TIMEOUT_S
    seen, since = rss_mb(pid), monotonic()
    while monotonic() < deadline and monotonic() - since < 1.0:
        time.sleep(0.1)
        now = rss_mb(pid)
        if abs(now - seen) > 0.5:
            seen, since = now, monotonic()
    return rss_mb(pid)
