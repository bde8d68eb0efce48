from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kubelab.llm.config import SIZES, size
from kubelab.llm.errors import ConfigError
from kubelab.llm.model import GPT

from .conftest import TINY

TOKENS = np.random.default_rng(0).integers(0, 256, (2, 12))


@pytest.fixture(scope="module")
def model() -> GPT:
    return GPT(TINY, nnx.Rngs(0))


@pytest.mark.parametrize(
    ("name", "millions"), [("nano", 0.3), ("micro", 1), ("mini", 3), ("small", 10), ("medium", 30)]
)
def test_a_size_has_about_as_many_weights_as_it_says(name: str, millions: float) -> None:
    shapes = nnx.eval_shape(lambda: GPT(size(name), nnx.Rngs(0)))
    counted = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(shapes, nnx.Param)))
    assert counted == size(name).parameters
    assert counted == pytest.approx(millions * 1e6, rel=0.1)


def test_an_untied_head_is_counted() -> None:
    config = replace(TINY, tied=False)
    counted = sum(leaf.size for leaf in jax.tree.leaves(nnx.state(GPT(config, nnx.Rngs(0)))))
    assert counted == config.parameters


def test_an_unknown_size_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'huge' is not known.* nano \(0.3 M\)") as caught:
        size("huge")
    assert all(name in str(caught.value) for name in SIZES)


@pytest.mark.parametrize("wrong", [{"heads": 3}, {"head_dim": 7}, {"layers": 0}])
def test_a_shape_that_no_model_can_have_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError):
        replace(TINY, **wrong)


def test_a_token_sees_only_those_before_it(model: GPT) -> None:
    changed = TOKENS.copy()
    changed[:, 7] = (changed[:, 7] + 1) % 256
    before, after = model(jnp.asarray(TOKENS)), model(jnp.asarray(changed))
    assert np.allclose(before[:, :7], after[:, :7])
    assert not np.allclose(before[:, 7:], after[:, 7:])


@nnx.jit
def decoded(model: GPT, tokens: jax.Array) -> jax.Array:
    """Return the logits of each position, computed one token at a time."""

    def one(cache: Any, now: Any) -> Any:
        logits, cache = model.decode(now[0], cache, now[1])
        return cache, logits

    batch, length = tokens.shape
    _, logits = jax.lax.scan(one, model.empty_cache(batch, length), (tokens.T, jnp.arange(length)))
    return logits.swapaxes(0, 1)


def test_one_token_at_a_time_gives_the_same_logits(model: GPT) -> None:
    tokens = jnp.asarray(TOKENS)
    assert np.allclose(decoded(model, tokens), model(tokens), atol=1e-5)


def test_one_at_a_time_looks_back_no_further_than_the_context(model: GPT) -> None:
    tokens = np.random.default_rng(1).integers(0, 256, (1, 60))
    changed = tokens.copy()
    changed[0, 0] = (changed[0, 0] + 1) % 256
    before, after = decoded(model, jnp.asarray(tokens)), decoded(model, jnp.asarray(changed))
    assert not np.array_equal(before[0, 1], after[0, 1])
    # Two layers reach back twice the context of 16.
    assert np.array_equal(before[0, 32:], after[0, 32:])


def test_bfloat16_computes_the_same_roughly(model: GPT) -> None:
    half = GPT(TINY, nnx.Rngs(0), jnp.bfloat16)
    logits = half(jnp.asarray(TOKENS))
    assert logits.dtype == jnp.float32
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(nnx.state(half)))
    assert np.allclose(logits, model(jnp.asarray(TOKENS)), atol=0.05)
