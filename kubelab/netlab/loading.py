"""``nft -f`` in a network namespace that ends with it: the machine's own rules are not touched."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kubelab.netlab import tools
from kubelab.netlab.errors import LoadingFailedError, NetworkUnavailableError

_TIMEOUT_S = 600
_EACH = 'command=$1; shift; for file in "$@"; do $command "$file" || exit 1; done'


def is_root() -> bool:
    """Return whether namespaces are made by root, without a user namespace."""
    return os.geteuid() == 0


def namespace(*command: str) -> list[str]:
    """Return a command in a network namespace of its own."""
    return ["unshare", *([] if is_root() else ["--user", "--map-root-user"]), "--net", *command]


def load(files: Sequence[Path], *, before: Sequence[str] = ()) -> None:
    """Load files of rules one after another into one new namespace.

    Parameters
    ----------
    files : sequence of Path
        Each a transaction.
    before : sequence of str
        A command that runs ``nft``, such as ``perf record``.

    Raises
    ------
    NetworkUnavailableError
        If nft is missing, or namespaces are not allowed.
    LoadingFailedError
        If nft refuses the rules.
    """
    nft = [*before, find_nft(), "-f"]
    if len(files) == 1:
        run(namespace(*nft, str(files[0])))
    else:
        run(namespace("sh", "-c", _EACH, "sh", " ".join(nft), *map(str, files)))


def run(command: Sequence[str]) -> str:
    """Run a command and return what it wrote; what it refuses is an error in its own words."""
    try:
        done = subprocess.run(  # noqa: S603 - commands of ours
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except OSError as error:
        raise NetworkUnavailableError(f"{command[0]} cannot be run ({error.strerror}).") from None
    if done.returncode == 0:
        return done.stdout
    said = (done.stderr.strip() or f"exit status {done.returncode}").splitlines()[0]
    if said.startswith("unshare:"):
        raise NetworkUnavailableError(f"No network namespace can be made here ({said}).")
    raise LoadingFailedError("nft" if command[0] == "unshare" else command[0], said)


def find_nft() -> str:
    """Return the path of ``nft``."""
    reason, path = tools.why_not("nftables"), tools.find("nft")
    if reason is not None or path is None:
        raise NetworkUnavailableError(reason or "nft is not installed.")
    return path
