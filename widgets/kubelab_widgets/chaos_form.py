"""The form of a `ChaosPanel`: the faults with their parameters, and what was entered, as values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from kubelab.chaos.hypotheses import HYPOTHESES
from kubelab.errors import KubelabError
from kubelab.verbs.chaos.chaos import Chaos

_LABELS = {
    "rank": "Rank (empty: drawn)",
    "duration_s": "Seconds",
    "latency_s": "Late by, s",
    "delay_s": "Late by, s",
    "jitter_s": "Varies by, s",
    "share": "Share, 0 to 1",
    "period_s": "Every, s",
    "rate": "Connections/s",
}
_WHOLE = {"rank": "Rank", "seed": "Seed", "max_pods": "Pods at most"}
"""What has to be a whole number."""
_ASKED_ELSEWHERE = {"self", "job", "expect", "options"}


def describe() -> dict[str, Any]:
    """Return the form as the page builds it: a fault for each method of `kubelab.verbs.chaos.chaos.Chaos`."""
    faults = {
        name.replace("_", "-"): fn
        for name, fn in inspect.getmembers(Chaos, inspect.isfunction)
        if not name.startswith("_")
    }
    return {"hypotheses": HYPOTHESES, "faults": {name: _described(name, fn) for name, fn in faults.items()}}


def read(message: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the method of `Chaos` that a page asks for, and its keyword arguments.

    Raises
    ------
    KubelabError
        If there is no such fault, or a number is none.
    """
    fault = str(message.get("fault", ""))
    known = describe()["faults"]
    if fault not in known:
        raise KubelabError(f"there is no fault {fault!r}. There are: {', '.join(known)}.")
    names = [field["name"] for field in known[fault]["fields"]]
    values = message.get("values") or {}
    entered = {name: str(values.get(name, "")).strip() for name in (*names, "seed", "max_pods")}
    numbers = {name: _number(name, text) for name, text in entered.items() if text}
    return fault.replace("-", "_"), {"expect": str(message.get("expect", "")), **numbers}


def _described(fault: str, fn: Any) -> dict[str, Any]:
    parameters = inspect.signature(fn).parameters
    fields = [
        {"name": name, "label": _label(fault, name), "value": _text(parameter.default)}
        for name, parameter in parameters.items()
        if name not in _ASKED_ELSEWHERE
    ]
    says = inspect.getdoc(fn).splitlines()[0]  # type: ignore[union-attr]
    return {"says": says, "expect": parameters["expect"].default, "fields": fields}


def _label(fault: str, name: str) -> str:
    if name == "rank" and fault.startswith("network-"):
        return "Rank (empty: all)"
    return _LABELS.get(name, name)


def _text(default: object) -> str:
    return f"{default:g}" if isinstance(default, float) else "" if default is None else str(default)


def _number(name: str, text: str) -> float:
    try:
        return int(text) if name in _WHOLE else float(text)
    except ValueError:
        label = _WHOLE.get(name, _LABELS.get(name, name))
        raise KubelabError(f"{label}: {text!r} is no {'whole ' if name in _WHOLE else ''}number.") from None
