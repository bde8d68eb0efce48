"""FNV-1a, the hash by which Kubernetes shortens what goes into names."""

from __future__ import annotations

_OFFSET, _PRIME, _MASK = 2166136261, 16777619, 0xFFFFFFFF


def fnv32a(data: bytes) -> int:
    """Return the 32-bit FNV-1a hash (Go's ``fnv.New32a``)."""
    value = _OFFSET
    for byte in data:
        value = ((value ^ byte) * _PRIME) & _MASK
    return value
