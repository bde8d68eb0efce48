"""Where kubelab keeps what outlives a process: clusters' states, and caches that they share."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Return the folder that holds every cluster's state; ``KUBELAB_HOME`` moves it."""
    if os.environ.get("KUBELAB_HOME"):
        return Path(os.environ["KUBELAB_HOME"])

    return Path(platformdirs.user_state_path("kubelab"))


def cache(name: str) -> Path:
    """Return a cache's folder, made if it is not there.

    Pods may run as other users: they read what is mounted into them, and nobody else comes past the private
    folder that it is in.
    """
    private = home() / ".cache"
    path = private / name
    if not path.exists():
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir(exist_ok=True)
    return path
