"""`Program`: a model taken apart into plain trees, and the compiled functions of them.

Trees of arrays go through ``jax.jit`` without Python's touching each of them, which NNX's own transforms do
in every step.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from kubelab.llm.lora import DropoutKey
from kubelab.llm.model import GPT


class Program:
    """What trains some of a model's weights.

    Parameters
    ----------
    model : GPT
        Plain or adapted.
    only : filter
        Which of its variables are trained, such as ``nnx.Param``.
    optimizer : optax.GradientTransformation
        For a learning rate of 1.

    Attributes
    ----------
    params, frozen : tree of Array
        What is trained, and all else.
    """

    def __init__(self, model: GPT, only: Any, optimizer: optax.GradientTransformation) -> None:
        parts = (only, DropoutKey, ...)
        model.eval()
        self._evaluated = nnx.split(model, *parts)[0]
        model.train()
        self._trained, *states = nnx.split(model, *parts)
        self.params, self._keys, self.frozen = map(nnx.to_pure_dict, states)
        self._optimizer = optimizer
        self.update = jax.jit(self._update, donate_argnums=0)
        self.loss = jax.jit(self._loss)

    def start(self) -> Any:
        """Return what a step turns into the next: the weights, and the optimiser's state for them."""
        return self.params, self._optimizer.init(self.params)

    def _update(self, state: Any, frozen: Any, tokens: Any, rate: Any, key: Any) -> tuple[Any, Any]:
        params, moments = state
        keys = self._fresh_keys(key)

        def loss_of(params: Any) -> Any:
            return cross_entropy(nnx.merge(self._trained, params, keys, frozen), tokens)

        loss, gradients = jax.value_and_grad(loss_of)(params)
        changes, moments = self._optimizer.update(gradients, moments, params)
        params = jax.tree.map(lambda weights, change: weights - rate * change, params, changes)
        return (params, moments), loss

    def _loss(self, state: Any, frozen: Any, tokens: Any) -> Any:
        return cross_entropy(nnx.merge(self._evaluated, state[0], self._keys, frozen), tokens)

    def _fresh_keys(self, key: Any) -> Any:
        """Return a key for every layer's dropout, drawn from the step's."""
        leaves, structure = jax.tree.flatten(self._keys)
        if not leaves:
            return self._keys
        drawn = jax.random.split(jax.random.wrap_key_data(key), len(leaves))
        return jax.tree.unflatten(structure, list(jax.random.key_data(drawn)))


def cross_entropy(model: GPT, tokens: jax.Array) -> jax.Array:
    """Return the mean loss in nats of windows of tokens, each predicted from those before it."""
    tokens = tokens.astype(jnp.int32)
    logits = model(tokens[:, :-1])
    return optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:]).mean()


def key_of(seed: int, step: int) -> Any:
    """Return the data of a step's random key, made without a device."""
    return np.asarray([seed, step], np.uint32)
