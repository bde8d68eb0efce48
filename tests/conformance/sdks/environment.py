"""Virtual environments for clients whose pins differ from the project's own, made once and kept."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import platformdirs

_NO_INDEX = re.compile(r"connection broken|NewConnectionError|NameResolution|ConnectTimeout|ProxyError")


class IndexUnreachableError(Exception):
    """The package index does not answer."""


def environment(requirements: Path, say: Callable[[str], object]) -> Path:
    """Return the Python of an environment with exactly these packages.

    It is found by the digest of its pins. A new one is made beside its place and moved there when it is
    complete, so that a run that was cut short, or another beside this one, does no harm.

    Raises
    ------
    IndexUnreachableError
        If it must be made and the package index cannot be reached.
    """
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:16]
    place = platformdirs.user_cache_path("kubelab") / "sdk-environments" / f"{requirements.stem}-{digest}"
    python = place / "bin" / "python"
    if not python.exists():
        _make(place, requirements, say)
    return python


def _make(place: Path, requirements: Path, say: Callable[[str], object]) -> None:
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    try:
        say(f"Making an environment for {requirements.name} (once; about a minute) ...")
        venv.create(draft, with_pip=True, symlinks=True)
        _install(draft / "bin" / "python", requirements)
        say(f"It is {place}.")
        try:
            draft.rename(place)
        except OSError:  # another run was faster
            if not place.exists():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _install(python: Path, requirements: Path) -> None:
    options = ["--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "20"]
    command = [str(python), "-m", "pip", "install", *options, "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    if done.returncode == 0:
        return
    text = done.stdout + done.stderr
    if _NO_INDEX.search(text):
        raise IndexUnreachableError(f"the package index cannot be reached to install {requirements.name}")
    raise RuntimeError(f"pip could not install {requirements}:\n{text[-2000:]}")
