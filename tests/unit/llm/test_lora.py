from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kubelab.llm.corpus import Corpus
from kubelab.llm.errors import ConfigError
from kubelab.llm.fit import fit
from kubelab.llm.lora import EVERY, LoRA, LoRALinear, adapt, merge, narrow, widen
from kubelab.llm.model import GPT
from kubelab.llm.optimizer import adamw
from kubelab.llm.program import Program, key_of
from kubelab.llm.settings import Settings
from kubelab.llm.train import Trained, finetune

from .conftest import TINY

TOKENS = jnp.asarray(np.random.default_rng(0).integers(0, 256, (2, 12)))


def quiet(**_: float) -> None:
    """Report nothing."""


def adapted_layers(model: GPT) -> set[str]:
    return {
        ".".join(map(str, path)) for path, module in nnx.iter_modules(model) if isinstance(module, LoRALinear)
    }


@pytest.fixture(scope="module")
def tuned(tiny: Trained, rhyme: Corpus) -> Trained:
    return finetune(tiny.model, rhyme, rank=4, dropout=0.1, steps=5, batch=4, report=quiet)


def test_a_new_adapter_changes_nothing(tiny: Trained) -> None:
    assert np.array_equal(adapt(tiny.model, LoRA())(TOKENS), tiny.model(TOKENS))


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (("q", "v"), {"attention.q", "attention.v"}),
        (("mlp",), {"mlp.gate", "mlp.up", "mlp.down"}),
        (("down",), {"mlp.down"}),
    ],
)
def test_targets_are_found_by_name_in_every_layer(targets: Sequence[str], expected: set[str]) -> None:
    found = adapted_layers(adapt(GPT(TINY, nnx.Rngs(0)), LoRA(targets=targets)))
    assert found == {f"layers.{number}.{name}" for number in range(TINY.layers) for name in expected}


def test_the_given_model_stays_as_it_is(tiny: Trained) -> None:
    adapt(tiny.model, LoRA())
    assert not adapted_layers(tiny.model)


def test_a_merged_model_is_plain_and_answers_as_the_adapted_one(tuned: Trained) -> None:
    merged = merge(tuned.model)
    assert not adapted_layers(merged)
    assert jax.tree.structure(nnx.state(merged)) == jax.tree.structure(nnx.state(GPT(TINY, nnx.Rngs(0))))
    assert np.allclose(merged(TOKENS), tuned.model(TOKENS), atol=1e-4)


def test_only_adapters_are_trained(tiny: Trained, tuned: Trained) -> None:
    assert not np.allclose(tuned.model(TOKENS), tiny.model(TOKENS), atol=1e-3)
    graph = nnx.split(tuned.model, nnx.LoRAParam, ...)
    for path, module in nnx.iter_modules(tuned.model):
        if isinstance(module, LoRALinear):
            plain = tiny.model.layers[path[1]]
            for part in path[2:]:
                plain = getattr(plain, part)
            assert np.array_equal(module.base.kernel[...], plain.kernel[...])
    trained = sum(leaf.size for leaf in jax.tree.leaves(graph[1]))
    widths = [(32, 32), (32, 16), (32, 16), (32, 32), (32, 64), (32, 64), (64, 32)]
    assert trained == TINY.layers * sum(4 * (inputs + outputs) for inputs, outputs in widths)


def test_only_adapters_have_a_place_in_the_optimiser(tiny: Trained) -> None:
    program = Program(adapt(tiny.model, LoRA(rank=4)), nnx.LoRAParam, adamw(0.0))
    names = {
        path[-1].key
        for path, leaf in jax.tree_util.tree_leaves_with_path(program.start())
        if leaf.ndim  # the optimiser also counts its steps
    }
    assert names == {"lora_a", "lora_b"}


def test_alpha_over_rank_weighs_the_adapter(tiny: Trained) -> None:
    plain = tiny.model.layers[0].mlp.up
    x = jnp.ones((1, 32))
    outputs = []
    for alpha in (4.0, 8.0):
        layer = LoRALinear(plain, LoRA(rank=4, alpha=alpha), np.random.default_rng(0))
        layer.lora_b[...] = jnp.ones_like(layer.lora_b[...])
        outputs.append(layer(x) - plain(x))
    assert np.allclose(2 * outputs[0], outputs[1], rtol=1e-4)


def test_dropout_is_for_training_only(tiny: Trained) -> None:
    layer = LoRALinear(tiny.model.layers[0].mlp.up, LoRA(dropout=0.5), np.random.default_rng(0))
    layer.lora_b[...] = jnp.ones_like(layer.lora_b[...])
    x = jnp.ones((4, 32))
    layer.train()
    rows = layer(x)
    assert not np.allclose(rows[0], rows[1])
    layer.eval()
    rows = layer(x)
    assert np.allclose(rows[0], rows[1])


def test_dropout_draws_anew_in_every_step_and_the_same_for_the_same_step(tiny: Trained) -> None:
    adapted = adapt(tiny.model, LoRA(dropout=0.5))
    for _, layer in nnx.iter_modules(adapted):
        if isinstance(layer, LoRALinear):
            layer.lora_b[...] = jnp.ones_like(layer.lora_b[...])
    program = Program(adapted, nnx.LoRAParam, adamw(0.0))

    def loss(seed: int, step: int) -> float:
        state = jax.tree.map(jnp.copy, program.start())
        return float(program.update(state, program.frozen, TOKENS, np.float32(0), key_of(seed, step))[1])

    assert len({loss(0, 1), loss(0, 2), loss(1, 1)}) == 3
    assert loss(0, 1) == loss(0, 1)


def test_trials_that_differ_in_numbers_share_one_compiled_program(tiny: Trained) -> None:
    texts = set()
    for rank, alpha, dropout, rate in ((2, 8.0, 0.1, 1e-2), (16, 32.0, 0.3, 1e-3)):
        adapted = widen(adapt(tiny.model, LoRA(rank=rank, alpha=alpha, dropout=dropout)))
        program = Program(adapted, nnx.LoRAParam, adamw(0.0))
        start = program.start()
        texts.add(
            program.update.lower(start, program.frozen, TOKENS, np.float32(rate), key_of(0, 1)).as_text()
        )
    assert len(texts) == 1


def test_a_widened_model_learns_what_the_narrow_one_does(tiny: Trained, rhyme: Corpus) -> None:
    settings = Settings(steps=5, batch=4, context=16, lr=1e-2, warmup=0)
    adapted = adapt(tiny.model, LoRA(rank=3, dropout=0.1))
    plain, wide = (
        fit(model, rhyme, settings, only=nnx.LoRAParam, report=quiet).params
        for model in (adapted, widen(adapted))
    )
    both = zip(jax.tree.leaves(plain), jax.tree.leaves(narrow(wide, adapted)), strict=True)
    assert all(np.allclose(one, other, atol=1e-5) for one, other in both)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(plain))


def test_what_was_widened_stays_zero(tiny: Trained, rhyme: Corpus) -> None:
    settings = Settings(steps=3, batch=4, context=16, lr=1e-2, warmup=0, weight_decay=0.1)
    wide = widen(adapt(tiny.model, LoRA(rank=3)))
    for path, leaf in jax.tree_util.tree_leaves_with_path(
        fit(wide, rhyme, settings, only=nnx.LoRAParam, report=quiet).params
    ):
        rows = leaf if path[-1].key == "lora_b" else leaf.T
        assert len(rows) == 16
        assert not np.any(rows[3:])


@pytest.mark.parametrize(
    "wrong",
    [{"rank": 0}, {"rank": 1.5}, {"alpha": 0}, {"dropout": 1.0}, {"dropout": -0.1}],
)
def test_settings_that_make_no_adapter_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        LoRA(**wrong)


@pytest.mark.parametrize("targets", [("q", "query"), ()])
def test_unknown_targets_are_told_with_those_that_there_are(tiny: Trained, targets: Sequence[str]) -> None:
    with pytest.raises(ConfigError, match="attention, down, gate, k, mlp, o, q, up, v"):
        adapt(tiny.model, LoRA(targets=targets))


def test_every_target_is_a_layer(tiny: Trained) -> None:
    assert len(adapted_layers(adapt(tiny.model, LoRA(targets=EVERY)))) == 7 * TINY.layers
