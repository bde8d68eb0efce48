"""AdamW and the learning rate's course.

The rate of a step is computed here and handed to the compiled step as a number: runs that differ in it, or
in its course, share one compiled program.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

import jax
import optax

from kubelab.llm.errors import ConfigError

Schedule = Literal["cosine", "linear", "constant"]
SCHEDULES: dict[str, Callable[[float], float]] = {
    "cosine": lambda part: 0.5 * (1 + math.cos(math.pi * part)),
    "linear": lambda part: 1 - part,
    "constant": lambda _: 1.0,
}
"""From the part of training that is over, 0 to 1, to the part of the highest rate."""


def learning_rate(step: int, *, lr: float, steps: int, warmup: int, schedule: str) -> float:
    """Return the rate of a step, counted from 1: up to ``lr`` in ``warmup`` steps, then by the schedule.

    Raises
    ------
    ConfigError
        If the schedule is not known.
    """
    if schedule not in SCHEDULES:
        raise ConfigError(f"schedule={schedule!r} is not known. Choose one of: {', '.join(SCHEDULES)}.")
    if step <= warmup:
        return lr * step / warmup
    return lr * SCHEDULES[schedule]((step - warmup - 1) / max(1, steps - warmup))


def adamw(
    weight_decay: float, *, clip: float = 1.0, b1: float = 0.9, b2: float = 0.95
) -> optax.GradientTransformation:
    """Return AdamW for a rate of 1 (arXiv 1711.05101), after gradients are cut to a norm of ``clip``.

    Weights decay in matrices only: a norm's scale has nothing to shrink for.
    """
    return optax.chain(
        optax.clip_by_global_norm(clip),
        optax.scale_by_adam(b1, b2),
        optax.add_decayed_weights(weight_decay, mask=_matrices),
    )


def _matrices(params: Any) -> Any:
    return jax.tree.map(lambda weights: weights.ndim >= 2, params)
