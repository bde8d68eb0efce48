"""What a pod on a simulated node shall do, as its annotations declare it.

All are optional, and their names begin with ``simulated.kubelab.dev/``:

===================== =========================================================================
``start-delay``       seconds from binding until its containers run; 0
``run-duration``      seconds that each run of its containers lasts. Unless given, pods that a Job
                      owns and pods with an exit code run for one second, and others for good
``exit-code``         what its containers exit with; 0
``reason``            why they exited, such as ``OOMKilled``; ``Completed`` or ``Error``
``termination-delay`` seconds that they take to end once the pod is deleted, its grace period at most; 0
``cpu``, ``memory``   constant use of the whole pod, as quantities: ``250m``, ``128Mi``
``usage``             use over time instead: ``[[seconds, millicores, bytes], ...]`` from the start
                      of the run, in order; each holds until the next, the first also before it
===================== =========================================================================

That pods of a Job complete and others go on is also what KWOK's default stages do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import orjson

from kubelab.client import Object
from kubelab.errors import KubelabError
from kubelab.quantities import QuantityError, cpu_millicores, whole

PREFIX = "simulated.kubelab.dev/"
DEFAULT_RUN_S = 1.0

Series = tuple[tuple[float, int, int], ...]
"""Points of (seconds, millicores, bytes)."""


class DeclarationError(KubelabError, ValueError):
    """An annotation of a pod does not say what its node shall simulate."""

    def __init__(self, name: str, value: str, remedy: str) -> None:
        self.name = PREFIX + name
        self.value = value
        super().__init__(f"the annotation {self.name} is {value!r}. {remedy}")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a pod shall do.

    Attributes
    ----------
    run_s : float or None
        How long each run lasts; None for ever.
    usage : Series
        Use of the whole pod, by seconds since its containers started.
    """

    start_delay_s: float
    run_s: float | None
    exit_code: int
    reason: str
    termination_delay_s: float
    usage: Series

    @staticmethod
    def of(pod: Object) -> Declaration:
        """Read a pod's annotations.

        Raises
        ------
        DeclarationError
            If one of them has no meaning.
        """
        found = pod["metadata"].get("annotations") or {}
        exit_code = _exit_code(found)
        ends = exit_code != 0 or f"{PREFIX}exit-code" in found or _is_of_job(pod)
        return Declaration(
            start_delay_s=_seconds(found, "start-delay") or 0.0,
            run_s=_seconds(found, "run-duration", DEFAULT_RUN_S if ends else None),
            exit_code=exit_code,
            reason=found.get(f"{PREFIX}reason") or ("Error" if exit_code else "Completed"),
            termination_delay_s=_seconds(found, "termination-delay") or 0.0,
            usage=usage_of(pod),
        )


def usage_of(pod: Object) -> Series:
    """Return the use that a pod declares; empty where it declares none.

    Raises
    ------
    DeclarationError
        If an annotation has no meaning.
    """
    found = pod["metadata"].get("annotations") or {}
    series = found.get(f"{PREFIX}usage")
    if series is not None:
        return _series(series)
    cpu, memory = found.get(f"{PREFIX}cpu"), found.get(f"{PREFIX}memory")
    if cpu is None and memory is None:
        return ()
    return ((0.0, _amount("cpu", cpu), _amount("memory", memory)),)


def _is_of_job(pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner["kind"] == "Job" and owner.get("controller") for owner in owners)


def _seconds(found: Mapping[str, str], name: str, default: float | None = None) -> float | None:
    text = found.get(PREFIX + name)
    if text is None:
        return default
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise DeclarationError(name, text, 'Write seconds as a number, such as "2.5".')
    return seconds


def _exit_code(found: Mapping[str, str]) -> int:
    text = found.get(f"{PREFIX}exit-code", "0")
    if not (text.isascii() and text.isdigit() and int(text) <= 255):
        raise DeclarationError("exit-code", text, 'Write a number from 0 to 255, such as "1".')
    return int(text)


def _amount(name: str, text: str | None) -> int:
    try:
        amount = (cpu_millicores if name == "cpu" else whole)(text or 0)
    except QuantityError:
        amount = -1
    if amount < 0:
        raise DeclarationError(name, str(text), "Write a quantity, such as 250m of cpu or 128Mi of memory.")
    return amount


@lru_cache(maxsize=1024)
def _series(text: str) -> Series:
    try:
        points = tuple((float(at), int(cpu), int(memory)) for at, cpu, memory in orjson.loads(text))
    except (ValueError, TypeError):  # a JSONDecodeError is a ValueError
        points = ()
    times = [point[0] for point in points]
    if not points or times != sorted(times) or min(min(point) for point in points) < 0:
        remedy = "Write [[seconds, millicores, bytes], ...] in order of time, such as [[0, 250, 1000000]]."
        raise DeclarationError("usage", text, remedy)
    return points
