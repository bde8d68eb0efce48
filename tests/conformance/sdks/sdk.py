"""`Sdk`: a process in an environment of its own, in which a test calls the real clients."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

WORKER = Path(__file__).with_name("worker.py")


class SdkError(Exception):
    """What a client raised: the exception's type and words."""


class Sdk:
    """Calls functions of `calls/` with a cluster's kubeconfig; a context manager."""

    def __init__(self, python: Path, kubeconfig: Path, home: Path) -> None:
        env = {"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(kubeconfig)}
        self._log = (home / "sdk.log").open("w")
        self._process = subprocess.Popen(
            [str(python), str(WORKER)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __call__(self, module: str, function: str, /, **arguments: Any) -> Any:
        """Return what the function returned, as JSON has it.

        Raises
        ------
        SdkError
            If it raised.
        """
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps([module, function, arguments]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the process ended: {Path(self._log.name).read_text()[-2000:]}"
        answer = json.loads(line)
        if "error" in answer:
            raise SdkError(answer["error"])
        return answer["result"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._log.close()
