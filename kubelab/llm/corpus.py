"""`Corpus`: real text as tokens, split once and for all into what trains and what validates.

The Python standard library is on every machine that runs this: its source is one corpus, its docstrings,
comments and help topics another. Any folder of text and, with a network, Hugging Face data sets are more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kubelab.llm import sources
from kubelab.llm.errors import CorpusError

Tokens = npt.NDArray[Any]
"""Token numbers of an unsigned type, one after the other."""

VALIDATION_SHARE = 20
"""One document in so many validates; which one, its name decides."""


@dataclass(frozen=True)
class Corpus:
    """Text to train on.

    Parameters
    ----------
    name : str
        What it was asked for by.
    documents : tuple of (str, bytes)
        Each text's name and content, sorted by name.
    encode : callable, optional
        From bytes to tokens; bytes are their own tokens unless given.
    """

    name: str
    documents: tuple[tuple[str, bytes], ...]
    encode: Callable[[bytes], Tokens] | None = None

    def __repr__(self) -> str:
        size_mb = sum(len(content) for _, content in self.documents) / 1e6
        return (
            f"<Corpus {self.name}: {len(self.documents)} documents, {size_mb:.1f} MB, {self.fingerprint[:8]}>"
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all documents in order, with their names: the same text has the same one."""
        digest = hashlib.sha256()
        for name, content in self.documents:
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    @cached_property
    def train(self) -> Tokens:
        """The tokens that train."""
        return self._split[0]

    @cached_property
    def validation(self) -> Tokens:
        """The tokens that never train."""
        return self._split[1]

    def batch(
        self, step: int, batch: int, context: int, *, seed: int = 0, rank: int = 0, size: int = 1
    ) -> Tokens:
        """Return one rank's windows of a step's batch.

        Windows are drawn for the whole batch and then shared out, so that a step sees the same text however
        many ranks there are, and after a restart too.

        Returns
        -------
        ndarray, shape (batch / size, context + 1)
            Each window with the token after it.
        """
        last = self._last_start(self.train, context)
        starts = np.random.default_rng((seed, step)).integers(0, last + 1, batch)
        return _windows(self.train, starts[rank::size], context)

    def validation_batch(self, batch: int, context: int, *, rank: int = 0, size: int = 1) -> Tokens:
        """Return one rank's share of evenly spread windows to validate on, always the same."""
        starts = np.linspace(0, self._last_start(self.validation, context), batch).astype(int)
        return _windows(self.validation, starts[rank::size], context)

    @cached_property
    def _split(self) -> tuple[Tokens, Tokens]:
        texts: tuple[list[bytes], list[bytes]] = ([], [])
        for name, content in self.documents:
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
            texts[number % VALIDATION_SHARE == 0].append(content)
        if not all(texts):  # too few documents to choose among: the end of the text validates
            whole = self._tokens(content for _, content in self.documents)
            cut = len(whole) - max(1, len(whole) // VALIDATION_SHARE)
            return whole[:cut], whole[cut:]
        return self._tokens(texts[0]), self._tokens(texts[1])

    def _tokens(self, texts: Iterable[bytes]) -> Tokens:
        joined = b"\n".join(texts)
        return np.frombuffer(joined, np.uint8) if self.encode is None else self.encode(joined)

    def _last_start(self, tokens: Tokens, context: int) -> int:
        if len(tokens) <= context:
            raise CorpusError(
                f"{self.name} has {len(tokens)} tokens where more than context={context} are needed. "
                "Add text, or choose a shorter context."
            )
        return len(tokens) - context - 1


def load(data: str | Path | Corpus) -> Corpus:
    """Return the corpus of that name.

    Parameters
    ----------
    data : str, Path or Corpus
        ``"stdlib"`` (the standard library's source), ``"stdlib-prose"`` (its docstrings, comments and help
        topics), a folder of text files, or ``"hf:NAME"``, a data set of Hugging Face's.

    Raises
    ------
    CorpusError
        If there is no such text.
    """
    if isinstance(data, Corpus):
        return data
    name = str(data)
    if name.startswith(sources.HUGGING_FACE):
        documents = sources.hugging_face(name.removeprefix(sources.HUGGING_FACE))
    elif name in sources.BUILT_IN:
        documents = sources.BUILT_IN[name]()
    elif Path(name).is_dir():
        documents = sources.folder(Path(name))
    else:
        known = ", ".join(repr(each) for each in sources.BUILT_IN)
        raise CorpusError(
            f"data={name!r} is no folder and no corpus. Choose {known}, a folder, or 'hf:NAME'."
        )
    return Corpus(name, tuple(sorted(documents)))


def _windows(tokens: Tokens, starts: npt.NDArray[Any], context: int) -> Tokens:
    windows: Tokens = tokens[starts[:, None] + np.arange(context + 1)]
    return windows
