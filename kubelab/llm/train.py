"""`pretrain` and `finetune`: ordinary functions that a notebook calls, or hands to ``cluster.train``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from kubelab import training
from kubelab.llm import corpus as corpora
from kubelab.llm.compiled import share_what_is_compiled
from kubelab.llm.config import SIZES, GPTConfig, count
from kubelab.llm.config import size as size_of
from kubelab.llm.corpus import Corpus, Tokens
from kubelab.llm.fit import Fitted, Report, fit
from kubelab.llm.lora import EVERY, LoRA, adapt, merge, narrow, widen
from kubelab.llm.model import GPT
from kubelab.llm.sampling import sample
from kubelab.llm.settings import Settings

_LONGEST = 512
"""Of a model from a hub a window is no longer unless asked for: its own context may be a book's."""


@dataclass(frozen=True)
class Trained:
    """A model that was trained, and what is known of it.

    Parameters
    ----------
    model : GPT
        With its new weights; adapters are still beside the old ones (`kubelab.llm.lora.merge`).
    title : str
        Such as ``nano`` or ``nano with LoRA 8``.
    steps : int
        Updates made.
    loss, val_loss : float
        In nats for a token.
    seconds : float
        From the first step to the last.
    data, fingerprint : str
        The corpus' name, and its SHA-256.
    """

    model: GPT = field(repr=False)
    title: str
    steps: int
    loss: float
    val_loss: float
    seconds: float
    data: str
    fingerprint: str = field(repr=False)

    def __repr__(self) -> str:
        losses = f"loss {self.loss:.2f}, val_loss {self.val_loss:.2f}"
        return f"<{self.title}: {self.steps} steps on {self.data}, {losses}>"

    def sample(self, prompt: str = "\n", length: int = 200, **options: Any) -> str:
        """Return text that the model writes after a prompt; see `kubelab.llm.sampling.sample`."""
        # Without adapters it is the base's program, which may be compiled already.
        return sample(merge(self.model), prompt, length, **options)


def pretrain(
    size: str | GPTConfig = "nano",
    steps: int = 700,
    data: str | Path | Corpus = "stdlib",
    *,
    batch: int = 8,
    context: int | None = None,
    lr: float = 3e-3,
    schedule: str = "cosine",
    warmup: int = 20,
    weight_decay: float = 0.1,
    report_every: int = 20,
    seed: int = 0,
    report: Report | None = None,
) -> Trained:
    """Train a GPT from nothing.

    Parameters
    ----------
    size : str or GPTConfig
        One of `kubelab.llm.SIZES`, or a shape of your own.
    steps, batch, context, lr, schedule, warmup, weight_decay, report_every, seed
        See `kubelab.llm.settings.Settings`; the size's own context unless given.
    data : str, Path or Corpus
        See `kubelab.llm.corpus.load`.
    report : callable, optional
        `kubelab.training.report` unless given.
    """
    training.context()
    share_what_is_compiled()
    shape = size if isinstance(size, GPTConfig) else size_of(size)
    corpus = corpora.load(data)
    settings = Settings(
        steps=steps,
        batch=batch,
        context=context or shape.context,
        lr=lr,
        schedule=schedule,
        warmup=min(warmup, steps),
        weight_decay=weight_decay,
        report_every=report_every,
        seed=seed,
    )
    model = GPT(shape, nnx.Rngs(seed), compute_dtype())
    return _trained(model, fit(model, corpus, settings, report=report), settings, corpus, _title(shape))


def finetune(
    base: str | Path | GPT = "nano",
    data: str | Path | Corpus = "stdlib-prose",
    *,
    rank: int = 8,
    alpha: float = 16.0,
    dropout: float = 0.0,
    targets: Sequence[str] = EVERY,
    steps: int = 100,
    batch: int = 16,
    context: int | None = None,
    lr: float = 1e-2,
    schedule: str = "cosine",
    warmup: int = 5,
    weight_decay: float = 0.0,
    report_every: int = 10,
    seed: int = 0,
    report: Report | None = None,
) -> Trained:
    """Adapt a pretrained model to other text with LoRA; only the adapters are trained.

    Parameters
    ----------
    base : str, Path or GPT
        A base's name or folder (`kubelab.llm.base`), or a model.
    data : str, Path or Corpus
        See `kubelab.llm.corpus.load`.
    rank, alpha, dropout, targets
        See `kubelab.llm.lora.LoRA`.
    steps, batch, context, lr, schedule, warmup, weight_decay, report_every, seed
        See `kubelab.llm.settings.Settings`.
    report : callable, optional
        `kubelab.training.report` unless given.
    """
    training.context()
    share_what_is_compiled()
    model, title, encode = _base(base)
    corpus = replace(corpora.load(data), encode=encode) if encode else corpora.load(data)
    settings = Settings(
        steps=steps,
        batch=batch,
        context=context or min(model.config.context, _LONGEST),
        lr=lr,
        schedule=schedule,
        warmup=min(warmup, steps),
        weight_decay=weight_decay,
        report_every=report_every,
        seed=seed,
    )
    lora = LoRA(rank, alpha, dropout, tuple(targets))
    adapted = adapt(model, lora, seed=seed)
    fitted = fit(widen(adapted), corpus, settings, only=nnx.LoRAParam, report=report)
    fitted = replace(fitted, params=narrow(fitted.params, adapted))
    return _trained(adapted, fitted, settings, corpus, f"{title} with LoRA {rank}")


def compute_dtype() -> Any:
    """Return what to compute in: bfloat16 on accelerators; on a CPU it is slower than float32."""
    return jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16


def _base(base: str | Path | GPT) -> tuple[GPT, str, Callable[[bytes], Tokens] | None]:
    if isinstance(base, GPT):
        return base, _title(base.config), None
    from kubelab.llm.base import find

    found = find(base)
    return found.load(), found.name, found.encode


def _title(shape: GPTConfig) -> str:
    names = [name for name, known in SIZES.items() if known == shape]
    return names[0] if names else f"GPT of {count(shape.parameters)}"


def _trained(model: GPT, fitted: Fitted, settings: Settings, corpus: Corpus, title: str) -> Trained:
    nnx.update(model, jax.tree.map(jnp.asarray, fitted.params))
    model.eval()
    return Trained(
        model=model,
        title=title,
        steps=settings.steps,
        loss=fitted.loss,
        val_loss=fitted.val_loss,
        seconds=fitted.seconds,
        data=corpus.name,
        fingerprint=corpus.fingerprint,
    )
