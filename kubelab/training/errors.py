"""What can go wrong with a training job, before it is created and while it runs."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.errors import KubelabError
from kubelab.quantities import format_memory


class LaunchError(KubelabError, ValueError):
    """What was asked for cannot be a job; nothing was created."""


class NotPicklableError(LaunchError):
    """Something that the function uses cannot leave this process.

    Parameters
    ----------
    name : str
        What the code calls it.
    type_name : str
        Its type.
    where : str
        How the function reaches it.
    cause : str
        Pickle's own words.
    """

    def __init__(self, name: str, type_name: str, where: str, cause: str) -> None:
        self.name = name
        self.type_name = type_name
        self.cause = cause
        super().__init__(
            f"{name!r} ({where}, a {type_name}) cannot be sent to another process: {cause}. "
            "Make it inside the function, or pass what it is made from as an argument."
        )


class ArchiveTooLargeError(LaunchError):
    """The function with what it uses does not fit into a ConfigMap.

    Parameters
    ----------
    size_bytes, limit_bytes : int
        What it takes, and what fits.
    largest : sequence of (str, int)
        The largest values that it takes along, with their bytes.
    """

    def __init__(self, size_bytes: int, limit_bytes: int, largest: Sequence[tuple[str, int]]) -> None:
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        self.largest = list(largest)
        names = ", ".join(f"{name} ({format_memory(size)})" for name, size in largest)
        super().__init__(
            f"the function takes {format_memory(size_bytes)} along, more than the "
            f"{format_memory(limit_bytes)} that fit into a ConfigMap. The largest: {names}. "
            "Load data inside the function instead."
        )


class JobFailedError(KubelabError):
    """A job failed.

    Parameters
    ----------
    job : str
        The job's name.
    reason : str
        The job's own reason and message.
    rank : int, optional
        The worker that failed first; None where no worker did.
    exit_code : int, optional
        Its exit code; above 128 a signal's number plus 128.
    cause : str
        The same in words, such as ``rank 1 exited with code 1``.
    lines : sequence of str, optional
        Its last log lines; None where its log is no longer kept.
    """

    def __init__(
        self,
        job: str,
        reason: str,
        *,
        rank: int | None = None,
        exit_code: int | None = None,
        cause: str = "",
        lines: Sequence[str] | None = None,
    ) -> None:
        self.job = job
        self.reason = reason
        self.rank = rank
        self.exit_code = exit_code
        self.cause = cause
        self.lines = list(lines or ())
        super().__init__(
            f"job {job} failed: {cause}; {_shown(lines)}" if cause else f"job {job} failed: {reason}"
        )


class JobStoppedError(KubelabError):
    """The job was deleted while it was waited for."""


class JobTimeoutError(KubelabError, TimeoutError):
    """A job has not ended in the time that it was waited for; it goes on.

    Parameters
    ----------
    job : str
        The job's name.
    summary : str
        Where it stands.
    """

    def __init__(self, job: str, summary: str) -> None:
        self.job = job
        self.summary = summary
        super().__init__(f"job {job} has not ended in time and goes on: {summary}. See explain().")


def _shown(lines: Sequence[str] | None) -> str:
    if not lines:
        return "its log is no longer kept" if lines is None else "it wrote no log"
    return "\n".join(["its last log lines:", *(f"  {line}" for line in lines)])


def ending(exit_code: int | None) -> str:
    """Return an exit code in words: ``exited with code 1``, ``was killed by SIGKILL (exit code 137)``."""
    import signal

    if exit_code is None:
        return "failed"
    try:
        name = signal.Signals(exit_code - 128).name if exit_code > 128 else ""
    except ValueError:
        name = ""
    return f"was killed by {name} (exit code {exit_code})" if name else f"exited with code {exit_code}"
