"""How rules are shared out among transactions: one as root, small ones in a user namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Part = TypeVar("Part")

SENT_AT_ONCE = 50_000
"""Bytes of text per transaction in a user namespace, whose sockets hold 212,992 bytes of messages and their
overhead (``net.core.wmem_default``) and may not be made larger. nft 1.0.6 fails from 60,900 bytes on with the
smallest maps of all, and from 89,600 with the layout of 1.35, on 6.18, Nov 2026."""
TOO_LONG = (
    "A user namespace may not enlarge a socket's buffer, and these rules do not fit into a message: "
    "{remedy}, or run as root."
)
"""What to do about nft's "Message too long"."""


def share_out(parts: Sequence[Part], text_of: Callable[[Part], str], *, root: bool) -> list[list[Part]]:
    """Return what goes into each transaction, in order: as much as it holds, but at least one part.

    Parameters
    ----------
    parts : sequence
        What cannot be divided.
    text_of : callable
        The text by which a part is loaded.
    root : bool
        Whether it is root who loads: then one transaction holds all.
    """
    if root:
        return [list(parts)]
    shared: list[list[Part]] = []
    left = 0
    for part in parts:
        size = len(text_of(part))
        if size > left:
            shared.append([])
            left = SENT_AT_ONCE
        shared[-1].append(part)
        left -= size
    return shared
