"""Metric lines kept on the job's volume, so that a restarted worker's log tells the whole story.

A pod that is restarted or suspended takes its log with it. Each worker therefore also writes its
lines to the volume, and its successor repeats them first: whoever reads the log of the last
container, as Katib's collector does, gets every step of every attempt.
"""

from __future__ import annotations

from pathlib import Path

_START = "#\n"


class History:
    """One worker's metric lines over all attempts.

    Parameters
    ----------
    directory : str
        The job's volume; empty where it has none, and then nothing is kept.
    rank : int
        Whose lines these are.
    trial : str
        The trial that the worker is of: it may have its parent's volume, but not its lines.
    """

    def __init__(self, directory: str, rank: int, trial: str = "") -> None:
        self.attempt = 0
        self.earlier: list[str] = []
        self._path = Path(directory, "metrics", trial, f"rank-{rank}.log") if directory else None
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._begin(self._path)

    def add(self, line: str) -> None:
        """Keep a line, without its newline."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    def _begin(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        self.attempt = lines.count(_START)
        # A killed worker may leave half a line.
        self.earlier = [line.rstrip("\n") for line in lines if line != _START and line.endswith("\n")]
        torn = bool(lines) and not lines[-1].endswith("\n")
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * torn + _START)
