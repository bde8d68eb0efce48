"""`fingerprint`: which data a run learns from, in one line of its log."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from kubelab.errors import KubelabError

_DIGEST = re.compile(r"^[0-9a-f]{8,64}$")
_LINE = re.compile(r"^\S+ dataset (.+) has fingerprint ([0-9a-f]{8,64})$")


def digest_of(parts: Iterable[Any]) -> str:
    """Return the SHA-256 of data, in hexadecimal: equal for equal values, types and shapes.

    Parameters
    ----------
    parts : iterable
        Arrays, texts, bytes, numbers, and sequences and mappings of them.
    """
    made = hashlib.sha256()
    for part in parts:
        _feed(made, part)
    return made.hexdigest()


def line_of(now: str, name: str, digest: str) -> str:
    """Return the line that says which data it is; it holds no metric.

    Raises
    ------
    KubelabError
        If the name or the digest cannot stand in it.
    """
    if not (name := _in_line(name)):
        raise KubelabError("the dataset has no name. Give it one: fingerprint('digits', ...).")
    if not _DIGEST.match(digest):
        raise KubelabError(f"digest={digest!r} is no digest: use 8 to 64 hexadecimal digits in lower case.")
    return f"{now} dataset {name} has fingerprint {digest}"


def read_line(line: str) -> tuple[str, str] | None:
    """Return the name and the digest that a line says; None where it says none."""
    found = _LINE.match(line)
    return (found.group(1), found.group(2)) if found else None


def _in_line(name: str) -> str:
    """Return a name without what would end the line, or make a metric of it."""
    return " ".join(name.replace("=", "-").split())


def _feed(made: Any, part: Any) -> None:
    if isinstance(part, str | bytes | bytearray | memoryview):
        content = part.encode() if isinstance(part, str) else bytes(part)
        made.update(f"{type(part).__name__} {len(content)}\n".encode() + content)
    elif isinstance(part, Mapping):
        _feed(made, [each for key in sorted(part) for each in (key, part[key])])
    elif isinstance(part, list | tuple):
        made.update(f"sequence {len(part)}\n".encode())
        for each in part:
            _feed(made, each)
    else:
        _feed_array(made, part)


def _feed_array(made: Any, part: Any) -> None:
    import numpy as np

    array = np.asarray(part)
    if array.dtype == object:
        raise KubelabError(
            f"a {type(part).__name__} has no fingerprint: pass arrays, texts or bytes, or digest=..."
        )
    made.update(f"array {array.dtype.str} {array.shape}\n".encode())
    made.update(np.ascontiguousarray(array).tobytes())
