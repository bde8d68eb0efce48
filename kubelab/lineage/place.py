"""Where runs are kept: what ``MLFLOW_TRACKING_URI`` says, else an SQLite file beside the cluster's state."""

from __future__ import annotations

import os
from pathlib import Path

from kubelab.client import Client
from kubelab.errors import KubelabError

VARIABLE = "MLFLOW_TRACKING_URI"
_FILE = "mlflow.db"


class TrackingError(KubelabError):
    """Runs cannot be kept or read."""


def folder_of(client: Client) -> Path:
    """Return the private folder for what is kept of a cluster.

    Raises
    ------
    TrackingError
        If there is none, as for a simulated cluster.
    """
    if client.folder is None:
        raise TrackingError(
            "nothing is kept of what runs on a simulated cluster. Use Cluster.connect() for runs in MLflow."
        )
    return client.folder


def tracking_uri(folder: Path) -> str:
    """Return the tracking URI for runs of a cluster whose private folder this is."""
    return os.environ.get(VARIABLE) or _own(folder)


def prepare(folder: Path, uri: str) -> None:
    """Make the folder, and the SQLite file before MLflow would make it readable for everybody."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if uri == _own(folder):
        (folder / _FILE).touch(0o600)


def artifacts(folder: Path, uri: str) -> str | None:
    """Return where runs keep files; None where a tracking server decides it."""
    return (folder / "artifacts").as_uri() if uri == _own(folder) else None


def _own(folder: Path) -> str:
    return f"sqlite:///{folder / _FILE}"
