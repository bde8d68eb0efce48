"""A byte-level GPT in JAX: its text, its training, its adaptation with LoRA, and the text it writes.

`pretrain` and `finetune` are ordinary functions: call them, or hand them to ``cluster.train``. Nothing here
imports JAX until it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kubelab.llm.config import SIZES, GPTConfig

if TYPE_CHECKING:
    from kubelab.llm.base import Base, bases, find, make, mounted_bases
    from kubelab.llm.sampling import sample
    from kubelab.llm.train import Trained, finetune, pretrain

__all__ = [
    "SIZES",
    "Base",
    "GPTConfig",
    "Trained",
    "adopt",
    "bases",
    "find",
    "finetune",
    "make",
    "mounted_bases",
    "pretrain",
    "sample",
]

_HOMES = {
    "Base": "base",
    "Trained": "train",
    "adopt": "base",
    "bases": "base",
    "find": "base",
    "finetune": "train",
    "make": "base",
    "mounted_bases": "base",
    "pretrain": "train",
    "sample": "sampling",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
