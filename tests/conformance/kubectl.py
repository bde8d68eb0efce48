"""The real kubectl, as a test calls it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KUBECTL = Path(sysconfig.get_path("scripts"), "kubectl")


@dataclass(frozen=True)
class Kubectl:
    """kubectl with one kubeconfig, a home of its own for its caches, and a namespace."""

    kubeconfig: Path
    home: Path
    namespace: str = "default"

    def run(self, *args: str, stdin: object = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run one command, whatever its outcome; an object as standard input is sent as JSON."""
        text = stdin if isinstance(stdin, str) else json.dumps(stdin)
        command = self.command(*args)
        return subprocess.run(
            command, input=text, env=self.env(**env), capture_output=True, text=True, timeout=60, check=False
        )

    def __call__(self, *args: str, stdin: object = "", **env: str) -> str:
        """Return what a command that succeeds prints."""
        done = self.run(*args, stdin=stdin, **env)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}{done.stdout}"
        return done.stdout

    def fails(self, *args: str, stdin: object = "") -> str:
        """Return what a command that fails says."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode != 0, f"kubectl {' '.join(args)} succeeded: {done.stdout}"
        return done.stderr.strip()

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start a command that goes on, such as a watch."""
        return subprocess.Popen(
            self.command(*args), env=self.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def json(self, *args: str, stdin: object = "") -> dict[str, Any]:
        """Return the object that ``-o json`` prints."""
        found: dict[str, Any] = json.loads(self(*args, "-o", "json", stdin=stdin))
        return found

    def table(self, *args: str) -> list[dict[str, str]]:
        """Return the rows of a printed table by their headings."""
        header, *lines = self(*args).splitlines()
        starts = [match.start() for match in re.finditer(r"(?<!\S)\S+(?: \S+)*", header)]
        edges = list(zip(starts, [*starts[1:], None], strict=True))
        names = [header[start:end].strip() for start, end in edges]
        return [
            dict(zip(names, [line[start:end].strip() for start, end in edges], strict=True)) for line in lines
        ]

    def command(self, *args: str) -> list[str]:
        """Return the command line."""
        return [str(KUBECTL), f"--namespace={self.namespace}", *args]

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment: this machine's own configuration plays no part."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(self.home),
            "KUBECONFIG": str(self.kubeconfig),
            **more,
        }
