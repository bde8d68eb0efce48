"""Weights from a hub: a Llama-style model's folder becomes a `GPT`.

The folder holds ``config.json`` and ``model.safetensors`` (or an index of several), as Hugging Face's hub has
them; the names of both are those of ``transformers`` (``models/llama``).
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from kubelab.llm.config import GPTConfig
from kubelab.llm.corpus import Tokens
from kubelab.llm.errors import WeightsError
from kubelab.llm.model import GPT
from kubelab.llm.safetensors import Tensor, read_all
from kubelab.llm.sampling import Tokenizer

TOKENIZER = "tokenizer.json"
_KINDS = ("llama", "mistral")
_LAYER = {
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "mlp_norm",
    **{f"self_attn.{name}_proj": f"attention.{name}" for name in "qkvo"},
    **{f"mlp.{name}_proj": f"mlp.{name}" for name in ("gate", "up", "down")},
}
_OURS = {"model.embed_tokens.weight": "embed.embedding", "model.norm.weight": "norm.scale"}


def load(model: str | Path, *, dtype: Any = None) -> GPT:
    """Return the model of a folder, or of a name on Hugging Face's hub.

    Parameters
    ----------
    model : str or Path
        A folder, or ``owner/name``.
    dtype : dtype, optional
        What to compute in; chosen by the device unless given.

    Raises
    ------
    WeightsError
        If it is not there, is of another kind, or does not fit its own description.
    """
    from kubelab.llm.train import compute_dtype

    folder = folder_of(model)
    try:
        config = config_of(json.loads((folder / "config.json").read_text()))
    except (OSError, ValueError) as error:
        raise WeightsError(f"{folder} holds no model's config.json that can be read: {error}") from error
    made = GPT(config, nnx.Rngs(0), dtype or compute_dtype())
    theirs = read_all(folder)
    if config.tied:
        theirs.pop("lm_head.weight", None)  # some files repeat the embedding
    weights = dict(nnx.to_flat_state(nnx.state(made, nnx.Param)))
    named = {".".join(map(str, path)): weight for path, weight in weights.items()}
    left = dict(named)
    for name, tensor in _translated(theirs):
        if name not in left:
            raise WeightsError(f"{folder} has {name}, which a {config} has no place for.")
        _fill(left.pop(name), name, tensor)
    if left:
        raise WeightsError(f"{folder} lacks weights: {', '.join(sorted(left)[:5])}. Fetch all its files.")
    return made


def config_of(theirs: Mapping[str, Any]) -> GPTConfig:
    """Return the shape that a hub's ``config.json`` describes.

    Raises
    ------
    WeightsError
        If the model has parts that `GPT` has not.
    """
    rope = theirs.get("rope_parameters") or {}
    scaling = theirs.get("rope_scaling") or rope
    unknown = {
        "model_type": theirs.get("model_type") not in _KINDS,
        "hidden_act": theirs.get("hidden_act", "silu") != "silu",
        "attention_bias": bool(theirs.get("attention_bias")),
        "mlp_bias": bool(theirs.get("mlp_bias")),
        "sliding_window": bool(theirs.get("sliding_window")),
        "rope_scaling": scaling.get("rope_type", scaling.get("type", "default")) != "default",
    }
    odd = [f"{name}={theirs.get(name, rope)!r}" for name, is_odd in unknown.items() if is_odd]
    if odd:
        raise WeightsError(
            f"the model has {', '.join(odd)}, which is not supported. Load a plain Llama: "
            f"model_type {' or '.join(_KINDS)}, SiLU, no biases, no window, no scaling of RoPE."
        )
    try:
        heads, width = theirs["num_attention_heads"], theirs["hidden_size"]
        return GPTConfig(
            width=width,
            layers=theirs["num_hidden_layers"],
            heads=heads,
            kv_heads=theirs.get("num_key_value_heads") or heads,
            head_dim=theirs.get("head_dim") or width // heads,
            hidden=theirs["intermediate_size"],
            context=theirs.get("max_position_embeddings", 2048),
            vocabulary=theirs["vocab_size"],
            rope_theta=float(rope.get("rope_theta") or theirs.get("rope_theta") or 10_000.0),
            norm_eps=theirs.get("rms_norm_eps", 1e-6),
            tied=bool(theirs.get("tie_word_embeddings")),
        )
    except KeyError as error:
        raise WeightsError(f"config.json lacks {error}. Fetch the model again.") from None


def tokenizer(model: str | Path) -> Tokenizer:
    """Return the tokenizer of a model's folder.

    Raises
    ------
    WeightsError
        If the package ``tokenizers`` or the file ``tokenizer.json`` is not there.
    """
    path = folder_of(model) / TOKENIZER
    if not path.exists():
        raise WeightsError(f"{path} is not there. Fetch it with the model, or pass a tokenizer of your own.")
    return _Tokenizer(
        _module("tokenizers", "to turn text into this model's tokens").Tokenizer.from_file(str(path))
    )


class _Tokenizer:
    def __init__(self, theirs: Any) -> None:
        self._theirs = theirs

    def encode(self, text: str) -> list[int]:
        return list(self._theirs.encode(text, add_special_tokens=False).ids)

    def decode(self, tokens: list[int]) -> str:
        return str(self._theirs.decode(tokens))


def encoder(model: str | Path) -> Callable[[bytes], Tokens]:
    """Return what turns a corpus into the tokens of a model's folder.

    Raises
    ------
    WeightsError
        If the package ``tokenizers`` or the file ``tokenizer.json`` is not there.
    """
    own = tokenizer(model)
    return lambda text: np.asarray(own.encode(text.decode("utf-8", "replace")), np.uint32)


def fingerprint(folder: Path) -> str:
    """Return the SHA-256 of a model's description and weights."""
    digest = hashlib.sha256()
    for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
        if path.exists():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def folder_of(model: str | Path) -> Path:
    """Return a model's folder, fetched from the hub if it is a name there.

    Raises
    ------
    WeightsError
        If it is neither, or cannot be fetched.
    """
    if Path(model).is_dir():
        return Path(model)
    name = str(model)
    if name.count("/") != 1 or name.startswith((".", "/")):
        raise WeightsError(f"model={name!r} is no folder here, and no owner/name on the hub.")
    hub = _module("huggingface_hub", "to fetch a model by its name")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:
        raise WeightsError(
            f"{name!r} could not be fetched from the hub: {error}. It needs a network; a folder needs none."
        ) from error


def _module(name: str, why: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise WeightsError(f"the package {name} is needed {why}: pip install {name}") from None


def _translated(theirs: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    """Yield our name of each tensor, and the tensor as our layers hold it."""
    for name, tensor in theirs.items():
        if name in _OURS:
            yield _OURS[name], tensor
        elif name == "lm_head.weight":
            yield "head.kernel", tensor.T
        else:
            yield _layer_name(name), tensor.T if tensor.ndim == 2 else tensor


def _layer_name(name: str) -> str:
    _, _, place = name.removesuffix(".weight").partition("model.layers.")
    number, _, part = place.partition(".")
    ours = _LAYER.get(part)
    if ours is None:
        return name
    return f"layers.{number}.{ours}.{'scale' if ours.endswith('norm') else 'kernel'}"


def _fill(weight: Any, name: str, tensor: Tensor) -> None:
    if weight.shape != tensor.shape:
        raise WeightsError(
            f"{name} has the shape {tensor.shape} where config.json wants {weight.shape}. "
            "Fetch the model again."
        )
    weight[...] = jnp.asarray(np.asarray(tensor, np.float32))
