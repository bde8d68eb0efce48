"""`Settings`: how to train, checked before anything is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from kubelab.llm.errors import ConfigError
from kubelab.llm.optimizer import SCHEDULES, learning_rate


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train.

    Parameters
    ----------
    steps : int
        Updates of the weights.
    batch : int
        Windows of text in one update, over all workers.
    context : int
        Tokens in a window.
    lr : float
        The highest learning rate.
    schedule : {"cosine", "linear", "constant"}
        Its course after the warm-up.
    warmup : int
        Steps until it is reached.
    weight_decay : float
        Of matrices, by AdamW.
    report_every : int
        Steps between reports.
    seed : int
        Decides the windows and the dropout.
    """

    steps: int
    batch: int
    context: int
    lr: float
    schedule: str = "cosine"
    warmup: int = 10
    weight_decay: float = 0.1
    report_every: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "context", "report_every"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name}={value!r} must be a whole number of at least 1.")
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise ConfigError(f"lr={self.lr!r} must be more than 0, such as 3e-3.")
        if not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise ConfigError(f"weight_decay={self.weight_decay!r} must be at least 0, such as 0.1.")
        if self.schedule not in SCHEDULES:
            known = ", ".join(SCHEDULES)
            raise ConfigError(f"schedule={self.schedule!r} is not known. Choose one of: {known}.")
        if not isinstance(self.warmup, int) or not 0 <= self.warmup <= self.steps:
            raise ConfigError(f"warmup={self.warmup!r} must be a whole number from 0 to steps={self.steps}.")

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1."""
        return learning_rate(step, lr=self.lr, steps=self.steps, warmup=self.warmup, schedule=self.schedule)

    def reports(self, step: int) -> bool:
        """Return whether a step is one to report."""
        return step % self.report_every == 0 or step == self.steps
