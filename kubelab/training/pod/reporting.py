"""`report`: one line of metrics, in the form that Katib's collector reads."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubelab import clock
from kubelab.errors import KubelabError
from kubelab.training.pod.data import line_of
from kubelab.training.pod.environment import PodEnvironment
from kubelab.training.pod.history import History
from kubelab.training.pod.progress import Progress, trainer_status

_NAME = re.compile(r"^[\w|-]+$")
_RESERVED = frozenset({"attempt", "step"})
_SINGLE = frozenset({"float32", "bfloat16", "float16"})


class Reporter:
    """Writes a worker's metrics to its log, its history and, from rank 0, to the job's status.

    Parameters
    ----------
    environment : PodEnvironment
        Whose metrics these are.
    steps : int, optional
        How many steps there will be, where that is known.
    """

    def __init__(self, environment: PodEnvironment, steps: int | None = None) -> None:
        self.steps = steps
        self._clock = clock.RealClock()
        self._history = History(environment.checkpoint_dir, environment.rank, environment.trial)
        self._speaks = environment.rank == 0
        self._progress = Progress.from_environment() if self._speaks else None
        self._pace: _Pace | None = None
        for line in self._history.earlier:
            _write(line)

    def report(self, step: int | None, metrics: Mapping[str, Any]) -> None:
        """Write one line; ``steps_per_second`` is added from the second step on."""
        values = {name: _text(name, value) for name, value in metrics.items()}
        rate = self._rate(step)
        if rate is not None:
            values.setdefault("steps_per_second", f"{rate:.4g}")
        counted = {} if step is None else {"step": str(int(step))}
        line = self._line(counted | values)
        _write(line)
        self._history.add(line)
        if self._progress is not None:
            self._progress.update(self._status(step, counted | values, rate))

    def fingerprint(self, name: str, digest: str) -> None:
        """Write which data this run learns from, once for all workers."""
        line = line_of(clock.rfc3339_micro(self._clock.now()), name, digest)
        if self._speaks:
            _write(line)
            self._history.add(line)

    @property
    def attempt(self) -> int:
        """How often this worker had been started before."""
        return self._history.attempt

    def close(self) -> None:
        """Post the last status."""
        if self._progress is not None:
            self._progress.close()

    def _line(self, values: Mapping[str, str]) -> str:
        moment = clock.rfc3339_micro(self._clock.now())
        attempt = {"attempt": str(self._history.attempt)} if self._history.attempt else {}
        return " ".join([moment, *(f"{name}={value}" for name, value in {**values, **attempt}.items())])

    def _rate(self, step: int | None) -> float | None:
        if step is None:
            return None
        before, self._pace = self._pace, _Pace(int(step), clock.monotonic())
        if before is None or self._pace.step <= before.step:
            return None
        return (self._pace.step - before.step) / max(self._pace.time_s - before.time_s, 1e-9)

    def _status(self, step: int | None, values: Mapping[str, str], rate: float | None) -> dict[str, Any]:
        remaining_s = (self.steps - step) / rate if step is not None and self.steps and rate else None
        now = clock.rfc3339(self._clock.now())
        return trainer_status(values, now, step=step, steps=self.steps, remaining_s=remaining_s)


@dataclass(frozen=True, slots=True)
class _Pace:
    step: int
    time_s: float


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _text(name: str, value: Any) -> str:
    """Return a number as Katib's default pattern reads it."""
    if not _NAME.match(name) or name in _RESERVED:
        raise KubelabError(
            f"{name!r} cannot name a metric: use letters, digits, _ and -, and neither step nor attempt."
        )
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise KubelabError(
            f"metric {name}={value!r} is not a number (type {type(value).__name__}, "
            f"shape {getattr(value, 'shape', '()')}). Report one number, such as its mean."
        ) from None
    if math.isfinite(number) and number == int(number) and abs(number) < 1e15:
        return str(int(number)) if isinstance(value, int) else repr(number)
    single = str(getattr(value, "dtype", "")) in _SINGLE
    return f"{number:.7g}" if single else repr(number)  # a float32 means no more digits than these
