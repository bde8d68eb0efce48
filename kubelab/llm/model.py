"""`GPT`: a decoder-only transformer in Flax NNX, in the parts of Llama.

RMSNorm, rotary positions, grouped-query attention, SwiGLU. Names follow Llama's, so that its weights find
their places (`kubelab.llm.hub`) and LoRA its targets (`kubelab.llm.lora`).
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from kubelab.llm.config import GPTConfig

Turn = tuple[jax.Array, jax.Array]
"""Cosine and sine for each position, each of shape (length, head_dim / 2)."""
Kept = tuple[jax.Array, jax.Array]
"""A layer's keys and values, each of shape (batch, length, kv_heads, head_dim)."""
Cache = list[Kept]
"""What is kept of the tokens before, for every layer."""

_INIT = nnx.initializers.normal(0.02)


class RMSNorm(nnx.Module):
    """Scales a vector to unit root mean square, then each number by a weight (arXiv 1910.07467)."""

    def __init__(self, config: GPTConfig) -> None:
        self.scale = nnx.Param(jnp.ones(config.width))
        self.eps = config.norm_eps

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return rows of about the same size; computed in float32."""
        wide = x.astype(jnp.float32)
        normed = wide * jax.lax.rsqrt(jnp.mean(wide * wide, -1, keepdims=True) + self.eps)
        return (normed * self.scale[...]).astype(x.dtype)


class Attention(nnx.Module):
    """Causal attention whose groups of query heads share keys and values."""

    def __init__(self, config: GPTConfig, linear: Any) -> None:
        self.config = config
        own, shared = config.heads * config.head_dim, config.kv_heads * config.head_dim
        self.q = linear(config.width, own)
        self.k = linear(config.width, shared)
        self.v = linear(config.width, shared)
        self.o = linear(own, config.width)

    def __call__(self, x: jax.Array, turn: Turn, batch: int) -> jax.Array:
        """Return rows that each mix in what those before it hold."""
        query, key, value = self._project(x, turn, batch)
        mixed = jax.nn.dot_product_attention(query, key, value, is_causal=True)
        return self.o(mixed.reshape(len(x), -1))

    def decode(
        self,
        x: jax.Array,
        turn: Turn,
        cache: Kept,
        position: jax.Array,
    ) -> tuple[jax.Array, Kept]:
        """Attend from one token to those before it, whose keys and values are kept."""
        query, *new = self._project(x, turn, len(x))
        keys, values = (
            jax.lax.dynamic_update_slice_in_dim(kept, fresh, position, axis=1)
            for kept, fresh in zip(cache, new, strict=True)
        )
        places = jnp.arange(keys.shape[1])
        seen = (places <= position) & (places > position - self.config.context)
        mixed = jax.nn.dot_product_attention(query, keys, values, mask=seen[None, None, None, :])
        return self.o(mixed.reshape(len(x), -1)), (keys, values)

    def _project(self, x: jax.Array, turn: Turn, batch: int) -> list[jax.Array]:
        shape = (batch, len(x) // batch, -1, self.config.head_dim)
        query, key, value = (part.reshape(shape) for part in (self.q(x), self.k(x), self.v(x)))
        return [rotate(query, turn), rotate(key, turn), value]


class FeedForward(nnx.Module):
    """SwiGLU: a gate of SiLU times a projection, and back (arXiv 2002.05202)."""

    def __init__(self, config: GPTConfig, linear: Any) -> None:
        self.gate = linear(config.width, config.hidden)
        self.up = linear(config.width, config.hidden)
        self.down = linear(config.hidden, config.width)

    def __call__(self, x: jax.Array) -> jax.Array:
        """Return rows, each a function of itself alone."""
        return self.down(jax.nn.silu(self.gate(x)) * self.up(x))


class Block(nnx.Module):
    """One layer: attention, then the feed-forward network, each beside a way around it."""

    def __init__(self, config: GPTConfig, linear: Any) -> None:
        self.attention_norm = RMSNorm(config)
        self.attention = Attention(config, linear)
        self.mlp_norm = RMSNorm(config)
        self.mlp = FeedForward(config, linear)

    def __call__(self, x: jax.Array, turn: Turn, batch: int) -> jax.Array:
        """Pass rows on: tokens of ``batch`` windows, one window after the other."""
        x = x + apart(self.attention(self.attention_norm(x), turn, batch))
        return x + apart(self.mlp(self.mlp_norm(x)))

    def decode(
        self,
        x: jax.Array,
        turn: Turn,
        cache: Kept,
        position: jax.Array,
    ) -> tuple[jax.Array, Kept]:
        """Pass one token on, with what is kept of those before it."""
        mixed, cache = self.attention.decode(self.attention_norm(x), turn, cache, position)
        x = x + mixed
        return x + self.mlp(self.mlp_norm(x)), cache


class GPT(nnx.Module):
    """Predicts the next token at every position.

    Parameters
    ----------
    config : GPTConfig
        Its shape.
    rngs : nnx.Rngs
        Where the first weights come from.
    dtype : dtype
        What it computes in; weights are float32, and so are norms, softmax and logits.
    """

    def __init__(self, config: GPTConfig, rngs: nnx.Rngs, dtype: Any = jnp.float32) -> None:
        def linear(inputs: int, outputs: int) -> nnx.Linear:
            return nnx.Linear(inputs, outputs, use_bias=False, dtype=dtype, kernel_init=_INIT, rngs=rngs)

        self.config = config
        self.embed = nnx.Embed(config.vocabulary, config.width, dtype=dtype, embedding_init=_INIT, rngs=rngs)
        self.layers = nnx.List([Block(config, linear) for _ in range(config.layers)])
        self.norm = RMSNorm(config)
        self.head = None if config.tied else linear(config.width, config.vocabulary)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        """Return float32 logits of shape (batch, length, vocabulary) for tokens of shape (batch, length)."""
        batch, length = tokens.shape
        # All tokens are rows of one matrix: on a CPU, XLA multiplies stacks of matrices at half the speed.
        x = self.embed(tokens.reshape(-1))
        turn = angles(jnp.arange(length), self.config)
        for layer in self.layers:
            x = layer(x, turn, batch)
        return self._logits(x).reshape(batch, length, -1)

    def decode(self, tokens: jax.Array, cache: Cache, position: jax.Array) -> tuple[jax.Array, Cache]:
        """Return logits of shape (batch, vocabulary) for one token at ``position``, and the longer cache."""
        x = self.embed(tokens)
        turn = angles(position[None], self.config)
        longer: Cache = []
        for layer, before in zip(self.layers, cache, strict=True):
            x, kept = layer.decode(x, turn, before, position)
            longer.append(kept)
        return self._logits(x), longer

    def empty_cache(self, batch: int, length: int) -> Cache:
        """Return a cache for so many tokens, with nothing in it."""
        shape = (batch, length, self.config.kv_heads, self.config.head_dim)
        return [(jnp.zeros(shape, self.embed.dtype), jnp.zeros(shape, self.embed.dtype)) for _ in self.layers]

    def _logits(self, x: jax.Array) -> jax.Array:
        x = self.norm(x)
        logits = self.embed.attend(x) if self.head is None else self.head(x)
        return logits.astype(jnp.float32)


def apart(x: jax.Array) -> jax.Array:
    """Return ``x``, which XLA may not fuse with what follows: on a CPU it would compute norms repeatedly.

    A block's gradient takes 30 ms with it and 51 ms without (jax 0.10, 2,048 tokens of nano on one core).
    """
    return jax.lax.optimization_barrier(x)


def angles(positions: jax.Array, config: GPTConfig) -> Turn:
    """Return how far each position turns the pairs of a head (arXiv 2104.09864)."""
    pairs = jnp.arange(0, config.head_dim, 2, dtype=jnp.float32)
    turns = positions[:, None] * config.rope_theta ** (-pairs / config.head_dim)
    return jnp.cos(turns), jnp.sin(turns)


def rotate(x: jax.Array, turn: Turn) -> jax.Array:
    """Turn each head's pairs by their position; pairs are a half apart, as in Llama's weights on hubs.

    Parameters
    ----------
    x : Array, shape (batch, length, heads, head_dim)
        Queries or keys.
    turn : tuple of Array
        What `angles` gave.
    """
    cosine, sine = (part[:, None, :] for part in turn)
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    turned = jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1)
    return turned.astype(x.dtype)
