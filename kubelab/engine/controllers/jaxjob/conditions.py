"""The conditions of a JAXJob: the last one is its state (training-operator's pkg/util/status.go)."""

from __future__ import annotations

from collections.abc import Sequence

from kubelab.client import Object
from kubelab.engine.controllers.conditions import find, is_true

_REPLACES = {"Running": "Restarting", "Restarting": "Running"}


def is_finished(listed: Sequence[Object]) -> bool:
    """Say whether the JAXJob succeeded or failed."""
    return is_true(listed, "Succeeded") or is_true(listed, "Failed")


def with_state(
    listed: Sequence[Object], type_: str, message: str, now: str, *, reason: str = "", value: bool = True
) -> list[Object]:
    """Return the conditions with one set, last.

    Running and Restarting replace each other, an end turns Running to False, and after an end nothing
    changes any more.
    """
    condition = {
        "type": type_,
        "status": str(value),
        "reason": reason or f"JAXJob{type_}",
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }
    current = find(listed, type_)
    if is_finished(listed) or (current and _same(current, condition)):
        return list(listed)
    if current and current["status"] == condition["status"]:
        condition["lastTransitionTime"] = current["lastTransitionTime"]
    kept = [each for each in listed if each["type"] not in {type_, _REPLACES.get(type_)}]
    if type_ in {"Succeeded", "Failed"}:
        kept = [_ended(each, now) if each["type"] == "Running" else each for each in kept]
    return [*kept, condition]


def _same(one: Object, other: Object) -> bool:
    return bool(one["status"] == other["status"] and one["reason"] == other["reason"])


def _ended(running: Object, now: str) -> Object:
    return {**running, "status": "False", "lastUpdateTime": now, "lastTransitionTime": now}
