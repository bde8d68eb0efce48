"""How a worker ends when its function raises: a traceback of the user's own frames, and an exit code."""

from __future__ import annotations

import linecache
import os
import re
import sys
import sysconfig
import time
import traceback
from collections.abc import Iterable, Mapping

from kubelab.errors import KubelabError
from kubelab.training.pod.environment import PodEnvironment

EXIT_RAISED = 1
"""The function raised: running it again would raise again, so the job fails at once."""
EXIT_PEER_LOST = 170
"""Another worker went away. Above 127, which the training operator's ExitCode policy retries."""

_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})
# XLA raises what its status code maps to: a lost gloo connection is a ValueError.
_COLLECTIVE_FAILED = re.compile(r"^[A-Z_]+: Gloo \S+ failed: |^UNAVAILABLE: |NCCL operation .* failed")
_COORDINATION_FAILED = re.compile(
    r"coordination|barrier|heartbeat|socket closed|connection (closed|reset|refused)|"
    r"task .* (died|failed|disconnected)",
    re.IGNORECASE,
)
_GRACE_S = 0.5
"""How long a worker that lost a peer waits, so that the peer's own end is seen first: if it raised, a
TrainJob is over at once. A JAXJob starts its workers again one by one, and there the old coordinator
must be gone before the new worker comes."""


def is_peer_lost(error: BaseException, size: int) -> bool:
    """Return whether an error only says that another worker went away."""
    if size == 1:
        return False
    from_jax = any(cls.__name__ in {"JaxRuntimeError", "XlaRuntimeError"} for cls in type(error).__mro__)
    text = str(error)
    return bool(_COLLECTIVE_FAILED.search(text) or (from_jax and _COORDINATION_FAILED.search(text)))


def remember_sources(sources: Mapping[str, str]) -> None:
    """Let tracebacks show the lines of code that has no file here, such as a notebook's cells."""
    for filename, text in sources.items():
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)


def describe(error: BaseException, archive: str, labels: Mapping[str, str]) -> str:
    """Return the traceback without the frames of libraries and of this package.

    Parameters
    ----------
    error : BaseException
        What was raised.
    archive : str
        The job's archive, whose own frames are left out.
    labels : mapping
        File names to show otherwise, such as ``Cell In[3]`` for a cell's.
    """
    if os.environ.get("KUBELAB_FULL_TRACEBACK"):
        return "".join(traceback.format_exception(error))
    if isinstance(error, KubelabError) and not _own_frames(
        traceback.extract_tb(error.__traceback__), archive
    ):
        return f"{type(error).__name__}: {error}\n"
    report = traceback.TracebackException.from_exception(error, compact=True)
    for part in _chain(report):
        part.stack = traceback.StackSummary.from_list(_own_frames(part.stack, archive) or list(part.stack))
    text = "".join(report.format())
    for filename, label in labels.items():
        text = text.replace(f'"{filename}"', f'"{label}"')
    return text


def end(error: BaseException, environment: PodEnvironment, archive: str, labels: Mapping[str, str]) -> int:
    """Write why the worker ends to its log and return its exit code."""
    if is_peer_lost(error, environment.size):
        reason = str(error).strip().splitlines()[0]
        sys.stderr.write(f"kubelab: another worker went away, so this one ends too ({reason})\n")
        sys.stderr.flush()
        if environment.max_restarts is None:
            time.sleep(_GRACE_S)
        return EXIT_PEER_LOST
    sys.stderr.write(describe(error, archive, labels))
    return EXIT_RAISED


def _own_frames(stack: Iterable[traceback.FrameSummary], archive: str) -> list[traceback.FrameSummary]:
    return [frame for frame in stack if not _is_library(frame.filename, archive)]


def _chain(report: traceback.TracebackException) -> list[traceback.TracebackException]:
    found, waiting = [], [report]
    while waiting:
        part = waiting.pop()
        found.append(part)
        waiting += [other for other in (part.__cause__, part.__context__) if other is not None]
        waiting += part.exceptions or []
    return found


def _is_library(filename: str, archive: str) -> bool:
    return (
        filename.startswith((*_LIBRARIES, "<frozen", "kubelab/"))  # the last as its bytecode says
        or os.path.join(archive, "kubelab") in filename  # noqa: PTH118 - a path inside a zip
        or os.path.join(archive, "__main__") in filename  # noqa: PTH118 - as above
        or os.path.join(archive, "cloudpickle") in filename  # noqa: PTH118 - as above
    )
