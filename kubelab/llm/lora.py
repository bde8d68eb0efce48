"""LoRA as a transform of an NNX model: `adapt` puts small matrices beside frozen ones, `merge` adds them in.

Hu et al., arXiv 2106.09685: a layer's output W x becomes W x + (alpha / rank) B A x, and only A and B learn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from flax import nnx

from kubelab.llm.errors import ConfigError

M = TypeVar("M", bound=nnx.Module)

ATTENTION = ("q", "k", "v", "o")
EVERY = (*ATTENTION, "mlp")


@dataclass(frozen=True, slots=True)
class LoRA:
    """How a model is adapted.

    Parameters
    ----------
    rank : int
        Width of the small matrices.
    alpha : float
        Their weight is ``alpha / rank``.
    dropout : float
        Which part of their input is left out in training.
    targets : sequence of str
        Layers by name: ``q``, ``k``, ``v``, ``o``, ``gate``, ``up``, ``down``, or ``mlp`` for the last three.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: Sequence[str] = EVERY

    def __post_init__(self) -> None:
        if not isinstance(self.rank, int) or self.rank < 1:
            raise ConfigError(f"rank={self.rank!r} cannot be a LoRA rank: use a whole number from 1.")
        if not self.alpha > 0:
            raise ConfigError(f"alpha={self.alpha!r} must be more than 0: the adapter would do nothing.")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout={self.dropout!r} must be from 0 to below 1.")


class Setting(nnx.Variable[Any]):
    """A number that the compiled program takes as an argument: trials that differ in it share the program."""


class DropoutKey(nnx.Variable[Any]):
    """The random key of a layer's dropout, new in every step."""


class LoRALinear(nnx.Module):
    """A frozen linear layer with an adapter beside it.

    Parameters
    ----------
    base : nnx.Linear
        The layer as it is.
    lora : LoRA
        How to adapt it.
    rngs : nnx.Rngs
        Where A's first values come from; B starts at zero, and the adapter with it.
    """

    def __init__(self, base: nnx.Linear, lora: LoRA, rngs: nnx.Rngs) -> None:
        inputs, outputs = base.kernel.shape
        self.base = base
        self.lora_a = nnx.LoRAParam(nnx.initializers.he_uniform()(rngs.params(), (inputs, lora.rank)))
        self.lora_b = nnx.LoRAParam(jnp.zeros((lora.rank, outputs)))
        self.scale = Setting(jnp.float32(lora.alpha / lora.rank))
        self.dropout = Setting(jnp.float32(lora.dropout)) if lora.dropout else None
        self.dropout_key = DropoutKey(jax.random.key_data(rngs.dropout())) if lora.dropout else None
        self.deterministic = False

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return what the layer gives, and what the adapter adds."""
        narrow = self._dropped(x) @ self.lora_a[...].astype(x.dtype)
        return self.base(x) + self.scale[...].astype(x.dtype) * (narrow @ self.lora_b[...].astype(x.dtype))

    def merged(self) -> nnx.Linear:
        """Return one plain layer that does the same."""
        layer = nnx.clone(self.base)
        change = self.scale[...] * (self.lora_a[...] @ self.lora_b[...])
        layer.kernel[...] = (self.base.kernel[...] + change).astype(self.base.kernel.dtype)
        return layer

    def _dropped(self, x: jax.Array) -> jax.Array:
        if self.dropout is None or self.dropout_key is None or self.deterministic:
            return x
        keep = 1.0 - self.dropout[...]
        kept = jax.random.bernoulli(jax.random.wrap_key_data(self.dropout_key[...]), keep, x.shape)
        return jnp.where(kept, x / keep.astype(x.dtype), 0)


def adapt(model: M, lora: LoRA, *, seed: int = 0) -> M:
    """Return the model with adapters on its target layers; the given one stays as it is.

    Raises
    ------
    ConfigError
        If a target is no layer of the model's.
    """
    layers = [(path, module) for path, module in nnx.iter_modules(model) if isinstance(module, nnx.Linear)]
    names = {str(part) for path, _ in layers for part in path if not isinstance(part, int)}
    unknown = sorted(set(lora.targets) - names)
    if unknown or not lora.targets:
        known = ", ".join(sorted(names - {"layers"}))
        raise ConfigError(f"targets={list(lora.targets)!r}: choose some of the model's layers: {known}.")
    rngs = nnx.Rngs(seed)
    return _replaced(
        model,
        nnx.Linear,
        lambda path, layer: LoRALinear(layer, lora, rngs) if set(lora.targets) & set(path) else layer,
    )


def merge(model: M) -> M:
    """Return a plain model that answers as the adapted one does without dropout."""
    return _replaced(model, LoRALinear, lambda _, layer: layer.merged())


def _replaced(model: M, kind: type, replacement: Callable[[Sequence[Any], Any], nnx.Module]) -> M:
    made: M = nnx.clone(model)
    found = [(path, module) for path, module in nnx.iter_modules(made) if isinstance(module, kind)]
    for path, module in found:
        parent: Any = made
        for part in path[:-1]:
            parent = parent[part] if isinstance(part, int) else getattr(parent, part)
        setattr(parent, path[-1], replacement(path, module))
    return made
