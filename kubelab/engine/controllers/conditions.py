"""Conditions: what is true of an object, since when and why."""

from __future__ import annotations

from collections.abc import Iterable

from kubelab.client import Object


def find(conditions: Iterable[Object] | None, type_: str) -> Object | None:
    """Return the condition of a type, or None."""
    for condition in conditions or ():
        if condition["type"] == type_:
            return condition
    return None


def is_true(conditions: Iterable[Object] | None, type_: str) -> bool:
    """Say whether the condition exists with status True."""
    condition = find(conditions, type_)
    return condition is not None and condition["status"] == "True"


def with_condition(conditions: Iterable[Object] | None, condition: Object, now: str) -> list[Object]:
    """Return the conditions with one set, as apimachinery's ``meta.SetStatusCondition`` does.

    ``lastTransitionTime`` becomes ``now`` only if the status changes.
    """
    listed = list(conditions or ())
    for position, existing in enumerate(listed):
        if existing["type"] != condition["type"]:
            continue
        since = now
        if existing["status"] == condition["status"]:
            since = existing.get("lastTransitionTime") or now
        listed[position] = {**existing, **condition, "lastTransitionTime": since}
        return listed
    return [*listed, {**condition, "lastTransitionTime": now}]


def accepted(problem: str, reason: str = "Invalid") -> Object:
    """Return the condition that says whether an object makes sense; ``problem`` is empty if it does."""
    return {
        "type": "Accepted",
        "status": "False" if problem else "True",
        "reason": reason if problem else "Accepted",
        "message": problem,
    }


def without_condition(conditions: Iterable[Object] | None, type_: str) -> list[Object]:
    """Return the conditions but one."""
    return [condition for condition in conditions or () if condition["type"] != type_]
