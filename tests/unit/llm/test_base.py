from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from kubelab import llm
from kubelab.llm import hub
from kubelab.llm.base import Base, adopt, bases, find, keep, make
from kubelab.llm.corpus import Corpus
from kubelab.llm.errors import WeightsError
from kubelab.llm.train import Trained, finetune

from .conftest import TINY
from .test_hub import CONFIG, model_folder, weights_of

TOKENS = jnp.asarray([list(b"one two three")])


@pytest.fixture
def kept(bases_folder: Path, tiny: Trained) -> Base:
    return keep(tiny, "nano-200-0123abcd", "nano")


def quiet(**_: float) -> None:
    """Report nothing."""


def test_a_kept_base_comes_back_with_its_weights_and_its_facts(kept: Base, tiny: Trained) -> None:
    assert kept.config == TINY
    assert (kept.steps, kept.val_loss, kept.fingerprint) == (200, tiny.val_loss, tiny.fingerprint)
    assert np.array_equal(kept.load()(TOKENS), tiny.model(TOKENS))


def test_a_base_is_found_by_its_size_its_name_and_its_folder(kept: Base) -> None:
    assert find("nano") == find("nano-200-0123abcd") == find(kept.path) == kept
    assert bases() == [kept]


def test_of_one_size_the_newest_is_found(kept: Base, tiny: Trained, bases_folder: Path) -> None:
    newer = keep(tiny, "nano-300-0123abcd", "nano")
    facts = newer.path / "base.json"
    later = (kept.path / "base.json").stat().st_mtime + 10
    os.utime(facts, (later, later))
    assert find("nano") == newer


def test_what_is_not_there_is_told_with_what_is_and_how_to_make_it(kept: Base) -> None:
    with pytest.raises(
        WeightsError, match=r"there are: nano-200-0123abcd. Make it: kubelab pretrain --size mini"
    ):
        find("mini")


def test_a_base_is_trained_once(bases_folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.mkdir()
    (text / "a.txt").write_text("la la la " * 100)
    steps = []

    def report(**each: float) -> None:
        steps.append(each["step"])

    first = make("nano", 2, text, report=report, batch=2, context=16)
    assert (steps, first.path.parent) == ([1, 2], bases_folder)
    assert make("nano", 2, text, report=report, batch=2, context=16) == first
    assert steps == [1, 2]
    assert [path.name for path in bases_folder.iterdir() if path != text] == [first.name]


def test_other_steps_text_or_settings_are_another_base(
    bases_folder: Path, tiny: Trained, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("kubelab.llm.train.pretrain", lambda *_, **__: tiny)
    names = set()
    for number, (steps, text, lr) in enumerate(
        [(2, "la", 1e-3), (3, "la", 1e-3), (2, "lo", 1e-3), (2, "la", 2e-3)]
    ):
        folder = tmp_path / f"text-{number}"
        folder.mkdir()
        (folder / "a.txt").write_text(text)
        names.add(make("nano", steps, folder, lr=lr).name)
    assert len(names) == 4


def test_a_training_that_breaks_leaves_nothing(bases_folder: Path, tiny: Trained) -> None:
    broken = Trained(**{**vars(tiny), "loss": object()})
    with pytest.raises(TypeError):
        keep(broken, "nano-1-broken", "nano")
    assert not list(bases_folder.iterdir())


@pytest.mark.parametrize("damage", ["weights", "facts"])
def test_a_damaged_base_says_how_to_go_on(kept: Base, damage: str) -> None:
    if damage == "weights":
        shutil.rmtree(kept.path / "weights")
    else:
        (kept.path / "base.json").write_text(json.dumps({"size": "nano"}))
    with pytest.raises(WeightsError, match="emove the folder"):
        find("nano").load()


def test_finetuning_starts_from_a_base_by_name(kept: Base) -> None:
    tuned = finetune("nano", kept.data, rank=2, steps=1, batch=2, report=quiet)
    assert tuned.title == "nano-200-0123abcd with LoRA 2"
    assert {type(each) for each in jax.tree.leaves(nnx.state(tuned.model, nnx.LoRAParam))}


def test_pods_get_the_bases_by_a_volume_and_a_variable(bases_folder: Path) -> None:
    assert llm.mounted_bases() == {
        "volumes": {"/mnt/kubelab-bases": {"hostPath": {"path": str(bases_folder), "type": "Directory"}}},
        "env": {"LLM_BASES": "/mnt/kubelab-bases"},
    }


def hub_model(folder: Path, vocabulary: int) -> Path:
    changed = {"vocab_size": vocabulary}
    return model_folder(folder / "Tiny-Llama", weights_of({**CONFIG, **changed}), **changed)


def test_a_hubs_model_is_adopted_once_and_found_by_its_name(bases_folder: Path, tmp_path: Path) -> None:
    source = hub_model(tmp_path, 256)
    adopted = adopt(source)
    assert adopted.name.startswith("tiny-llama-")
    assert adopt(source) == adopted == find("Tiny-Llama")
    tokens = jnp.arange(12)[None]
    np.testing.assert_array_equal(adopted.load()(tokens), hub.load(source)(tokens))


def test_a_hubs_model_without_tokenizer_needs_a_token_for_each_byte(
    bases_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(WeightsError, match=r"Tiny-Llama has 50 tokens and no tokenizer.json"):
        adopt(hub_model(tmp_path, 50))
    assert bases() == []


def test_a_hubs_model_learns_from_the_tokens_of_its_own_tokenizer(
    bases_folder: Path, tmp_path: Path, rhyme: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = hub_model(tmp_path, 50)
    (source / "tokenizer.json").write_text("{}")
    seen: list[str] = []

    class Words:
        """Stands for the package ``tokenizers``: each word's length is its token."""

        def encode(self, text: str, *, add_special_tokens: bool) -> SimpleNamespace:
            seen.append(text)
            return SimpleNamespace(ids=[len(word) for word in text.split()])

    tokenizers = SimpleNamespace(Tokenizer=SimpleNamespace(from_file=lambda path: Words()))
    monkeypatch.setitem(sys.modules, "tokenizers", tokenizers)
    tuned = finetune(adopt(source).name, rhyme, steps=2, batch=4, context=8, report=lambda **_: None)
    assert tuned.steps == 2
    assert seen[0].startswith("one two three")
