"""Searches race on a real model: which finds a good loss with the fewest training steps.

The model is a small network on scikit-learn's digits, trained by momentum SGD with dropout. `race` trains it
with a search algorithm on two workers that take turns, step by step. A trial's whole curve is computed at its
first step, in one compiled loop; only the steps that were taken count.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kubelab.tuning import (
    Problem,
    Report,
    Space,
    TrialRecord,
    log,
    objective_value,
    suggest,
    uniform,
    verdict,
)

STEPS = 81
SPACE = Space({"lr": log(1e-5, 1), "momentum": uniform(0, 0.99), "dropout": uniform(0, 0.6)})
BATCH, HIDDEN, TRAINING_IMAGES = 128, 64, 1_400


@functools.cache
def curve(lr: float, momentum: float, dropout: float) -> tuple[float, ...]:
    """Return the loss on held-out images after each of `STEPS` steps; infinite where it diverged."""
    losses = _trainer()(lr, momentum, dropout).tolist()
    return tuple(loss if math.isfinite(loss) else math.inf for loss in losses)


@functools.cache
def _trainer() -> Callable[[float, float, float], Any]:
    """Compile the training of one trial: hyperparameters in, losses of shape (STEPS,) out."""
    import jax
    import jax.numpy as jnp
    import optax
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images, classes = jnp.asarray(pixels / 16, jnp.float32), jnp.asarray(labels)
    held_out, held_out_classes = images[TRAINING_IMAGES:], classes[TRAINING_IMAGES:]

    def loss_of(params: Any, images: Any, classes: Any, kept: Any) -> Any:
        logits = jax.nn.relu(images @ params[0]) * kept @ params[1]
        return optax.softmax_cross_entropy_with_integer_labels(logits, classes).mean()

    def train(lr: float, momentum: float, dropout: float) -> Any:
        def step(carry: Any, key: Any) -> Any:
            params, velocity = carry
            drawn, dropped = jax.random.split(key)
            rows = jax.random.randint(drawn, (BATCH,), 0, TRAINING_IMAGES)
            kept = jax.random.bernoulli(dropped, 1 - dropout, (BATCH, HIDDEN)) / (1 - dropout)
            slope = jax.grad(loss_of)(params, images[rows], classes[rows], kept)
            velocity = jax.tree.map(lambda speed, down: momentum * speed - lr * down, velocity, slope)
            params = jax.tree.map(jnp.add, params, velocity)
            return (params, velocity), loss_of(params, held_out, held_out_classes, 1.0)

        key, first, second = jax.random.split(jax.random.key(0), 3)
        params = [
            jax.random.normal(first, (64, HIDDEN)) / 8,
            jax.random.normal(second, (HIDDEN, 10)) / HIDDEN**0.5,
        ]
        still = jax.tree.map(jnp.zeros_like, params)
        return jax.lax.scan(step, (params, still), jax.random.split(key, STEPS))[1]

    compiled: Callable[[float, float, float], Any] = jax.jit(train)
    return compiled


@dataclass(frozen=True)
class Race:
    """How a search went.

    Parameters
    ----------
    steps : int
        Training steps in all trials together.
    trials : int
        How many trials were started.
    best : float
        The least loss.
    """

    steps: int
    trials: int
    best: float


def race(algorithm: str, seed: int, max_trials: int, until: float = -math.inf) -> Race:
    """Run a search until a loss is reached or its trials are used up."""
    settings = {"min_resource": "1", "eta": "3", "max_resource": str(STEPS)} if algorithm == "asha" else {}
    problem = Problem(SPACE, "loss", algorithm=algorithm, settings=settings, parallel=2, seed=seed)
    trials: list[TrialRecord] = []
    steps, best = 0, math.inf
    while best > until:
        running = [trial for trial in trials if trial.state == "Running"]
        if not running and len(trials) >= max_trials:
            break
        wanted = min(problem.parallel - len(running), max_trials - len(trials))
        for assignment in suggest(problem, trials, wanted).assignments:
            number = len(trials)
            trials.append(TrialRecord(f"t{number}", number, assignment.parameters, "Running", {"loss": ()}))
        for trial in [trial for trial in trials if trial.state == "Running"]:
            trials[trial.number] = _stepped(problem, trial, trials, time=float(steps))
            steps += 1
            best = min(best, objective_value(problem, trials[trial.number]) or math.inf)
    return Race(steps, len(trials), best)


def _stepped(problem: Problem, trial: TrialRecord, trials: list[TrialRecord], time: float) -> TrialRecord:
    reports = trial.reports["loss"]
    step = len(reports) + 1
    losses = curve(**{name: float(text) for name, text in trial.assignments.items()})
    trial = replace(trial, reports={"loss": (*reports, Report(step, losses[step - 1], time))})
    others = [other for other in trials if other.number != trial.number]
    if verdict(problem, trial, others):
        return replace(trial, state="EarlyStopped")
    return replace(trial, state="Succeeded") if step == STEPS else trial
