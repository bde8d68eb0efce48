"""A file of InstanceScores that may change at any time, as ``kubectl get instancescores -o yaml`` prints."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import orjson
import yaml

from kubelab.autoscaling.instance_scores import InstanceScores, ScoreError
from kubelab.autoscaling.scores import Score
from kubelab.errors import KubelabError

logger = logging.getLogger(__name__)


class ScoresFileError(KubelabError, ValueError):
    """A scores file that cannot be used."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(
            f"the scores file {path} cannot be used: {problem.rstrip('.')}. "
            "Write what `kubectl get instancescores -o yaml` prints."
        )


class ScoresFile:
    """Scores as the file has them now; while it is broken, as it had them when it last was not.

    The last good content is kept beside the file, where its folder can be written, so that a restart while it
    is broken loses nothing either.

    Parameters
    ----------
    path : Path
        YAML or JSON.

    Attributes
    ----------
    problem : str
        What is wrong with the file now; "" if nothing is.
    reloads, failures : int
        How often it was read, and how often that failed.

    Raises
    ------
    ScoresFileError
        If there has never been a good file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self.reloads = self.failures = 0
        self._table = InstanceScores()
        self._seen: tuple[int, int, int] | None = None
        try:
            self._read()
        except (ScoresFileError, OSError) as error:
            self._table = self._last_good(error)
            self._fail(error)

    @property
    def kept(self) -> Path:
        """Where the last good content is kept."""
        return self.path.with_name(f".{self.path.name}.last-good")

    def refresh(self) -> None:
        """Read the file if it has changed."""
        try:
            self._read()
        except (ScoresFileError, OSError) as error:
            self._fail(error)

    def of(self, labels: Mapping[str, str]) -> Score | None:
        """Return the score of a node with these labels; None if unknown."""
        return self._table.of(labels)

    def __len__(self) -> int:
        return len(self._table)

    def _read(self) -> None:
        try:
            found = self.path.stat()
        except OSError:
            self._seen = None
            raise
        seen = (found.st_mtime_ns, found.st_size, found.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        content = self.path.read_bytes()
        self._table = _parse(self.path, content)
        self.reloads += 1
        self.problem = ""
        logger.info("%d scores read from %s", len(self._table), self.path)
        self._keep(content)

    def _keep(self, content: bytes) -> None:
        fresh = self.kept.with_name(f"{self.kept.name}.new")
        try:
            fresh.write_bytes(content)
            fresh.replace(self.kept)
        except OSError as error:
            logger.info("the last good scores are kept in memory only: %s", error)

    def _fail(self, error: Exception) -> None:
        if str(error) == self.problem:
            return
        self.failures += 1
        self.problem = str(error)
        logger.warning("%s %d scores stay as they were last.", self.problem, len(self._table))

    def _last_good(self, error: Exception) -> InstanceScores:
        try:
            return _parse(self.kept, self.kept.read_bytes())
        except (ScoresFileError, OSError):
            pass
        if isinstance(error, ScoresFileError):
            raise error
        raise ScoresFileError(self.path, str(error)) from None


def _parse(path: Path, content: bytes) -> InstanceScores:
    try:
        read = orjson.loads(content) if content.startswith(b"{") else yaml.safe_load(content)
    except orjson.JSONDecodeError as error:
        raise ScoresFileError(path, f"it is no JSON ({error})") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ScoresFileError(path, f"it is no YAML ({' '.join(str(error).split())})") from None
    items = read.get("items") if isinstance(read, dict) else None
    if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
        raise ScoresFileError(path, "it has no list of items")
    try:
        return InstanceScores(items)
    except ScoreError as error:
        raise ScoresFileError(path, str(error)) from None
