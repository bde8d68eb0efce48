"""A Llama-style checkpoint made on the spot, beside a plain numpy forward pass of the same equations."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from kubelab.llm import hub
from kubelab.llm.errors import WeightsError
from kubelab.llm.lora import LoRA, adapt
from kubelab.llm.sampling import sample

CONFIG: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 40,
    "vocab_size": 50,
    "max_position_embeddings": 64,
    "rope_theta": 500.0,
    "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
}
TOKENS = np.random.default_rng(1).integers(0, 50, 11)
Weights = dict[str, np.ndarray[Any, Any]]
KINDS = {"float32": "F32", "bfloat16": "BF16", "float16": "F16", "int8": "I8"}


def weights_of(config: dict[str, Any]) -> Weights:
    draw = np.random.default_rng(0)
    width, hidden, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    own, shared = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens": (config["vocab_size"], width),
        "model.norm": (width,),
    }
    for number in range(config["num_hidden_layers"]):
        layer = {
            "input_layernorm": (width,),
            "post_attention_layernorm": (width,),
            "self_attn.q_proj": (own, width),
            "self_attn.k_proj": (shared, width),
            "self_attn.v_proj": (shared, width),
            "self_attn.o_proj": (width, own),
            "mlp.gate_proj": (hidden, width),
            "mlp.up_proj": (hidden, width),
            "mlp.down_proj": (width, hidden),
        }
        shapes |= {f"model.layers.{number}.{name}": shape for name, shape in layer.items()}
    if not config["tie_word_embeddings"]:
        shapes["lm_head"] = (config["vocab_size"], width)
    return {f"{name}.weight": draw.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


def write(path: Path, tensors: Weights) -> None:
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        place = [len(data), len(data) + tensor.nbytes]
        header[name] = {"dtype": KINDS[tensor.dtype.name], "shape": tensor.shape, "data_offsets": place}  # type: ignore[dict-item]
        data += tensor.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def model_folder(folder: Path, tensors: Weights, **changed: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changed}))
    write(folder / "model.safetensors", tensors)
    return folder


def llama(config: dict[str, Any], weights: Weights, tokens: Any) -> Any:
    """Return logits by Llama's equations, one head and one position at a time."""

    def norm(x: Any, name: str) -> Any:
        return (
            x / np.sqrt((x * x).mean(-1, keepdims=True) + config["rms_norm_eps"]) * weights[f"{name}.weight"]
        )

    def turned(x: Any, position: int) -> Any:
        half = len(x) // 2
        angle = position / config["rope_theta"] ** (np.arange(half) / half)
        first, second = x[:half], x[half:]
        return np.concatenate(
            [first * np.cos(angle) - second * np.sin(angle), first * np.sin(angle) + second * np.cos(angle)]
        )

    head, groups = config["head_dim"], config["num_attention_heads"] // config["num_key_value_heads"]
    x = weights["model.embed_tokens.weight"][tokens].astype(np.float64)
    for number in range(config["num_hidden_layers"]):
        at = f"model.layers.{number}"
        y = norm(x, f"{at}.input_layernorm")
        query, key, value = (y @ weights[f"{at}.self_attn.{name}_proj.weight"].T for name in "qkv")
        mixed = np.zeros((len(tokens), config["num_attention_heads"] * head))
        for each in range(config["num_attention_heads"]):
            mine = slice(each * head, (each + 1) * head)
            theirs = slice(each // groups * head, (each // groups + 1) * head)
            for now in range(len(tokens)):
                asked = turned(query[now, mine], now)
                scores = [
                    asked @ turned(key[then, theirs], then) / math.sqrt(head) for then in range(now + 1)
                ]
                shares = np.exp(scores - np.max(scores))
                mixed[now, mine] = shares / shares.sum() @ value[: now + 1, theirs]
        x = x + mixed @ weights[f"{at}.self_attn.o_proj.weight"].T
        y = norm(x, f"{at}.post_attention_layernorm")
        gate, up = (y @ weights[f"{at}.mlp.{name}_proj.weight"].T for name in ("gate", "up"))
        x = x + (gate / (1 + np.exp(-gate)) * up) @ weights[f"{at}.mlp.down_proj.weight"].T
    head_weights = weights.get("lm_head.weight", weights["model.embed_tokens.weight"])
    return norm(x, "model.norm") @ head_weights.T


@pytest.mark.parametrize("tied", [False, True])
def test_a_checkpoint_gives_the_logits_of_llamas_equations(tmp_path: Path, tied: bool) -> None:
    config = {**CONFIG, "tie_word_embeddings": tied}
    weights = weights_of(config)
    model = hub.load(model_folder(tmp_path / "model", weights, tie_word_embeddings=tied))
    assert np.allclose(model(jnp.asarray(TOKENS[None]))[0], llama(config, weights, TOKENS), atol=1e-4)


def test_several_files_with_an_index_are_one_model(tmp_path: Path) -> None:
    weights = weights_of(CONFIG)
    folder = model_folder(tmp_path / "model", weights)
    whole = hub.load(folder)(jnp.asarray(TOKENS[None]))
    (folder / "model.safetensors").unlink()
    places = {name: f"model-{number % 2}.safetensors" for number, name in enumerate(weights)}
    for file in set(places.values()):
        write(folder / file, {name: tensor for name, tensor in weights.items() if places[name] == file})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert np.array_equal(hub.load(folder)(jnp.asarray(TOKENS[None])), whole)


@pytest.mark.parametrize("kind", [ml_dtypes.bfloat16, np.float16])
def test_half_precision_is_widened(tmp_path: Path, kind: Any) -> None:
    weights = {name: tensor.astype(kind) for name, tensor in weights_of(CONFIG).items()}
    model = hub.load(model_folder(tmp_path / "model", weights))
    assert model.norm.scale[...].dtype == jnp.float32
    assert np.array_equal(model.norm.scale[...], weights["model.norm.weight"].astype(np.float32))


def test_a_loaded_model_writes_and_adapts_like_any_other(tmp_path: Path) -> None:
    class Letters:
        def encode(self, text: str) -> list[int]:
            return [ord(letter) - 65 for letter in text]

        def decode(self, tokens: list[int]) -> str:
            return "".join(chr(65 + token) for token in tokens)

    model = adapt(hub.load(model_folder(tmp_path / "model", weights_of(CONFIG))), LoRA())
    text = sample(model, "AB", 5, tokenizer=Letters())
    assert (text[:2], len(text)) == ("AB", 7)


@pytest.mark.parametrize(
    "odd",
    [
        {"model_type": "gpt2"},
        {"attention_bias": True},
        {"hidden_act": "gelu"},
        {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}},
        {"sliding_window": 4096},
    ],
)
def test_parts_that_no_model_here_has_are_named(odd: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match=next(iter(odd))):
        hub.config_of({**CONFIG, **odd})


def test_both_ways_of_writing_ropes_base_are_read() -> None:
    newer = {name: value for name, value in CONFIG.items() if name != "rope_theta"}
    newer["rope_parameters"] = {"rope_type": "default", "rope_theta": 500.0}
    assert hub.config_of(newer) == hub.config_of(CONFIG)


def test_a_missing_a_foreign_and_a_misshapen_weight_are_named(tmp_path: Path) -> None:
    weights = weights_of(CONFIG)
    up = "model.layers.1.mlp.up_proj.weight"
    broken = {
        "lacks weights: layers.1.mlp.up.kernel": {name: t for name, t in weights.items() if name != up},
        "has model.layers.0.extra.weight": {**weights, "model.layers.0.extra.weight": weights[up]},
        r"layers.1.mlp.up.kernel has the shape \(40, 24\)": {**weights, up: weights[up].T.copy()},
    }
    for message, tensors in broken.items():
        with pytest.raises(WeightsError, match=message):
            hub.load(model_folder(tmp_path / "model", tensors))


@pytest.mark.parametrize("kept", [4, 100, -1])
def test_a_file_cut_short_is_told(tmp_path: Path, kept: int) -> None:
    folder = model_folder(tmp_path / "model", weights_of(CONFIG))
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(WeightsError, match="etch"):
        hub.load(folder)


def test_numbers_of_another_kind_are_refused(tmp_path: Path) -> None:
    weights = {name: tensor.astype(np.int8) for name, tensor in weights_of(CONFIG).items()}
    with pytest.raises(WeightsError, match="holds I8; only BF16, F16, F32, F64"):
        hub.load(model_folder(tmp_path / "model", weights))


def test_an_index_that_points_outside_is_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model", weights_of(CONFIG))
    index = {"weight_map": {"model.norm.weight": "../secret.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(WeightsError, match="outside its folder"):
        hub.load(folder)


def test_what_is_not_there_or_not_installed_is_told_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("huggingface_hub", "tokenizers"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(WeightsError, match="no folder here, and no owner/name"):
        hub.load(tmp_path / "nothing")
    with pytest.raises(WeightsError, match="pip install huggingface_hub"):
        hub.load("someone/llama")
    with pytest.raises(WeightsError, match=r"tokenizer\.json is not there"):
        hub.tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(WeightsError, match="pip install tokenizers"):
        hub.tokenizer(tmp_path)


def test_a_name_is_fetched_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder(tmp_path / "model", weights_of(CONFIG))
    fetched = SimpleNamespace(snapshot_download=lambda name, **_: str(folder))
    monkeypatch.setitem(sys.modules, "huggingface_hub", fetched)
    assert hub.load("someone/llama").config.vocabulary == 50
