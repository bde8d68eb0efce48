"""Where text comes from: the standard library, a folder, Hugging Face."""

from __future__ import annotations

import importlib
import os
import re
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kubelab.llm.errors import CorpusError

Document = tuple[str, bytes]

HUGGING_FACE = "hf:"
MAX_FOLDER_BYTES = 200_000_000
"""A folder is read whole; a larger one is more likely a mistake."""
_TEXT = {".c", ".cfg", ".css", ".h", ".html", ".ini", ".ipynb", ".js", ".json", ".md", ".py", ".rst"} | {
    ".sh", ".tex", ".toml", ".ts", ".txt", ".xml", ".yaml", ".yml",
}  # fmt: skip
_NOT_WRITTEN = {"__pycache__", "_bundled", "encodings", "dist-packages", "lib2to3", "pydoc_data"}
"""Parts of the library that nobody wrote by hand, or that are not the library's."""
_TESTS = {"idle_test", "site-packages", "test", "tests"}

# Neither asks for a line's beginning: it takes four times as long to look for one than for a fixed text.
_QUOTES = re.compile(rb'"""|\'\'\'')
_COMMENT = re.compile(rb"# .*\n(?:[ \t]*# .*\n)+")
_INDENT = re.compile(rb"^[ \t]*(?:#[ ]?)?", re.MULTILINE)
_PREFIXES = {b"", *(bytes([each]) for each in b"rRuU")}
_MIN_PROSE_BYTES = 80
_MAX_ROWS = 20_000


def standard_library() -> Iterator[Document]:
    """Yield the source files of the standard library, without its tests."""
    root = Path(sysconfig.get_path("stdlib"))
    found: list[Path] = []
    for place, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in _NOT_WRITTEN | _TESTS]
        found += [Path(place, name) for name in names if name.endswith(".py")]
    for path in sorted(found):
        yield path.relative_to(root).as_posix(), path.read_bytes()


def standard_prose() -> Iterator[Document]:
    """Yield what the standard library says in words: docstrings, comments, and the topics of ``help()``."""
    for name, source in standard_library():
        found = [*docstrings(source), *comments(source)]
        prose = [_INDENT.sub(b"", text).strip() for text in found if len(text) >= _MIN_PROSE_BYTES]
        kept = [text for text in prose if len(text) >= _MIN_PROSE_BYTES]
        if kept:
            yield name, b"\n\n".join(kept)
    try:
        topics: Mapping[str, str] = importlib.import_module("pydoc_data.topics").topics
    except ImportError:  # a Python built without its help
        return
    for name, text in topics.items():
        yield f"topics/{name}", text.encode()


def folder(path: Path) -> Iterator[Document]:
    """Yield the text files below a folder; hidden ones and those of other kinds are left out.

    Raises
    ------
    CorpusError
        If there are none, or far too many.
    """
    found = [each for each in sorted(path.rglob("*")) if each.suffix in _TEXT and _is_plain(each, path)]
    if not found:
        raise CorpusError(f"the folder {path} holds no text files. Known are: {', '.join(sorted(_TEXT))}.")
    total = sum(each.stat().st_size for each in found)
    if total > MAX_FOLDER_BYTES:
        raise CorpusError(
            f"the folder {path} holds {total / 1e6:.0f} MB of text, more than the "
            f"{MAX_FOLDER_BYTES / 1e6:.0f} MB that are read. Choose a folder inside it."
        )
    for each in found:
        yield each.relative_to(path).as_posix(), each.read_bytes()


def hugging_face(name: str) -> Iterator[Document]:
    """Yield the texts of a data set's training split, at most 20,000.

    Raises
    ------
    CorpusError
        If the package is not installed, the hub does not answer, or the data set has no text.
    """
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        raise CorpusError(
            f"data='{HUGGING_FACE}{name}' needs the package datasets, which is not installed: "
            "pip install datasets"
        ) from None
    try:
        rows = datasets.load_dataset(name, split="train", streaming=True).take(_MAX_ROWS)
        for number, row in enumerate(rows):
            yield f"{number:08}", _text_of(row, name).encode()
    except CorpusError:
        raise
    except Exception as error:
        raise CorpusError(
            f"the data set {name!r} could not be read from Hugging Face: {error}. It needs a network; "
            "data='stdlib' needs none."
        ) from error


BUILT_IN: Mapping[str, Callable[[], Iterator[Document]]] = {
    "stdlib": standard_library,
    "stdlib-prose": standard_prose,
}


def docstrings(source: bytes) -> Iterator[bytes]:
    """Yield what stands between three quotes that are the first of their line."""
    place = 0
    while opening := _QUOTES.search(source, place):
        begin = opening.start()
        end = source.find(opening[0], begin + 3)
        if end >= 0 and _before(source, begin) in _PREFIXES:
            yield source[begin + 3 : end]
            place = end + 3
        else:
            place = _next_line(source, begin)


def comments(source: bytes) -> Iterator[bytes]:
    """Yield comments of two lines or more that have their lines to themselves."""
    place = 0
    while comment := _COMMENT.search(source, place):
        alone = not _before(source, comment.start())
        if alone:
            yield comment[0]
        place = comment.end() if alone else _next_line(source, comment.start())


def _before(source: bytes, place: int) -> bytes:
    """Return what stands in a line before a place, without blanks."""
    return source[source.rfind(b"\n", 0, place) + 1 : place].lstrip(b" \t")


def _next_line(source: bytes, place: int) -> int:
    return (source.find(b"\n", place) + 1) or len(source)


def _is_plain(path: Path, root: Path) -> bool:
    return path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)


def _text_of(row: Mapping[str, object], name: str) -> str:
    texts = [value for value in row.values() if isinstance(value, str)]
    if "text" in row:
        return str(row["text"])
    if not texts:
        raise CorpusError(f"the data set {name!r} has no text among its columns: {', '.join(row)}.")
    return max(texts, key=len)
