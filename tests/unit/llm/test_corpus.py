from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kubelab.llm import sources
from kubelab.llm.corpus import Corpus, load
from kubelab.llm.errors import CorpusError


def corpus_of(*texts: str) -> Corpus:
    return Corpus("test", tuple((f"{number:03}", text.encode()) for number, text in enumerate(texts)))


@pytest.fixture(scope="module")
def stdlib() -> Corpus:
    return load("stdlib")


def test_the_standard_librarys_source_is_there_without_its_tests_or_tables(stdlib: Corpus) -> None:
    names = [name for name, _ in stdlib.documents]
    assert "argparse.py" in names
    assert "asyncio/events.py" in names
    assert not [name for name in names if name.startswith(("test/", "site-packages/", "encodings/"))]
    assert len(stdlib.train) > 5_000_000


def test_its_prose_is_words_and_not_code() -> None:
    prose = load("stdlib-prose")
    argparse = dict(prose.documents)["argparse.py"].decode()
    assert argparse.startswith("Command-line parsing library\n\nThis module is an optparse-inspired")
    assert "import os" not in argparse
    assert "def __init__(self" not in argparse
    assert "topics/lambda" in dict(prose.documents)
    assert len(prose.train) > 1_000_000


def test_prose_is_what_the_plain_expressions_find(stdlib: Corpus) -> None:
    docstring = re.compile(rb'^[ \t]*[rRuU]?("""|\'\'\')(.*?)\1', re.MULTILINE | re.DOTALL)
    comment = re.compile(rb"(?:^[ \t]*#[ ].*\n){2,}", re.MULTILINE)
    for _, source in stdlib.documents:
        assert list(sources.docstrings(source)) == [match[2] for match in docstring.finditer(source)]
        lines = [match[0].lstrip(b" \t") for match in comment.finditer(source)]
        assert list(sources.comments(source)) == lines


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b'x = """no"""\n  r"""yes"""\n', [b"yes"]),
        (b'\'\'\'one """ in it\'\'\'\n"""two""" """no"""', [b'one """ in it', b"two"]),
        (b"\"\"\"never closed\n'''closed'''\n", [b"closed"]),
        (b'f"""no"""', []),
    ],
)
def test_a_docstring_is_the_first_of_its_line(source: bytes, expected: list[bytes]) -> None:
    assert list(sources.docstrings(source)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"x  # no\n# one\n  # two\ny\n", [b"# one\n  # two\n"]),
        (b"x  # no\n# alone\ny\n", []),
        (b"## no\n# one\n# two\n# without an end", [b"# one\n# two\n"]),
    ],
)
def test_a_comment_has_two_lines_to_itself(source: bytes, expected: list[bytes]) -> None:
    assert list(sources.comments(source)) == expected


def test_train_and_validation_share_no_document_and_lose_none(stdlib: Corpus) -> None:
    assert abs(len(stdlib.validation) / len(stdlib.train) - 0.05) < 0.03
    whole = b"\n".join(content for _, content in stdlib.documents)
    assert len(stdlib.train) + 1 + len(stdlib.validation) == len(whole)
    assert bytes(stdlib.validation[:2000]) not in bytes(stdlib.train)


def test_the_split_and_fingerprint_are_the_same_every_time(stdlib: Corpus) -> None:
    again = load("stdlib")
    assert again.fingerprint == stdlib.fingerprint
    assert np.array_equal(again.validation, stdlib.validation)


def test_the_fingerprint_is_of_names_and_contents(tmp_path: Path) -> None:
    found = set()
    for name, text in (("a.txt", "one"), ("a.txt", "two"), ("b.txt", "two")):
        folder = tmp_path / f"{name}-{text}"
        folder.mkdir()
        (folder / name).write_text(text)
        found.add(load(folder).fingerprint)
    assert len(found) == 3


def test_one_document_is_cut_at_its_end() -> None:
    corpus = corpus_of("x" * 95 + "y" * 5)
    assert bytes(corpus.train) == b"x" * 95
    assert bytes(corpus.validation) == b"y" * 5


def test_ranks_share_out_the_batch_that_one_would_see() -> None:
    corpus = corpus_of("".join(map(chr, range(32, 127))) * 20)
    whole = corpus.batch(3, 8, 10, seed=1)
    shares = [corpus.batch(3, 8, 10, seed=1, rank=rank, size=2) for rank in (0, 1)]
    assert whole.shape == (8, 11)
    assert np.array_equal(np.stack(shares, 1).reshape(8, 11), whole)


def test_windows_differ_by_step_and_seed_and_repeat() -> None:
    corpus = corpus_of("".join(map(chr, range(32, 127))) * 20)
    assert np.array_equal(corpus.batch(1, 8, 10), corpus.batch(1, 8, 10))
    assert not np.array_equal(corpus.batch(1, 8, 10), corpus.batch(2, 8, 10))
    assert not np.array_equal(corpus.batch(1, 8, 10), corpus.batch(1, 8, 10, seed=1))


def test_a_text_shorter_than_a_window_says_how_long_it_should_be() -> None:
    with pytest.raises(CorpusError, match="test has 38 tokens where more than context=64 are needed"):
        corpus_of("x" * 40).batch(1, 4, 64)


def test_a_folder_gives_its_text_files_only(tmp_path: Path) -> None:
    for name in ("a.md", "deep/b.txt", "c.bin", ".hidden.txt", ".git/d.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    assert [name for name, _ in load(tmp_path).documents] == ["a.md", "deep/b.txt"]


def test_a_folder_without_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no text files"):
        load(tmp_path)


def test_a_folder_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "big.txt").open("wb") as file:
        os.truncate(file.fileno(), 300_000_000)
    with pytest.raises(CorpusError, match="300 MB of text, more than the 200 MB"):
        load(tmp_path)


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(CorpusError, match="'stdlib', 'stdlib-prose', a folder, or 'hf:NAME'"):
        load("shakespeare")


def test_a_hugging_face_data_set_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(CorpusError, match="pip install datasets"):
        load("hf:wikitext")


class Rows:
    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = rows

    def take(self, count: int) -> list[dict[str, object]]:
        return self.rows[:count]


def test_a_hugging_face_data_set_gives_its_texts_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(name: str, **options: object) -> Rows:
        asked.append((name, options))
        return Rows([{"id": 1, "text": "first"}, {"id": 2, "text": "second"}])

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    corpus = load("hf:someone/texts")
    assert [content for _, content in corpus.documents] == [b"first", b"second"]
    assert asked == [("someone/texts", {"split": "train", "streaming": True})]


def test_without_a_network_a_data_set_says_so_and_what_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(name: str, **options: object) -> Rows:
        raise ConnectionError("no route to host")

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    with pytest.raises(CorpusError, match=r"no route to host.*data='stdlib' needs none"):
        load("hf:someone/texts")
