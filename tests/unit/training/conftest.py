"""Workers as bare processes: the environment contract by hand, without a cluster."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kubelab.training.shipping import archive

TIMEOUT_S = 120


@dataclass(frozen=True)
class Ended:
    rank: int
    exit_code: int
    output: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


class Workers:
    """Runs a function as the pods of a job would, from its archive."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.volume = folder / "volume"

    def run(self, function: Callable[..., Any], size: int = 2, **args: Any) -> list[Ended]:
        shipped = archive(function, args)
        code = self.folder / "code.zip"
        code.write_bytes(shipped.content)
        common = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "JAX_PLATFORMS": "cpu",
            "NPROC": "1",
            "JAX_NUM_PROCESSES": str(size),
            "JAX_COORDINATOR_ADDRESS": f"127.0.0.1:{free_port()}",
            "KUBELAB_ARGS": shipped.args_json,
            "KUBELAB_CHECKPOINT_DIR": str(self.volume),
            "KUBELAB_CHECKPOINT_EVERY": "5",
        }
        running = [
            subprocess.Popen(
                [sys.executable, str(code)],
                env={**common, "JAX_PROCESS_ID": str(rank)},
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for rank in range(size)
        ]
        try:
            outputs = [process.communicate(timeout=TIMEOUT_S)[0] for process in running]
        finally:
            for process in running:
                process.kill()
        return [Ended(rank, running[rank].returncode, outputs[rank]) for rank in range(size)]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def workers(tmp_path: Path) -> Workers:
    return Workers(tmp_path)
