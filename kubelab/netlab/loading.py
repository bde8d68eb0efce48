"""``nft -f`` in a network namespace that ends with it: the machine's own rules are not touched."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from kubelab.errors import KubelabError

_TIMEOUT_S = 600
_INSTALL = "Install it, on Debian by `apt-get install nftables`"


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
    KubelabError
        If nft or unshare is missing, or refuses.
    """
    nft = [*before, find_nft(), "-f"]
    if len(files) == 1:
        run(namespace(*nft, str(files[0])))
        return
    each = 'command=$1; shift; for file in "$@"; do $command "$file" || exit 1; done'
    run(namespace("sh", "-c", each, "sh", " ".join(nft), *map(str, files)))


def run(command: Sequence[str]) -> str:
    """Run a command and return what it wrote; what it refuses is an error in its own words."""
    try:
        done = subprocess.run(  # noqa: S603 - commands of ours
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except FileNotFoundError as error:
        raise KubelabError(
            f"{error.filename} is not installed. Install it, on Debian with util-linux."
        ) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        raise KubelabError(
            f"{' '.join(command[:4])} ...: {said[0]}. Where network namespaces are not allowed, use what was "
            "recorded: `MapsStudy.recorded()`."
        )
    return done.stdout


def find_nft() -> str:
    """Return the path of ``nft``, also where PATH has no ``sbin``."""
    path = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    found = shutil.which("nft", path=path)
    if found is None:
        raise KubelabError(f"nft is not installed. {_INSTALL}, or use `MapsStudy.recorded()`.")
    return found


def nft_version() -> str:
    """Return such as ``nft 1.0.6``."""
    return run([find_nft(), "--version"]).split("(")[0].strip().replace("nftables v", "nft ")
