"""A tiny model trained once on a tiny text, for all tests of what is done with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelab.llm.config import GPTConfig
from kubelab.llm.corpus import Corpus, load
from kubelab.llm.train import Trained, pretrain

TINY = GPTConfig(width=32, layers=2, heads=4, kv_heads=2, head_dim=8, hidden=64, context=16)


@pytest.fixture(scope="session")
def rhyme(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Text that even a tiny model learns."""
    folder = tmp_path_factory.mktemp("rhyme")
    for number in range(40):
        (folder / f"{number}.txt").write_text("one two three four five six seven eight\n" * 20)
    return load(folder)


@pytest.fixture(scope="session")
def tiny(rhyme: Corpus) -> Trained:
    """A tiny model that knows the rhyme."""
    return pretrain(TINY, 200, rhyme, batch=8, lr=2e-2, report=lambda **_: None)


@pytest.fixture
def bases_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for bases."""
    monkeypatch.setenv("LLM_BASES", str(tmp_path))
    return tmp_path
