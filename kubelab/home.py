"""Where kubelab keeps what outlives a process: clusters' states, and caches that they share."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from kubelab.errors import KubelabError


def home() -> Path:
    """Return the folder that holds every cluster's state; ``KUBELAB_HOME`` moves it.

    Raises
    ------
    KubelabError
        If that is not an absolute path.
    """
    named = os.environ.get("KUBELAB_HOME")
    if not named:
        return Path(platformdirs.user_state_path("kubelab"))
    if not Path(named).is_absolute():
        raise KubelabError(
            f"KUBELAB_HOME is {named!r}. Give an absolute path: "
            "shells, notebooks and clusters run in different folders."
        )
    return Path(named)


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
