"""What this machine has for loading rules, and why a backend cannot run here."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache

from kubelab.netlab.results import Backend

_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"))
_NAMES = {"iptables-legacy": "iptables-legacy-restore", "iptables-nft": "iptables-nft-restore"}
_KINDS = {"iptables-legacy": "legacy", "iptables-nft": "nf_tables"}
NFT_NEEDED, KERNEL_NEEDED = (1, 0, 1), (5, 13)
"""kube-proxy's nftables mode needs these (kubernetes.io, "Virtual IPs and Service Proxies")."""


def find(name: str) -> str | None:
    """Return a tool's path; an administrator's are found although a user's PATH lacks their folders."""
    return shutil.which(name, path=_PATH)


def loader(backend: Backend) -> str | None:
    """Return the tool that loads a backend's rules, or None if it is not installed."""
    if backend.startswith("nftables"):
        return find("nft")
    if found := find(_NAMES[backend]):
        return found
    plain = find("iptables-restore")
    return plain if plain and f"({_KINDS[backend]})" in _says(plain, "--version") else None


def versions() -> dict[str, str]:
    """Return the versions of the tools that are installed."""
    found = {"nft": loader("nftables")} | {name: loader(name) for name in ("iptables-legacy", "iptables-nft")}
    return {
        name: ".".join(map(str, version(_says(path, "--version")))) for name, path in found.items() if path
    }


def version(text: str) -> tuple[int, ...]:
    """Return the first version in a text: ``nftables v1.0.6 (Lester)`` has ``(1, 0, 6)``."""
    found = re.search(r"(\d+(?:\.\d+)+)", text)
    return tuple(int(each) for each in found[1].split(".")) if found else (0,)


def why_not(backend: Backend) -> str | None:
    """Return why a backend cannot run on this machine, and what to do; None if it can."""
    return reason(backend, loader(backend), versions(), platform.system(), platform.release())


def reason(
    backend: Backend, tool: str | None, installed: Mapping[str, str], system: str, release: str
) -> str | None:
    """Return why a backend cannot run with these tools on this system; None if it can."""
    if system != "Linux":
        return f"{system} has no Linux kernel: run it on Linux, such as in Binder's or a virtual machine's."
    if tool is None:
        package = "nftables" if backend.startswith("nftables") else "iptables"
        return f"No tool for {backend} is installed: `apt-get install {package}`."
    if backend.startswith("nftables"):
        if version(installed["nft"]) < NFT_NEEDED:
            return f"nft is {installed['nft']}: kube-proxy's nftables mode needs 1.0.1. Install a newer one."
        if version(release)[:2] < KERNEL_NEEDED:
            return f"The kernel is {release}: kube-proxy's nftables mode needs 5.13. Use a newer kernel."
    return None


@cache
def _says(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=10).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
