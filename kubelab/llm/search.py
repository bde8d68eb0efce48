"""The hyperparameters of a LoRA fine-tune, and what is searched of them unless a space is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubelab.client import Object
from kubelab.llm.errors import ConfigError
from kubelab.llm.sources import BUILT_IN
from kubelab.tuning.parameters import Parameter, choice, log, uniform

LORA = ("rank", "alpha", "dropout", "targets")
"""What ``lora=`` fixes."""


def default_space() -> dict[str, Parameter]:
    """Return what is searched unless a space is given, in bounds that suit small models."""
    return {
        "lr": log(3e-4, 3e-2),
        "rank": choice(2, 4, 8, 16),
        "alpha": choice(8, 16, 32),
        "dropout": uniform(0.0, 0.2),
        "batch": choice(8, 16),
        "schedule": choice("cosine", "linear", "constant"),
    }


def place_of(data: str) -> str:
    """Return what names the same text in a pod: a folder's whole path, all else as it is."""
    return str(Path(data).resolve()) if data not in BUILT_IN and Path(data).is_dir() else data


def mounted_text(data: str) -> dict[str, Object]:
    """Return the volume by which pods on this machine read a folder of text; none for other text.

    A pod has a ``/tmp`` of its own, and on a cluster with images nothing of this machine. For a cluster of
    other machines, put the text on a claim of your own and mount that.
    """
    place = place_of(data)
    return {place: {"hostPath": {"path": place, "type": "Directory"}}} if place.startswith("/") else {}


def rungs(algorithm: str, steps: int) -> dict[str, object] | None:
    """Return settings of asha or hyperband for trials of so many steps: a first look at a ninth of them."""
    if algorithm not in ("asha", "hyperband"):
        return None
    # Rounded up, so that the rung at nine times the first does not come just before the end.
    return {"min_resource": -(-steps // 9), "max_resource": steps, "eta": 3}


def fixed_arguments(
    base: str, data: str, steps: int, lora: Mapping[str, Any] | None, space: Mapping[str, Parameter]
) -> dict[str, Any]:
    """Return the arguments of `kubelab.llm.finetune` that no trial changes.

    Raises
    ------
    ConfigError
        If ``lora`` names what is no part of LoRA, or what is searched as well.
    """
    lora = dict(lora or {})
    for name in lora:
        if name not in LORA:
            raise ConfigError(f"lora has {name!r}, which is no part of LoRA. It has: {', '.join(LORA)}.")
        if name in space:
            raise ConfigError(f"{name} stands both in lora and in space. Leave it out of one.")
    every = max(1, steps // 12)
    return {"base": base, "data": data, "steps": steps, "report_every": every, **lora}
