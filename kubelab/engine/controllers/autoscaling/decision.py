"""The decision: the replicas that all metrics together ask for, within range and rate, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kubelab.client import Object
from kubelab.engine.controllers.autoscaling.behavior import (
    DOWNSCALE_WINDOW_S,
    LIMITED,
    STABILIZED,
    History,
    Limits,
    Moment,
    limited,
    stabilized,
)
from kubelab.engine.controllers.autoscaling.replicas import MetricError

_LONGEST_MEMORY = timedelta(hours=1)
"""Windows and periods are at most an hour (the API's validation) and half an hour."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One metric of the spec: what it is called, and what it asks for or why it cannot be had.

    Attributes
    ----------
    status : dict or None
        Its entry of ``status.currentMetrics``.
    """

    name: str
    replicas: int = 0
    status: Object | None = None
    error: MetricError | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a target.

    Attributes
    ----------
    replicas : int
        The scale to set.
    reason : str
        For the event, if it differs from what is.
    conditions : tuple of dict
        To be set on the autoscaler, in order.
    failure : MetricError or None
        The first problem, if no metric could be used.
    """

    replicas: int
    reason: str
    conditions: tuple[Object, ...]
    history: History
    failure: str = ""


def decide(
    spec: Object, current: int, readings: Sequence[Reading], history: History, now: datetime
) -> Decision:
    """Return the scale of a target.

    Parameters
    ----------
    spec : dict
        Of the HorizontalPodAutoscaler.
    current : int
        The replicas that the target asks for now.
    readings : sequence of Reading
        One for each metric; unused where the scale is off or out of range.
    history : History
        Earlier recommendations and changes.
    """
    least = spec.get("minReplicas", 1)
    limits = Limits(least, spec["maxReplicas"], spec.get("behavior") or {})
    if current == 0 and least != 0:
        told = "scaling is disabled since the replica count of the target is zero"
        return Decision(0, "", (_condition("ScalingActive", "False", "ScalingDisabled", told),), history)
    if current > limits.most:
        reason = "Current number of replicas above Spec.MaxReplicas"
        return _changed(limits.most, current, reason, history=history, now=now)
    if current < least:
        reason = "Current number of replicas below Spec.MinReplicas"
        return _changed(least, current, reason, history=history, now=now)
    return _by_metrics(current, readings, limits, history, now)


def _by_metrics(
    current: int, readings: Sequence[Reading], limits: Limits, history: History, now: datetime
) -> Decision:
    good = [each for each in readings if each.error is None]
    bad = [each for each in readings if each.error is not None]
    best = max(good, key=lambda each: each.replicas, default=None)
    if best is None or (bad and best.replicas < current):
        return _failed(current, bad, len(readings), history)
    told = f"the HPA was able to successfully calculate a replica count from {best.name}"
    active = _condition("ScalingActive", "True", "ValidMetricFound", told)
    wanted = best.replicas
    steady, why_steady = stabilized(wanted, current, limits, history, now)
    able = (
        _condition("AbleToScale", "True", why_steady, STABILIZED[why_steady])
        if why_steady
        else _condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
    )
    replicas, why = limited(steady, current, limits, history, now)
    within = "False" if why == "DesiredWithinRange" else "True"
    range_ = _condition("ScalingLimited", within, why, LIMITED[why])
    reason = f"{best.name} above target" if replicas > current else "All metrics below target"
    recommended = History((*history.recommendations, Moment(now, wanted)), history.changes)
    return _changed(replicas, current, reason, (active, able, range_), history=recommended, now=now)


def _changed(
    replicas: int,
    current: int,
    reason: str,
    conditions: tuple[Object, ...] = (),
    *,
    history: History,
    now: datetime,
) -> Decision:
    changes = history.changes
    if replicas != current:
        told = f"the HPA controller was able to update the target scale to {replicas}"
        conditions = (*conditions, _condition("AbleToScale", "True", "SucceededRescale", told))
        changes = (*changes, Moment(now, replicas - current))
    else:
        reason = ""
    oldest = now - max(_LONGEST_MEMORY, timedelta(seconds=DOWNSCALE_WINDOW_S))
    kept = History(
        tuple(each for each in history.recommendations if each.at > oldest),
        tuple(each for each in changes if each.at > oldest),
    )
    return Decision(replicas, reason, conditions, kept)


def _failed(current: int, bad: Sequence[Reading], total: int, history: History) -> Decision:
    first = bad[0].error if bad else None
    cause = first or MetricError("no metrics are given")
    told = f"the HPA was unable to compute the replica count: {cause}"
    condition = _condition("ScalingActive", "False", cause.reason, told)
    failure = f"invalid metrics ({len(bad)} invalid out of {total}), first error is: {cause}"
    return Decision(current, "", (condition,), history, failure)


def _condition(type_: str, status: str, reason: str, message: str) -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message}
