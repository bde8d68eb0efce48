"""``Warning`` headers: what a server says beside its answer, such as which fields it does not know.

Upstream: apiserver's ``pkg/endpoints/filters/warning.go`` and apimachinery's ``NewWarningHeader`` (v0.37).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_MOST_CHARACTERS = 4096  # truncateAtTotalRunes
_MOST_CHARACTERS_EACH = 256  # truncateItemRunes, once all together are too long


def warning_headers(texts: Iterable[str]) -> list[tuple[bytes, bytes]]:
    """Return a header for each text, once; one with control characters is left out.

    Together they are bounded, because clients bound the headers that they read.
    """
    said = [text for text in dict.fromkeys(texts) if text and not _has_control(text)]
    if sum(map(len, said)) > _MOST_CHARACTERS:
        said = _shortened(said)
    return [(b"warning", f'299 - "{_escaped(text)}"'.encode()) for text in said]


def _shortened(texts: list[str]) -> list[str]:
    result: list[str] = []
    size = 0
    for text in texts:
        if size >= _MOST_CHARACTERS:
            break
        result.append(text[:_MOST_CHARACTERS_EACH])
        size += len(result[-1])
    return result


def _has_control(text: str) -> bool:
    return not text.isprintable() and any(unicodedata.category(letter) == "Cc" for letter in text)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
