from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

from kubelab.llm.corpus import Corpus
from kubelab.llm.errors import ConfigError, CorpusError, DivergedError
from kubelab.llm.fit import check_shares
from kubelab.llm.train import Trained, pretrain

from .conftest import TINY


def reported(corpus: Corpus, **options: Any) -> list[dict[str, float]]:
    found: list[dict[str, float]] = []
    options = {"steps": 7, "batch": 4, "report_every": 3, **options}
    pretrain(TINY, data=corpus, report=lambda **each: found.append(each), **options)
    return found


@pytest.fixture(scope="module")
def reports(rhyme: Corpus) -> list[dict[str, float]]:
    return reported(rhyme)


def test_training_reports_the_first_step_every_third_and_the_last(reports: list[dict[str, float]]) -> None:
    assert [each["step"] for each in reports] == [1, 3, 6, 7]
    assert set(reports[0]) == {"step", "loss", "val_loss"}
    assert all(set(each) == {"step", "loss", "val_loss", "tokens_per_second"} for each in reports[1:])
    # Before anything is learned every byte is as likely as the others: ln 256.
    assert reports[0]["loss"] == pytest.approx(5.545, abs=0.1)
    assert reports[-1]["val_loss"] < reports[0]["val_loss"]


def test_the_same_seed_gives_the_same_losses(rhyme: Corpus, reports: list[dict[str, float]]) -> None:
    assert [each["loss"] for each in reported(rhyme)] == [each["loss"] for each in reports]


def test_a_loss_that_is_no_number_ends_the_training_and_says_why(rhyme: Corpus) -> None:
    with pytest.raises(DivergedError, match=r"training has diverged\. Choose a smaller lr") as caught:
        reported(rhyme, lr=1e30, steps=20, report_every=2)
    assert caught.value.step <= 20
    assert not np.isfinite(caught.value.loss)


def test_a_batch_that_does_not_divide_among_the_devices_is_refused() -> None:
    with pytest.raises(ConfigError, match="batch=3 cannot be shared among 2 devices: choose a multiple of 2"):
        check_shares(3, 2)


def test_a_text_too_short_for_a_window_is_told(rhyme: Corpus) -> None:
    with pytest.raises(CorpusError, match="more than context=100000 are needed"):
        reported(rhyme, context=100_000)


def test_what_was_trained_is_known(tiny: Trained, rhyme: Corpus) -> None:
    assert repr(tiny).startswith("<GPT of 0.0 M: 200 steps on ")
    assert tiny.fingerprint == rhyme.fingerprint
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(nnx.state(tiny.model)))
