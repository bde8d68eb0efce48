"""`Sample`: what was seen of the system at one moment of an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["before", "during", "after"]


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at one moment.

    Parameters
    ----------
    at_s : float
        Seconds since the fault was injected; negative before it.
    stage : {"before", "during", "after"}
        Of the fault.
    phase : str
        Where the job stood, such as ``Running``; empty if the API did not answer.
    step : int, optional
        The newest step that rank 0 reported.
    first_step : int, optional
        The first that it reported since it was last started.
    restarts : int
        How often its workers had been started again.
    running, workers : int
        How many of the job's workers ran, and how many it has.
    answer : bool, optional
        What the function that was expected to return True returned, where the hypothesis is one.
    """

    at_s: float
    stage: Stage
    phase: str = ""
    step: int | None = None
    first_step: int | None = None
    restarts: int = 0
    running: int = 0
    workers: int = 0
    answer: bool | None = None

    @property
    def is_seen(self) -> bool:
        """Whether the API answered."""
        return bool(self.phase) or self.answer is not None
