"""Reading the safetensors format: eight bytes of length, a JSON header, and the tensors' bytes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from kubelab.llm.errors import WeightsError

Tensor = npt.NDArray[Any]

_DTYPES: Mapping[str, Any] = {
    "BF16": ml_dtypes.bfloat16,
    "F16": np.float16,
    "F32": np.float32,
    "F64": np.float64,
}
_MAX_HEADER_BYTES = 100_000_000
"""The format's own limit (huggingface/safetensors, ``MAX_HEADER_SIZE``)."""


def read(path: Path) -> dict[str, Tensor]:
    """Return a file's tensors by name, each mapped from the disk and read when it is used.

    Raises
    ------
    WeightsError
        If it is damaged, or holds numbers that no model here has.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_MAX_HEADER_BYTES, size - 8):
                raise WeightsError(f"{path} is no safetensors file, or was cut short. Fetch it again.")
            header = json.loads(file.read(length))
        data = (
            np.memmap(path, np.uint8, mode="r", offset=8 + length)
            if size > 8 + length
            else np.empty(0, np.uint8)
        )
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read as safetensors: {error}. Fetch it again.") from error
    header.pop("__metadata__", None)
    return {name: _tensor(path, name, entry, data) for name, entry in header.items()}


def read_all(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of a folder: one ``model.safetensors``, or the files that its index names."""
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return read(folder / "model.safetensors")
    files = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    if any(Path(name).name != name for name in files):
        raise WeightsError(f"{index} names files outside its folder. Fetch the model again.")
    return {name: tensor for file in files for name, tensor in read(folder / file).items()}


def _tensor(path: Path, name: str, entry: Any, data: Tensor) -> Tensor:
    kind = entry.get("dtype")
    if kind not in _DTYPES:
        raise WeightsError(f"{path}: {name} holds {kind}; only {', '.join(_DTYPES)} can be loaded.")
    dtype = np.dtype(_DTYPES[kind])
    start, end = entry["data_offsets"]
    shape = tuple(entry["shape"])
    if not 0 <= start <= end <= len(data) or end - start != math.prod(shape) * dtype.itemsize:
        raise WeightsError(f"{path}: the bytes of {name} are not all there. Fetch the file again.")
    tensor: Tensor = data[start:end].view(dtype).reshape(shape)
    return tensor
