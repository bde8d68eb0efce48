"""How many pods a running Job wants: which to create, and which are too many."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from kubelab.client import Object
from kubelab.engine.controllers.job import backoff
from kubelab.engine.controllers.job.counting import Count, replaces_only_failed
from kubelab.engine.controllers.job.pods import Pod, PodPlan
from kubelab.engine.controllers.job.policies import judge_failure

# Pods created in one pass; the next pass creates the next ones. Upstream's MaxPodCreateDeletePerSync.
MOST_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """Pods to create, pods that are too many, and when back-off allows more."""

    create: tuple[PodPlan, ...] = ()
    discard: tuple[Pod, ...] = ()
    again_after_s: float | None = None
    reason: str = ""


def pods_wanted(job: Object, pods: Sequence[Pod], counted: Count, now: datetime) -> Wanted:
    """Return what separates the pods there are from those the spec wants."""
    spec = job["spec"]
    active = sorted((pod for pod in pods if pod.active), key=_least_ready_first)
    number = _number_wanted(spec, counted, len(active))
    too_many = _too_many(spec, active, counted, number)
    if too_many.discard:
        return too_many
    taken = [*active, *(pod for pod in pods if pod.terminating and replaces_only_failed(spec))]
    missing = min(number - len(taken), MOST_AT_ONCE)
    if missing <= 0:
        return Wanted(reason="suspended" if spec.get("suspend") else "as many pods as wanted")
    if spec.get("completionMode") == "Indexed":
        busy = {pod.index for pod in taken} | counted.completed_indexes | counted.failed_indexes
        free = (index for index in range(int(spec["completions"])) if index not in busy)
        if spec.get("backoffLimitPerIndex") is not None:
            return _retry_indexes(spec, pods, free, missing, now)
        plans = tuple(PodPlan(index) for index in islice(free, missing))
    else:
        plans = (PodPlan(),) * missing
    wait_s = _backoff_s(pods, now)
    if wait_s > 0:
        return Wanted(again_after_s=wait_s, reason=f"waits {wait_s:.0f} s after a failed pod")
    return Wanted(create=plans, reason="pods are missing")


def _too_many(spec: Object, active: Sequence[Pod], counted: Count, number: int) -> Wanted:
    if spec.get("suspend"):
        return Wanted(discard=tuple(active), reason="suspended")
    if spec.get("completionMode") == "Indexed":
        surplus = _surplus_indexes(active, int(spec["completions"]), counted)
        if surplus:
            return Wanted(discard=surplus, reason="an index has more than one pod")
    return Wanted(discard=tuple(active[: max(0, len(active) - number)]), reason="more pods than wanted")


def _number_wanted(spec: Object, counted: Count, active: int) -> int:
    if spec.get("suspend"):
        return 0
    parallelism = int(1 if spec.get("parallelism") is None else spec["parallelism"])
    completions = spec.get("completions")
    if completions is None:
        return min(active, parallelism) if counted.succeeded else parallelism
    return max(0, min(parallelism, int(completions) - counted.succeeded - len(counted.failed_indexes)))


def _backoff_s(pods: Sequence[Pod], now: datetime) -> float:
    failed = [pod for pod in pods if pod.phase == "Failed"]
    return backoff.remaining_s(failed, [pod for pod in pods if pod.succeeded], now)


def _retry_indexes(
    spec: Object, pods: Sequence[Pod], free: Iterable[int], missing: int, now: datetime
) -> Wanted:
    """Plan pods for indexes that each have their own back-off."""
    last_failed = _last_failed(pods)
    plans: list[PodPlan] = []
    waits: list[float] = []
    for index in free:
        if len(plans) == missing:
            break
        last = last_failed.get(index)
        wait_s = backoff.remaining_for_index_s(last, now)
        if wait_s > 0:
            waits.append(wait_s)
        else:
            plans.append(_plan(spec, index, last))
    reason = "pods are missing" if plans else "failed indexes wait"
    return Wanted(create=tuple(plans), again_after_s=min(waits, default=None), reason=reason)


def _plan(spec: Object, index: int, last: Pod | None) -> PodPlan:
    if last is None:
        return PodPlan(index)
    ignored = judge_failure(spec.get("podFailurePolicy"), last).action == "Ignore"
    return PodPlan(index, last.index_failures + (not ignored), last.index_ignored_failures + ignored)


def _last_failed(pods: Sequence[Pod]) -> dict[int, Pod]:
    last: dict[int, Pod] = {}
    for pod in pods:
        if pod.index is None or pod.active or pod.succeeded:
            continue
        known = last.get(pod.index)
        if known is None or _attempts(pod) > _attempts(known):
            last[pod.index] = pod
    return last


def _attempts(pod: Pod) -> int:
    return pod.index_failures + pod.index_ignored_failures


def _surplus_indexes(active: Sequence[Pod], completions: int, counted: Count) -> tuple[Pod, ...]:
    """Return active pods without a use: no valid index, one that is settled, or one held by an older pod."""
    settled = counted.completed_indexes | counted.failed_indexes
    seen: set[int] = set()
    surplus = []
    for pod in sorted(active, key=_least_ready_first, reverse=True):
        if pod.index is None or pod.index >= completions or pod.index in seen or pod.index in settled:
            surplus.append(pod)
        else:
            seen.add(pod.index)
    return tuple(surplus)


def _least_ready_first(pod: Pod) -> tuple[bool, bool, bool, float, int]:
    """Order pods as upstream's ``ActivePods``: unscheduled, pending, unready, younger first."""
    return pod.scheduled, pod.phase == "Running", pod.ready, -pod.created_at.timestamp(), -(pod.index or 0)
