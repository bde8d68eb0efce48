from __future__ import annotations

import jax
import jax.numpy as jnp
import pytest

from kubelab.llm.errors import ConfigError
from kubelab.llm.lora import LoRA, adapt
from kubelab.llm.sampling import sample
from kubelab.llm.train import Trained


def test_a_model_that_learned_a_rhyme_says_it(tiny: Trained) -> None:
    assert tiny.val_loss < 0.5
    assert "four five six seven" in sample(tiny.model, "one two three ", 40, temperature=0.0)


def test_the_likeliest_is_what_the_whole_model_finds_likeliest(tiny: Trained) -> None:
    text = sample(tiny.model, "one two ", 1, temperature=0.0)
    logits = tiny.model(jnp.asarray([list(b"one two ")]))
    assert text == "one two " + chr(int(logits[0, -1].argmax()))


def test_a_seed_writes_the_same_and_another_something_else(tiny: Trained) -> None:
    texts = [sample(tiny.model, "one ", 40, temperature=3.0, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
    assert all(text.startswith("one ") for text in texts)


def test_top_k_leaves_the_others_out(tiny: Trained) -> None:
    cold = sample(tiny.model, "one ", 40, temperature=0.0)
    assert sample(tiny.model, "one ", 40, temperature=9.0, top_k=1) == cold
    assert sample(tiny.model, "one ", 40, temperature=9.0, top_k=0) != cold


def test_the_length_is_what_is_added_in_tokens(tiny: Trained) -> None:
    assert len(tiny.sample("one ", 10, temperature=0.0)) == 14


def test_an_adapted_model_writes_too_and_is_left_as_it_is(tiny: Trained) -> None:
    adapted = adapt(tiny.model, LoRA(dropout=0.5))
    adapted.train()
    layer = adapted.layers[0].attention.q
    layer.lora_b[...] = jax.random.normal(jax.random.key(0), layer.lora_b.shape)
    assert sample(adapted, "one ", 20, seed=1) == sample(adapted, "one ", 20, seed=1)
    assert not layer.deterministic


@pytest.mark.parametrize("wrong", [{"prompt": ""}, {"length": 0}, {"temperature": -1.0}, {"top_k": -1}])
def test_what_cannot_be_asked_is_refused(tiny: Trained, wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        sample(tiny.model, **wrong)  # type: ignore[arg-type]
