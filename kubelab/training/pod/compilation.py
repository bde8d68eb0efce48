"""JAX's compilation cache, kept by every worker."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import sys
import types
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

CACHE = "JAX_COMPILATION_CACHE_DIR"
_LOCKS = ".compiling"


def keep_what_is_compiled() -> None:
    """Have this worker write what it compiles to the node's cache, whatever its rank.

    JAX writes from process 0 only, to spare shared file systems; but a program's key names its devices,
    so the other ranks would compile all over again in every job. Here the cache is a directory of the
    node. Where JAX's internals are other than in 0.10, nothing changes.
    """
    if "://" in os.environ.get(CACHE, "://"):
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


def compile_once() -> None:
    """Have this worker wait for another one that compiles the same program, and read what came out.

    The first trials of a sweep start together, and each would compile what one of them can for all. Only
    for workers that are jobs of their own: those of one job have programs of their own.
    """
    if "://" in os.environ.get(CACHE, "://") or "jax" not in sys.modules:
        return
    try:
        from jax._src import compiler

        compile_and_write: Any = compiler._compile_and_write_cache  # noqa: SLF001 - as above
        read: Any = compiler._cache_read  # noqa: SLF001
    except (ImportError, AttributeError):
        return
    compiler._compile_and_write_cache = _after_others(compile_and_write, read)  # noqa: SLF001


def _after_others(compile_and_write: Callable[..., Any], read: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(compile_and_write)
    def compiled(backend: Any, *what: Any) -> Any:
        _, devices, options, callbacks, name, key = what
        if callbacks:  # such programs are not kept
            return compile_and_write(backend, *what)
        with _turn(key):
            found = read(name, key, options, backend, devices)[0]
            return compile_and_write(backend, *what) if found is None else found

    return compiled


@contextlib.contextmanager
def _turn(key: str) -> Iterator[None]:
    """Hold a program's lock, which is one byte of a file; the kernel frees it when its holder ends."""
    try:
        locks = os.open(Path(os.environ[CACHE], _LOCKS), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:  # a cache that this user may only read
        yield
        return
    try:
        fcntl.lockf(locks, fcntl.LOCK_EX, 1, zlib.crc32(key.encode()))
        yield
    finally:
        os.close(locks)
