"""Rules of nftables that hold for a while, in the namespace of the one who makes them."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator

from kubelab.netlab.tools import find


@contextlib.contextmanager
def table(name: str, *lines: str) -> Iterator[Callable[[], str]]:
    """Have a table while the body runs; what is yielded lists it.

    Parameters
    ----------
    name : str
        The table's, of family ip.
    lines : str
        What is in it, such as ``rule input counter``, in order.

    Raises
    ------
    OSError
        If nft is not installed, or refuses.
    """
    added = [f"add table ip {name}"]
    for kind, _, rest in (line.partition(" ") for line in lines):
        added.append(f"add {kind} ip {name} {rest}")
    _nft("-f", "-", text="\n".join(added) + "\n")
    try:
        yield lambda: _nft("list", "table", "ip", name)
    finally:
        _nft("delete", "table", "ip", name)


def _nft(*arguments: str, text: str = "") -> str:
    program = find("nft")
    if program is None:
        raise OSError("nft is not installed")
    command = [program, *arguments]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise OSError(f"nft refused: {done.stderr.strip()}")
    return done.stdout
