"""Pretrained models kept for reuse: made once, found again by name, read by every trial.

A base is a folder: weights written by Orbax, and ``base.json``, which says what they are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubelab.llm.config import SIZES, GPTConfig
from kubelab.llm.config import size as size_of
from kubelab.llm.errors import WeightsError

if TYPE_CHECKING:
    from kubelab.llm.corpus import Tokens
    from kubelab.llm.model import GPT
    from kubelab.llm.train import Trained

BYTES = 256
FOLDER = "LLM_BASES"
"""The variable that says where bases are, such as where a pod has the volume with them."""
MOUNT = "/mnt/kubelab-bases"
_FACTS = "base.json"
_WEIGHTS = "weights"
DEFAULT_STEPS = 700


@dataclass(frozen=True, slots=True)
class Base:
    """A pretrained model on disk.

    Parameters
    ----------
    name : str
        Such as ``nano-600-1a2b3c4d``: size, steps, and the beginning of a digest of all it was made from.
    size : str
        The name of its shape.
    config : GPTConfig
        Its shape.
    steps : int
        Updates it was trained for.
    loss, val_loss : float or None
        The last ones, in nats for a token; None where others trained it.
    seconds : float
        How long that took.
    data, fingerprint : str
        The corpus' name and its SHA-256, or those of a hub's model.
    path : Path
        Its folder.
    """

    name: str
    size: str
    config: GPTConfig
    steps: int
    loss: float | None
    val_loss: float | None
    seconds: float
    data: str
    fingerprint: str
    path: Path

    def __repr__(self) -> str:
        if self.val_loss is None:
            return f"<Base {self.name}: {self.data}, {self.config}>"
        return f"<Base {self.name}: {self.steps} steps on {self.data}, val_loss {self.val_loss:.2f}>"

    @property
    def encode(self) -> Callable[[bytes], Tokens] | None:
        """From text to the model's tokens; None where bytes are its tokens.

        Raises
        ------
        WeightsError
            If the package ``tokenizers``, which a hub's model needs, is not there.
        """
        from kubelab.llm import hub

        return hub.encoder(self.path) if (self.path / hub.TOKENIZER).exists() else None

    def load(self, dtype: Any = None) -> GPT:
        """Return the model.

        Raises
        ------
        WeightsError
            If its weights cannot be read.
        """
        import jax
        import jax.numpy as jnp
        import numpy as np
        import orbax.checkpoint as ocp
        from flax import nnx

        from kubelab.llm.model import GPT
        from kubelab.llm.train import compute_dtype

        # Shapes only: to draw weights at random takes longer than to read the right ones.
        model: GPT = nnx.eval_shape(lambda: GPT(self.config, nnx.Rngs(0), dtype or compute_dtype()))
        # Read as NumPy's: a JAX array comes back to the device that wrote it, which only one rank has.
        shapes = nnx.to_pure_dict(nnx.state(model))
        target = jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), shapes)
        try:
            with ocp.StandardCheckpointer() as checkpointer:
                weights = checkpointer.restore((self.path / _WEIGHTS).absolute(), target)
        except (OSError, ValueError, KeyError) as error:
            raise WeightsError(
                f"the weights of base {self.name} in {self.path} cannot be read: {error}. Remove the folder "
                f"and make it again: {_command(self.size)}"
            ) from error
        nnx.update(model, jax.tree.map(jnp.asarray, weights))
        return model


def make(
    size: str = "nano",
    steps: int = DEFAULT_STEPS,
    data: str | Path = "stdlib",
    *,
    report: Callable[..., None] | None = None,
    **settings: Any,
) -> Base:
    """Return the base of that size, text and length of training, training it if there is none yet.

    Parameters
    ----------
    size, steps, data, report, **settings
        See `kubelab.llm.pretrain`.

    Raises
    ------
    KubelabError
        If it cannot be trained so.
    """
    from kubelab.llm import corpus as corpora
    from kubelab.llm.train import pretrain

    corpus = corpora.load(data)
    asked = {"size": size_of(size).to_json(), "text": corpus.fingerprint, "steps": steps, **settings}
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    name = f"{size}-{steps}-{key[:8]}"
    if (folder() / name / _FACTS).exists():
        return find(name)
    return keep(pretrain(size, steps, corpus, report=report, **settings), name, size)


def adopt(model: str | Path) -> Base:
    """Return the base made of a hub's model, copying it here if there is none yet.

    It is found by its name on the hub, or by its folder's. Text becomes tokens as its ``tokenizer.json``
    says; without one, bytes are the tokens.

    Parameters
    ----------
    model : str or Path
        A folder, or ``owner/name`` on Hugging Face's hub.

    Raises
    ------
    WeightsError
        If it cannot be fetched or loaded, or has no tokenizer and fewer tokens than there are bytes.
    """
    from kubelab.llm import hub

    source = hub.folder_of(model)
    fingerprint = hub.fingerprint(source)
    called = str(model) if source != Path(model) else source.resolve().name
    name = f"{called.rpartition('/')[2].lower()}-{fingerprint[:8]}"
    if (folder() / name / _FACTS).exists():
        return find(name)
    loaded = hub.load(source)
    vocabulary, tokenizer = loaded.config.vocabulary, source / hub.TOKENIZER
    if not tokenizer.exists() and vocabulary < BYTES:
        raise WeightsError(
            f"{called} has {vocabulary} tokens and no {hub.TOKENIZER}; the {BYTES} bytes cannot be its "
            "tokens. Fetch the model with its tokenizer."
        )
    facts = {
        "size": called,
        "steps": 0,
        "loss": None,
        "val_loss": None,
        "seconds": 0.0,
        "data": called,
        "fingerprint": fingerprint,
    }
    return _keep(loaded, name, facts, [tokenizer] if tokenizer.exists() else [])


def keep(trained: Trained, name: str, size: str) -> Base:
    """Write a model as a base: complete or not at all."""
    facts = {
        "size": size,
        "steps": trained.steps,
        "loss": trained.loss,
        "val_loss": trained.val_loss,
        "seconds": trained.seconds,
        "data": trained.data,
        "fingerprint": trained.fingerprint,
    }
    return _keep(trained.model, name, facts)


def _keep(model: GPT, name: str, facts: dict[str, Any], files: Sequence[Path] = ()) -> Base:
    import orbax.checkpoint as ocp
    from flax import nnx

    place = folder()
    with tempfile.TemporaryDirectory(dir=place, prefix=".making-") as draft:
        made = Path(draft, name)
        made.mkdir()
        with ocp.StandardCheckpointer() as checkpointer:
            checkpointer.save((made / _WEIGHTS).absolute(), nnx.to_pure_dict(nnx.state(model)))
        for file in files:
            shutil.copyfile(file, made / file.name)
        (made / _FACTS).write_text(json.dumps({**facts, "config": model.config.to_json()}, indent=2))
        with contextlib.suppress(OSError):  # somebody else made the same one meanwhile
            made.rename(place / name)
    return _read(place / name)


def find(name: str | Path) -> Base:
    """Return a base by its name, its folder, or its size: then the newest.

    Raises
    ------
    WeightsError
        If there is none, with those that there are.
    """
    path = Path(name)
    if (path / _FACTS).exists():
        return _read(path)
    there = bases()
    for base in there:
        if name in (base.name, base.size):
            return base
    known = ", ".join(base.name for base in there) or "none"
    how = f" Make it: {_command(str(name))}" if name in SIZES else ""
    raise WeightsError(f"there is no base {str(name)!r} in {folder()}; there are: {known}.{how}")


def bases() -> list[Base]:
    """Return all bases, newest first."""
    found = sorted(folder().glob(f"*/{_FACTS}"), key=lambda facts: facts.stat().st_mtime, reverse=True)
    return [_read(facts.parent) for facts in found]


def folder() -> Path:
    """Return the folder that holds all bases."""
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER])
    try:
        from kubelab.home import cache
    except ImportError:  # a pod has only what travels
        raise WeightsError(
            "there are no bases in this pod: launch it with cluster.train(..., **llm.mounted_bases())."
        ) from None
    return cache("llm")


def mounted_bases() -> dict[str, Any]:
    """Return what ``cluster.train`` needs for pods on this machine to read its bases: a volume, a variable.

    On a cluster of other machines, put the folder on a claim of your own and mount that.
    """
    source = {"hostPath": {"path": str(folder().absolute()), "type": "Directory"}}
    return {"volumes": {MOUNT: source}, "env": {FOLDER: MOUNT}}


def _read(path: Path) -> Base:
    try:
        facts = json.loads((path / _FACTS).read_text())
        config = GPTConfig.from_json(facts.pop("config"))
        return Base(name=path.name, path=path, config=config, **facts)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsError(f"{path} is not a base that can be read: {error}. Remove the folder.") from error


def _command(size: str) -> str:
    return f"kubelab pretrain --size {size}"
