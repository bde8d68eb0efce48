"""What can go wrong with a model, its text and its training."""

from __future__ import annotations

from kubelab.errors import KubelabError


class ConfigError(KubelabError, ValueError):
    """A shape or a setting that no model can have."""


class CorpusError(KubelabError):
    """There is no text to train on, or too little."""


class WeightsError(KubelabError):
    """Weights that do not fit the model, or are not there."""


class DivergedError(KubelabError):
    """The loss is no longer a number.

    Parameters
    ----------
    step : int
        When it was noticed.
    loss : float
        What it is.
    lr : float
        The learning rate of that step.
    """

    def __init__(self, step: int, loss: float, lr: float) -> None:
        self.step = step
        self.loss = loss
        self.lr = lr
        super().__init__(
            f"the loss is {loss} at step {step}, where the learning rate is {lr:.3g}: training has diverged. "
            "Choose a smaller lr, or more warm-up steps."
        )
