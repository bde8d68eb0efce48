"""The fingerprint of data, and the line that carries it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kubelab.errors import KubelabError
from kubelab.training.metrics import parse_metrics
from kubelab.training.pod.context import Session, fingerprint
from kubelab.training.pod.data import digest_of, line_of, read_line
from kubelab.training.pod.environment import PodEnvironment

ZEROS = np.zeros((2, 3), np.float32)


def test_equal_data_have_one_digest() -> None:
    assert digest_of([ZEROS, "text"]) == digest_of([ZEROS.copy(), "text"])
    assert digest_of([np.asfortranarray(ZEROS)]) == digest_of([ZEROS]), "the order in memory is no matter"
    assert digest_of([{"a": 1, "b": 2}]) == digest_of([{"b": 2, "a": 1}])


@pytest.mark.parametrize(
    "other",
    [
        ZEROS.astype(np.float64),
        ZEROS.reshape(3, 2),
        ZEROS + 1,
        ZEROS.tobytes(),
        [ZEROS],
        [ZEROS, ZEROS],
        "text",
    ],
)
def test_other_data_have_another(other: Any) -> None:
    assert digest_of([other]) != digest_of([ZEROS])


def test_where_a_text_ends_is_part_of_it() -> None:
    assert digest_of(["ab", "c"]) != digest_of(["a", "bc"])


def test_a_line_is_read_back_and_holds_no_metric() -> None:
    line = line_of("2026-08-01T10:00:00Z", "digits/train 2", "12345678e9")
    assert read_line(line) == ("digits/train 2", "12345678e9")
    assert parse_metrics([line]) == []
    assert parse_metrics([line_of("2026-08-01T10:00:00Z", "a=1\nb=2", "ab" * 8)]) == []
    assert read_line("2026-08-01T10:00:00Z dataset digits was loaded") is None


@pytest.mark.parametrize(
    ("name", "data", "digest"),
    [
        (" ", ("x",), ""),
        ("a", (), ""),
        ("a", ("x",), "ab" * 8),
        ("a", (), "no digest"),
        ("a", (object(),), ""),
    ],
)
def test_what_cannot_be_said_is_refused(name: str, data: tuple[Any, ...], digest: str) -> None:
    with pytest.raises(KubelabError):
        fingerprint(name, *data, digest=digest)


def test_only_rank_0_says_it_and_a_restarted_worker_says_it_again(
    tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubelab.training.pod import context

    for rank in (1, 0):
        session = Session({}, PodEnvironment(rank=rank, size=2, checkpoint_dir=str(tmp_path)))
        monkeypatch.setattr(context, "_session", session)
        assert fingerprint("digits", ZEROS) == digest_of([ZEROS])
    [line] = capsys.readouterr().out.splitlines()
    assert read_line(line) == ("digits", digest_of([ZEROS]))
    Session({}, PodEnvironment(rank=0, size=2, checkpoint_dir=str(tmp_path)))
    assert capsys.readouterr().out.splitlines() == [line]
