"""Training a GPT with `kubelab.llm` beside the same model in a plain JAX script, and what a base costs.

Both train nano on the same windows of the standard library's source and take turns, so that whatever else the
machine does meets each of them. The plain model is written as one writes it by hand: a dictionary of arrays
and functions of it. "by hand, untuned" leaves out the two arrangements that spare a CPU work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from kubelab import training
from kubelab.clock import monotonic
from kubelab.llm import corpus as corpora
from kubelab.llm.config import GPTConfig, size
from kubelab.llm.corpus import Corpus
from kubelab.llm.fit import fit
from kubelab.llm.model import GPT
from kubelab.llm.settings import Settings
from kubelab.llm.train import finetune, pretrain
from tests.bench.figure import Figure

ROUNDS = 5
STEPS = 60
SETTINGS = Settings(steps=STEPS, batch=8, context=64, lr=3e-3, warmup=5, report_every=STEPS // 2)
"""The second half is measured: the first has what is compiled."""

Weights = dict[str, Any]


def measure() -> list[Figure]:
    """Measure."""
    corpus, shape = corpora.load("stdlib"), size("nano")
    training.context()
    ways: list[Callable[[], float]] = [
        partial(library, shape, corpus),
        partial(by_hand, shape, corpus, tuned=True),
        partial(by_hand, shape, corpus, tuned=False),
    ]
    rounds = [[way() for way in ways] for _ in range(ROUNDS)]
    ours, tuned, untuned = (median(each) for each in zip(*rounds, strict=True))
    ratios = [median(each[0] / each[other] for each in rounds) for other in (1, 2)]
    return [
        _pace("steps/s", 0.95, ratios[0], f"{ours:.1f}/s beside {tuned:.1f}/s by hand; nano, 8 x 64 bytes"),
        _pace("steps/s, by hand untuned", None, ratios[1], f"{untuned:.1f}/s by hand"),
        *_tutorial(),
    ]


def library(shape: GPTConfig, corpus: Corpus) -> float:
    """Return steps a second of the library's loop, as it reports them."""
    times: list[float] = []
    model = GPT(shape, nnx.Rngs(0))
    fit(model, corpus, SETTINGS, report=lambda **_: times.append(monotonic()))
    return STEPS / 2 / (times[-1] - times[-2])


def by_hand(shape: GPTConfig, corpus: Corpus, *, tuned: bool) -> float:
    """Return steps a second of a plain script."""
    weights = _weights(shape)
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0),
        optax.adamw(
            SETTINGS.lr, 0.9, 0.95, weight_decay=0.1, mask=lambda p: jax.tree.map(lambda w: w.ndim > 1, p)
        ),
    )
    forward = _tuned if tuned else _plain

    def loss_of(weights: Weights, tokens: jax.Array) -> jax.Array:
        tokens = tokens.astype(jnp.int32)
        logits = forward(shape, weights, tokens[:, :-1])
        targets = tokens[:, 1:].reshape(logits.shape[:-1])
        return optax.softmax_cross_entropy_with_integer_labels(logits, targets).mean()

    @partial(jax.jit, donate_argnums=(0, 1))
    def update(weights: Weights, state: Any, tokens: jax.Array) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights, tokens)
        changes, state = optimizer.update(gradients, state, weights)
        return optax.apply_updates(weights, changes), state, loss

    state = optimizer.init(weights)
    started = 0.0
    for step in range(1, STEPS + 1):
        tokens = corpus.batch(step, SETTINGS.batch, SETTINGS.context)
        weights, state, loss = update(weights, state, tokens)
        if step == STEPS // 2:
            loss.block_until_ready()
            started = monotonic()
    loss.block_until_ready()
    return STEPS / 2 / (monotonic() - started)


def _tutorial() -> Iterator[Figure]:
    """Yield what the sweep tutorial needs: a base, a fine-tune of it, and some text."""
    base = pretrain(report=_quiet)
    note = f"{base.steps} steps to {base.val_loss:.2f} nats"
    yield Figure("LLM", "pretraining nano", 20, base.seconds, "s", note=note)
    tuned = finetune(base.model, report=_quiet)
    note = f"100 steps to {tuned.val_loss:.2f} nats of prose"
    yield Figure("LLM", "LoRA fine-tune of nano", None, tuned.seconds, "s", note=note)
    tuned.sample("The ", 200)
    started = monotonic()
    tuned.sample("But ", 200)
    yield Figure("LLM", "200 bytes of text, compiled", 2, monotonic() - started, "s")


def _pace(name: str, asked: float | None, ratio: float, note: str) -> Figure:
    return Figure("LLM", name, asked, ratio, "x plain", True, note)


def _weights(shape: GPTConfig) -> Weights:
    draw = np.random.default_rng(0)

    def matrix(*sides: int) -> jax.Array:
        return jnp.asarray(draw.normal(0, 0.02, sides), jnp.float32)

    own, shared = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    layers = [
        {
            "q": matrix(shape.width, own),
            "k": matrix(shape.width, shared),
            "v": matrix(shape.width, shared),
            "o": matrix(own, shape.width),
            "gate": matrix(shape.width, shape.hidden),
            "up": matrix(shape.width, shape.hidden),
            "down": matrix(shape.hidden, shape.width),
            "norms": [jnp.ones(shape.width), jnp.ones(shape.width)],
        }
        for _ in range(shape.layers)
    ]
    return {"embed": matrix(shape.vocabulary, shape.width), "layers": layers, "norm": jnp.ones(shape.width)}


def _tuned(shape: GPTConfig, weights: Weights, tokens: jax.Array) -> jax.Array:
    return _forward(shape, weights, tokens, tokens.reshape(-1), jax.lax.optimization_barrier)


def _plain(shape: GPTConfig, weights: Weights, tokens: jax.Array) -> jax.Array:
    return _forward(shape, weights, tokens, tokens, lambda x: x)


def _forward(
    shape: GPTConfig, weights: Weights, tokens: jax.Array, rows: jax.Array, apart: Callable[[Any], Any]
) -> jax.Array:
    batch, length = tokens.shape
    pairs = jnp.arange(0, shape.head_dim, 2) / shape.head_dim
    turns = jnp.arange(length)[:, None, None] / shape.rope_theta**pairs
    cosine, sine = jnp.cos(turns), jnp.sin(turns)

    def norm(x: jax.Array, scale: jax.Array) -> jax.Array:
        return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + shape.norm_eps) * scale

    def rotate(x: jax.Array) -> jax.Array:
        first, second = jnp.split(x, 2, -1)
        return jnp.concatenate([first * cosine - second * sine, second * cosine + first * sine], -1)

    x = weights["embed"][rows]
    for layer in weights["layers"]:
        y = norm(x, layer["norms"][0])
        q, k, v = ((y @ layer[name]).reshape(batch, length, -1, shape.head_dim) for name in "qkv")
        mixed = jax.nn.dot_product_attention(rotate(q), rotate(k), v, is_causal=True)
        x = x + apart(mixed.reshape(*x.shape[:-1], -1) @ layer["o"])
        y = norm(x, layer["norms"][1])
        x = x + apart((jax.nn.silu(y @ layer["gate"]) * (y @ layer["up"])) @ layer["down"])
    return norm(x, weights["norm"]) @ weights["embed"].T


def _quiet(**_: float) -> None:
    """Report nothing."""
