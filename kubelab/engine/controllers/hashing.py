"""Short hashes for names: FNV, written in letters that spell no words.

Upstream hashes Go's own print of a struct; here it is the object's JSON. So a template's hash is stable and
has upstream's form, but is not the one that a real cluster gives it.
"""

from __future__ import annotations

import struct

import orjson

from kubelab.client import Object
from kubelab.fnv import fnv32a

# apimachinery's rand.SafeEncodeString.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def safe_encode(text: str) -> str:
    """Return the text with each byte as one of 27 letters and digits (``SafeEncodeString``)."""
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in text.encode())


def template_hash(template: Object, collision_count: int | None) -> str:
    """Return the hash of a pod template, as ``pod-template-hash`` shows it."""
    data = orjson.dumps(template, option=orjson.OPT_SORT_KEYS)
    if collision_count is not None:
        data += struct.pack("<Q", collision_count)
    return safe_encode(str(fnv32a(data)))
