"""JAX's compilation cache, kept by every worker."""

from __future__ import annotations

import os
import types
from typing import Any


def keep_what_is_compiled() -> None:
    """Have this worker write what it compiles to the node's cache, whatever its rank.

    JAX writes from process 0 only, to spare shared file systems; but a program's key names its devices,
    so the other ranks would compile all over again in every job. Here the cache is a directory of the
    node. Where JAX's internals are other than in 0.10, nothing changes.
    """
    if "://" in os.environ.get("JAX_COMPILATION_CACHE_DIR", "://"):
        return
    try:
        from jax._src import compiler

        write: Any = compiler._cache_write  # noqa: SLF001 - JAX has no public name for it
    except (ImportError, AttributeError):
        return
    first = types.SimpleNamespace(global_state=types.SimpleNamespace(process_id=0))
    compiler._cache_write = types.FunctionType(  # noqa: SLF001 - as above
        write.__code__, {**write.__globals__, "distributed": first}, write.__name__, write.__defaults__
    )
