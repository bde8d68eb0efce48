"""Text from a model: one compiled scan that reads the prompt and writes on, keeping keys and values."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from kubelab.llm.errors import ConfigError
from kubelab.llm.model import GPT


class Tokenizer(Protocol):
    """What turns text into tokens and back."""

    def encode(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        ...

    def decode(self, tokens: list[int]) -> str:
        """Return the text of tokens."""
        ...


class Bytes:
    """Every byte of UTF-8 is a token."""

    def encode(self, text: str) -> list[int]:
        """Return the bytes of a text."""
        return list(text.encode())

    def decode(self, tokens: list[int]) -> str:
        """Return the text of bytes; what is no UTF-8 becomes a replacement character."""
        return bytes(tokens).decode(errors="replace")


def sample(
    model: GPT,
    prompt: str = "\n",
    length: int = 200,
    *,
    temperature: float = 0.8,
    top_k: int = 40,
    seed: int = 0,
    tokenizer: Tokenizer | None = None,
) -> str:
    """Return the prompt with ``length`` tokens that the model writes after it.

    Parameters
    ----------
    model : GPT
        Plain or adapted.
    prompt : str
        What to go on from; at least one token.
    length : int
        How many tokens to add.
    temperature : float
        Below 1 likely tokens become likelier; 0 always takes the likeliest.
    top_k : int
        How many of the likeliest tokens are drawn from; 0 for all.
    seed : int
        The same seed writes the same text.
    tokenizer : Tokenizer, optional
        Bytes unless given.

    Raises
    ------
    ConfigError
        If the prompt is empty or a number makes no sense.
    """
    tokenizer = tokenizer or Bytes()
    start = tokenizer.encode(prompt)
    vocabulary = model.config.vocabulary
    if not start:
        raise ConfigError("prompt='' gives nothing to go on from: use at least one character.")
    if length < 1 or temperature < 0 or top_k < 0:
        raise ConfigError(
            f"length={length}, temperature={temperature}, top_k={top_k}: length must be at least 1, "
            "and the others must not be negative."
        )
    model = nnx.clone(model)
    model.eval()
    graph, state = nnx.split(model)
    # Prompts of about the same length share a program.
    room = -(-(len(start) + length) // 64) * 64
    given = np.full(room, -1, np.int32)
    given[: len(start)] = start
    written = _write(
        graph,
        nnx.to_pure_dict(state),
        given,
        np.float32(temperature),
        np.uint32(seed),
        top_k=min(top_k or vocabulary, vocabulary),
    )
    return tokenizer.decode(np.asarray(written)[: len(start) + length].tolist())


@partial(jax.jit, static_argnums=0, static_argnames="top_k")
def _write(
    graph: Any, state: Any, given: jax.Array, temperature: jax.Array, seed: jax.Array, *, top_k: int
) -> jax.Array:
    model: GPT = nnx.merge(graph, state)
    keys = jax.random.split(jax.random.key(seed), len(given))

    def one(carry: Any, now: Any) -> Any:
        token, cache = carry
        position, following, key = now
        logits, cache = model.decode(token[None], cache, position)
        drawn = _draw(logits[0], temperature, top_k, key)
        token = jnp.where(following >= 0, following, drawn)
        return (token, cache), token

    positions = jnp.arange(len(given) - 1)
    start = (given[0], model.empty_cache(1, len(given)))
    _, tokens = jax.lax.scan(one, start, (positions, given[1:], keys[1:]))
    return jnp.concatenate([given[:1], tokens])


def _draw(logits: jax.Array, temperature: jax.Array, top_k: int, key: jax.Array) -> jax.Array:
    best, places = jax.lax.top_k(logits, top_k)
    drawn = places[jax.random.categorical(key, best / jnp.maximum(temperature, 1e-6))]
    return jnp.where(temperature > 0, drawn, places[0])
