"""LoRA as a transform of an NNX model: `adapt` puts small matrices beside frozen ones, `merge` adds them in.

Hu et al., arXiv 2106.09685: a layer's output W x becomes W x + (alpha / rank) B A x, and only A and B learn.
`widen` adds columns and rows of zeros, so that models of different ranks are trained by one compiled program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kubelab.llm.errors import ConfigError

M = TypeVar("M", bound=nnx.Module)

ATTENTION = ("q", "k", "v", "o")
EVERY = (*ATTENTION, "mlp")

_ROOM = 16
"""Ranks are trained as multiples of this one. A nano's step with rank 2 takes 4 to 9 % longer so; a program
that need not be compiled saves 300 of them."""


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
    random : numpy.random.Generator
        Where A's first values come from (He et al., arXiv 1502.01852, uniform); B starts at zero, and the
        adapter with it. They are NumPy's, since JAX would compile a program for each shape.
    """

    def __init__(self, base: nnx.Linear, lora: LoRA, random: np.random.Generator) -> None:
        inputs, outputs = base.kernel.shape
        bound = (6 / inputs) ** 0.5
        self.base = base
        self.lora_a = _param(random.uniform(-bound, bound, (inputs, lora.rank)))
        self.lora_b = _param(np.zeros((lora.rank, outputs)))
        self.scale = Setting(_single(lora.alpha / lora.rank))
        self.dropout = Setting(_single(lora.dropout)) if lora.dropout else None
        key = random.integers(2**32, size=2, dtype=np.uint32)
        self.dropout_key = DropoutKey(jnp.asarray(key)) if lora.dropout else None
        self.deterministic = False

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return what the layer gives, and what the adapter adds."""
        narrow = self._dropped(x) @ self.lora_a[...].astype(x.dtype)
        return self.base(x) + self.scale[...].astype(x.dtype) * (narrow @ self.lora_b[...].astype(x.dtype))

    def merged(self) -> nnx.Linear:
        """Return one plain layer that does the same."""
        layer = nnx.clone(self.base)
        # NumPy's arithmetic: JAX would compile a program for each shape.
        change = np.asarray(self.scale[...]) * (np.asarray(self.lora_a[...]) @ np.asarray(self.lora_b[...]))
        kernel = np.asarray(self.base.kernel[...]) + change
        layer.kernel[...] = jnp.asarray(kernel.astype(self.base.kernel.dtype))
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
    random = np.random.default_rng(seed)
    return _replaced(
        model,
        nnx.Linear,
        lambda path, layer: LoRALinear(layer, lora, random) if set(lora.targets) & set(path) else layer,
    )


def widen(model: M) -> M:
    """Return the adapted model with zeros after its adapters' own columns and rows.

    It answers and learns as before: each zero in A meets only zeros in B and the other way round, so that
    the gradients of both are zero.
    """
    made: M = nnx.clone(model)
    for _, layer in nnx.iter_modules(made):
        if isinstance(layer, LoRALinear):
            own_a, own_b = np.asarray(layer.lora_a[...]), np.asarray(layer.lora_b[...])
            more = -len(own_b) % _ROOM
            layer.lora_a = _param(np.pad(own_a, ((0, 0), (0, more))))
            layer.lora_b = _param(np.pad(own_b, ((0, more), (0, 0))))
    return made


def narrow(params: Any, model: nnx.Module) -> Any:
    """Return the adapters' weights of a widened model without the zeros, in the shapes of ``model``'s own."""
    own = nnx.to_pure_dict(nnx.state(model, nnx.LoRAParam))
    return jax.tree.map(lambda wide, kept: wide[: kept.shape[0], : kept.shape[1]], params, own)


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


def _param(values: np.ndarray[Any, Any]) -> nnx.LoRAParam[Any]:
    return nnx.LoRAParam(jnp.asarray(values.astype(np.float32)))


def _single(number: float) -> jax.Array:
    """Return a number on the device; ``jnp.float32`` would compile a program for it."""
    return jnp.asarray(np.float32(number))
