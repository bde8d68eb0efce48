"""Programs that load rules into the kernel, and what to do where they may not."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from functools import partial

from kubelab.engine.chaos.injector import RefusedError

MAY_NOT = (
    "the lab's daemon may not load rules for packets: it lacks the capability CAP_NET_ADMIN. End the lab "
    "(`kubelab down`) and start it as root; in a container also with `--cap-add NET_ADMIN`. "
    "Faults that touch no packets need nothing of the kind."
)
_PACKAGES = {"nft": "nftables", "iptables": "iptables"}
_DENIED = ("Operation not permitted", "Permission denied", "must be root")


async def run(*command: str, stdin: str = "") -> str:
    """Run a program; return what it said.

    Raises
    ------
    RefusedError
        If it is not there, may not, or fails.
    """
    program = command[0]
    if shutil.which(program) is None:
        raise RefusedError(
            f"{program} is not on the PATH of the lab's daemon: install the package {_PACKAGES[program]}, "
            "and start the lab anew as root."
        )
    code, text = await tried(*command, stdin=stdin)
    if code == 0:
        return text
    if any(each in text for each in _DENIED):
        raise RefusedError(MAY_NOT)
    raise RefusedError(f"`{' '.join(command)}` failed: {text.strip()[:300]}.")


async def tried(*command: str, stdin: str = "") -> tuple[int, str]:
    """Run a program, if it is there; return its exit code and what it said.

    It runs in a thread, for one that ends before it has read anything breaks an asyncio pipe.
    """
    if shutil.which(command[0]) is None:
        return 127, ""
    run_it = partial(subprocess.run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    done = await asyncio.to_thread(run_it, command, input=stdin)
    return done.returncode, done.stdout
