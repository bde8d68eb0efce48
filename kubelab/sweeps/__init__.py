"""Sweeps: Experiments over a function's arguments, the handle on one, and what can be read of it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubelab.sweeps.errors import SweepError, SweepFailedError, SweepTimeoutError
    from kubelab.sweeps.handle import Sweep
    from kubelab.sweeps.view import SweepView, Trial

__all__ = ["Sweep", "SweepError", "SweepFailedError", "SweepTimeoutError", "SweepView", "Trial"]

_HOMES = {
    "Sweep": "handle",
    "SweepError": "errors",
    "SweepFailedError": "errors",
    "SweepTimeoutError": "errors",
    "SweepView": "view",
    "Trial": "view",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
