"""`fit`: the loop that trains some of a model's weights on a corpus, alone or together with other workers.

The batch is split among all devices, and the weights are on each of them: XLA adds what averages gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
from flax import nnx

from kubelab import clock, training
from kubelab.llm.corpus import Corpus
from kubelab.llm.errors import ConfigError, DivergedError
from kubelab.llm.model import GPT
from kubelab.llm.optimizer import adamw
from kubelab.llm.program import Program, key_of
from kubelab.llm.settings import Settings

Report = Callable[..., None]

VALIDATION_WINDOWS = 32


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came out.

    Parameters
    ----------
    params : tree of ndarray
        The weights that were trained.
    loss, val_loss : float
        The last ones reported, in nats for a token.
    seconds : float
        From the first step to the last, compilation included.
    """

    params: Any = field(repr=False)
    loss: float
    val_loss: float
    seconds: float


def fit(
    model: GPT, corpus: Corpus, settings: Settings, *, only: Any = nnx.Param, report: Report | None = None
) -> Fitted:
    """Train those of a model's weights that ``only`` selects; the model itself stays as it is.

    It goes on from the newest checkpoint where the job has one.

    Raises
    ------
    ConfigError
        If the batch cannot be shared among the workers.
    CorpusError
        If the text is shorter than a window.
    DivergedError
        If the loss is no longer a number.
    """
    run = training.context()
    if report is None:
        training.fingerprint(corpus.name, digest=corpus.fingerprint)
    check_shares(settings.batch, run.mesh.size)
    program = Program(model, only, adamw(settings.weight_decay))
    state, frozen = run.replicate(program.start()), run.replicate(program.frozen)
    state, done = run.restore(state) or (state, 0)
    text = _Text(run, corpus, settings)
    progress = _Progress(settings, report or training.report)
    for step in range(done + 1, settings.steps + 1):
        rate = np.float32(settings.rate(step))
        state, loss = program.update(state, frozen, text.batch(step), rate, key_of(settings.seed, step))
        progress.add(loss)
        if settings.reports(step) or step == done + 1:
            progress.tell(step, program.loss(state, frozen, text.held_out))
        if run.should_save(step):
            run.save(step, state)
    return Fitted(jax.tree.map(_local, state[0]), progress.loss, progress.val_loss, progress.seconds())


class _Text:
    """A worker's part of the text, on its devices."""

    def __init__(self, run: Any, corpus: Corpus, settings: Settings) -> None:
        self._run, self._corpus, self._settings = run, corpus, settings
        windows = math.ceil(VALIDATION_WINDOWS / run.mesh.size) * run.mesh.size
        held_out = corpus.validation_batch(windows, settings.context, rank=run.rank, size=run.size)
        self.held_out = run.shard(held_out)

    def batch(self, step: int) -> Any:
        """Return a step's batch."""
        asked = self._settings
        run = self._run
        windows = self._corpus.batch(
            step, asked.batch, asked.context, seed=asked.seed, rank=run.rank, size=run.size
        )
        return run.shard(windows)


class _Progress:
    """Losses since the last report, and how fast they came; read, and so waited for, only to report."""

    def __init__(self, settings: Settings, report: Report) -> None:
        self.loss = self.val_loss = math.nan
        self._settings = settings
        self._report = report
        self._waiting: list[Any] = []
        self._compiled = False
        self._begun = self._since = clock.monotonic()

    def add(self, loss: Any) -> None:
        """Keep a step's loss."""
        self._waiting.append(loss)

    def tell(self, step: int, val_loss: Any) -> None:
        """Report the mean loss since the last report."""
        self.loss = float(np.mean([float(each) for each in self._waiting]))
        if not math.isfinite(self.loss):
            raise DivergedError(step, self.loss, self._settings.rate(step))
        tokens = len(self._waiting) * self._settings.batch * self._settings.context
        pace = round(tokens / max(clock.monotonic() - self._since, 1e-9))
        self.val_loss = float(val_loss)
        measured = {"tokens_per_second": pace} if self._compiled else {}
        self._report(step=step, loss=round(self.loss, 5), val_loss=round(self.val_loss, 5), **measured)
        self._waiting, self._compiled, self._since = [], True, clock.monotonic()

    def seconds(self) -> float:
        """Return how long it has taken until now."""
        return clock.monotonic() - self._begun


def check_shares(batch: int, devices: int) -> None:
    """Raise a `ConfigError` if a batch cannot be split evenly."""
    if batch % devices:
        raise ConfigError(
            f"batch={batch} cannot be shared among {devices} devices: choose a multiple of {devices}."
        )


def _local(value: Any) -> Any:
    return np.asarray(value.addressable_data(0))
