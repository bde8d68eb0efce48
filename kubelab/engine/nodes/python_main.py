"""Runs a Python command line in a forked child as a fresh interpreter would.

`accepts` says which command lines can run so; `prepare` makes the process look new (environment, standard
streams, signals, paths, random seeds); `run` does what ``python -m``, ``-c``, a script or a zip does.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import functools
import gc
import importlib
import io
import itertools
import logging
import os
import random
import runpy
import signal
import sys
import threading
import time
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, NoReturn

from kubelab.engine.nodes import linux

_NAMES = frozenset(
    {"python", "python3", f"python3.{sys.version_info.minor}", sys.executable, "/usr/local/bin/python"}
)
_READ_AT_START = (
    "PYTHON",
    "LD_",
    "MALLOC_",
    "GLIBC_",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "GOTO_",
    "VECLIB_",
)
"""Variables that the interpreter or a library reads only once, before a fork could set them."""
_LEFT: list[types.ModuleType] = []
"""Modules that the program does not see; to take them apart would take 20 ms and memory of its own."""


@dataclass(slots=True)
class _Known:
    """How many modules there were before the forks, in the order of their import, and which are ours."""

    count: int = 0
    own: list[str] = field(default_factory=list)


_KNOWN = _Known()
_SETTABLE = frozenset({"PYTHONUNBUFFERED", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "OMP_NUM_THREADS"})


def accepts(argv: list[str], env: dict[str, str]) -> bool:
    """Say whether a warm interpreter can run the command line exactly as a new one would."""
    if not argv or argv[0] not in _NAMES:
        return False
    if any(name.startswith(_READ_AT_START) and name not in _SETTABLE for name in env):
        return False
    rest = [word for word in argv[1:3] if word != "-u"]
    return bool(rest) and (rest[0] in {"-c", "-m"} or not rest[0].startswith("-"))


def prepare(argv: list[str], env: dict[str, str], paths: list[str]) -> None:
    """Make this forked process look like a new interpreter; its descriptors 0 to 2 are in place.

    Parameters
    ----------
    argv : list of str
        Accepted command line.
    env : dict of str to str
        The whole environment it shall see.
    paths : list of str
        ``sys.path`` of a new interpreter, without the script's own entry.
    """
    gc.enable()
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    _reset_signals()
    _open_streams(unbuffered=bool(env.get("PYTHONUNBUFFERED")) or "-u" in argv[1:3])
    sys.path[:] = [entry for entry in env.get("PYTHONPATH", "").split(os.pathsep) if entry] + paths
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    sys.orig_argv[:] = argv
    threading.current_thread().name = "MainThread"
    logging.root.handlers.clear()  # absl's, which would make logging.basicConfig do nothing
    random.seed()
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random").seed()
    _apply_jax_flags(env)
    _limit_threads(env.get("OMP_NUM_THREADS", ""))
    linux.set_process_name("python")
    _LEFT.extend(sys.modules.pop(name) for name in _own_modules())  # the pod may bring its own
    importlib.invalidate_caches()


def remember_modules() -> None:
    """Take note of what is imported before the forks: a child that looks through it all copies its pages."""
    _KNOWN.own = [name for name in sys.modules if _is_own(name)]
    _KNOWN.count = len(sys.modules)


def _own_modules() -> list[str]:
    newer = itertools.islice(reversed(sys.modules), max(0, len(sys.modules) - _KNOWN.count))
    return [*_KNOWN.own, *[name for name in newer if _is_own(name)]]


def _is_own(name: str) -> bool:
    return name.partition(".")[0] == "kubelab"


def run(argv: list[str]) -> NoReturn:
    """Run the command line and end the process as the interpreter would."""
    words = [argv[0], *argv[2:]] if argv[1] == "-u" else argv
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __annotations__={})
    sys.modules["__main__"] = main
    entry = _entry(words, main)
    code = _code_of(entry)
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads as Py_Finalize does
        atexit._run_exitfuncs()  # noqa: SLF001 - what Py_Finalize calls
        sys.stdout.flush()
    except OSError:
        code = 120
    finally:
        sys.stderr.flush()
        os._exit(code & 0xFF)


def _code_of(entry: Callable[[], object]) -> int:
    try:
        entry()
    except SystemExit as stop:
        return _exit_code(stop)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    except BaseException as error:  # noqa: BLE001 - the top of a program
        traceback = error.__traceback__
        while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
            traceback = traceback.tb_next
        sys.excepthook(type(error), error.with_traceback(traceback), traceback)
        return 1
    return 0


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code
    sys.stderr.write(f"{stop.code}\n")
    return 1


def _entry(words: list[str], main: types.ModuleType) -> Callable[[], object]:
    if words[1] == "-c":
        sys.argv[:] = ["-c", *words[3:]]
        sys.path.insert(0, "")
        return lambda: exec(compile(words[2], "<string>", "exec"), main.__dict__)  # noqa: S102 - python -c
    if words[1] == "-m":
        sys.argv[:] = ["-m", *words[3:]]
        sys.path.insert(0, str(Path.cwd()))
        return lambda: runpy._run_module_as_main(words[2])  # type: ignore[attr-defined]  # noqa: SLF001 - python -m
    sys.argv[:] = words[1:]
    return lambda: _run_path(words[1], main)


def _run_path(path: str, main: types.ModuleType) -> None:
    if Path(path).is_dir() or path.endswith((".zip", ".pyz")):
        sys.path.insert(0, path)
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]  # noqa: SLF001 - python x.zip
        return
    sys.path.insert(0, str(Path(path).resolve().parent))
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        sys.stderr.write(
            f"{sys.executable}: can't open file {path!r}: [Errno {error.errno}] {error.strerror}\n"
        )
        raise SystemExit(2) from None
    main.__dict__.update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
    exec(compile(source, path, "exec"), main.__dict__)  # noqa: S102 - python script.py


def _reset_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) not in {signal.SIG_DFL, None}:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _open_streams(*, unbuffered: bool) -> None:
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(  # type: ignore[misc]
        io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding="utf-8"
    )
    sys.stdout = sys.__stdout__ = _writer(1, "strict", unbuffered=unbuffered)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace", unbuffered=unbuffered)  # type: ignore[misc]


def _writer(fd: int, errors: str, *, unbuffered: bool) -> io.TextIOWrapper:
    raw = io.FileIO(fd, "w", closefd=False)
    buffer = raw if unbuffered else io.BufferedWriter(raw)
    stream = io.TextIOWrapper(
        buffer,
        encoding="utf-8",
        errors=errors,
        line_buffering=fd == 2 or os.isatty(fd),
        write_through=unbuffered,
    )
    stream.mode = "w"  # type: ignore[misc]
    return stream


@functools.cache
def thread_pools() -> Any:
    """Return the libraries with threads that are loaded, found once: to look for them takes a while."""
    return importlib.import_module("threadpoolctl").ThreadpoolController()


def _limit_threads(count: str) -> None:
    """Give numpy's libraries the number of threads that they would have read when they were loaded."""
    if count.isdigit() and "numpy" in sys.modules:
        with contextlib.suppress(ImportError):
            thread_pools().limit(limits=int(count))


def _apply_jax_flags(env: dict[str, str]) -> None:
    """Set the jax.config flags that a fresh import would have read from the environment."""
    config = getattr(sys.modules.get("jax"), "config", None)
    if config is None:
        return
    for name, text in env.items():
        flag = name.lower()
        if name.startswith("JAX_") and flag in config.values:
            config.update(flag, _like(config.values[flag], text))


def _like(current: object, text: str) -> object:
    if isinstance(current, bool):
        return text.lower() in {"y", "yes", "t", "true", "on", "1"}
    if isinstance(current, int | float):
        return type(current)(text)
    return text
