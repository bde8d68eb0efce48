"""Counting a Job's ended pods, each exactly once.

A pod that ended is first written down in the status (its uid among ``uncountedTerminatedPods``, or its
index among ``completedIndexes``); then it loses its tracking finalizer; then its uid becomes a number.
A crash between any two of these steps leaves enough to go on from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.engine.controllers.job.indexes import format_indexes, parse_indexes
from kubelab.engine.controllers.job.pods import Pod
from kubelab.engine.controllers.job.policies import judge_failure


@dataclass(frozen=True, slots=True)
class Count:
    """How many pods succeeded and failed, what of it is recorded, and which pods may be released.

    ``succeeded`` and ``failed`` include pods that are not yet in the recorded numbers.
    """

    succeeded: int
    failed: int
    succeeded_recorded: int
    failed_recorded: int
    uncounted_succeeded: frozenset[str]
    uncounted_failed: frozenset[str]
    completed_indexes: frozenset[int]
    failed_indexes: frozenset[int]
    newly_failed: tuple[Pod, ...]
    release: tuple[Pod, ...]

    @property
    def completed_text(self) -> str:
        """``status.completedIndexes``."""
        return format_indexes(self.completed_indexes)

    @property
    def failed_text(self) -> str:
        """``status.failedIndexes``."""
        return format_indexes(self.failed_indexes)


def count(job: Object, pods: Sequence[Pod], *, ending: bool = False) -> Count:
    """Count the pods of a Job that has not finished; one that is ending replaces no pod."""
    spec, status = job["spec"], job.get("status") or {}
    indexed = spec.get("completionMode") == "Indexed"
    completions = int(spec.get("completions") or 0)
    policy = spec.get("podFailurePolicy")
    uncounted = status.get("uncountedTerminatedPods") or {}
    tracked = {pod.uid: pod for pod in pods if pod.tracked}
    flushed_succeeded, waiting_succeeded = _flush(uncounted.get("succeeded"), tracked)
    flushed_failed, waiting_failed = _flush(uncounted.get("failed"), tracked)

    ended_well = [pod for pod in tracked.values() if pod.succeeded]
    ended_badly = [pod for pod in tracked.values() if is_failed(pod, spec)]
    newly_failed = tuple(pod for pod in ended_badly if pod.uid not in waiting_failed)
    ignored = {pod.uid for pod in newly_failed if judge_failure(policy, pod).action == "Ignore"}
    waiting_failed |= {pod.uid for pod in newly_failed} - ignored
    failed_recorded = int(status.get("failed") or 0) + flushed_failed

    completed: frozenset[int] = frozenset()
    failed_indexes: frozenset[int] = frozenset()
    if indexed:
        valid = {pod.index for pod in ended_well if pod.index is not None and pod.index < completions}
        completed = parse_indexes(status.get("completedIndexes") or "", completions) | valid
        waiting_succeeded = frozenset()
        succeeded = succeeded_recorded = len(completed)
        failed_indexes = _failed_indexes(spec, status, newly_failed, completions) - completed
    else:
        waiting_succeeded |= {pod.uid for pod in ended_well}
        succeeded_recorded = int(status.get("succeeded") or 0) + flushed_succeeded
        succeeded = succeeded_recorded + len(waiting_succeeded)
    kept = (
        frozenset() if ending else _kept_for_replacement(spec, pods, ended_badly, completed | failed_indexes)
    )
    return Count(
        succeeded=succeeded,
        failed=failed_recorded + len(waiting_failed),
        succeeded_recorded=succeeded_recorded,
        failed_recorded=failed_recorded,
        uncounted_succeeded=waiting_succeeded,
        uncounted_failed=waiting_failed - kept,
        completed_indexes=completed,
        failed_indexes=failed_indexes,
        newly_failed=newly_failed,
        release=tuple(pod for pod in [*ended_well, *ended_badly] if pod.uid not in kept),
    )


def is_failed(pod: Pod, spec: Object) -> bool:
    """Say whether a pod counts as failed.

    A pod being deleted counts at once, unless replacements wait until it has really ended.
    """
    if pod.succeeded:
        return False
    return pod.terminal or (pod.deleting and not replaces_only_failed(spec))


def replaces_only_failed(spec: Object) -> bool:
    """Say whether podReplacementPolicy is ``Failed``; a podFailurePolicy allows nothing else."""
    policy = spec.get("podReplacementPolicy")
    return bool(policy == "Failed" or (policy is None and spec.get("podFailurePolicy")))


def _flush(uids: list[str] | None, tracked: dict[str, Pod]) -> tuple[int, frozenset[str]]:
    """Return how many of the noted pods have lost their finalizer, and the uids that wait for it."""
    noted = frozenset(uids or ())
    waiting = noted & tracked.keys()
    return len(noted) - len(waiting), waiting


def _failed_indexes(
    spec: Object, status: Object, newly_failed: Sequence[Pod], completions: int
) -> frozenset[int]:
    limit = spec.get("backoffLimitPerIndex")
    if limit is None:
        return frozenset()
    failed = set(parse_indexes(status.get("failedIndexes") or "", completions))
    for pod in newly_failed:
        if pod.index is None or pod.index >= completions:
            continue
        action = judge_failure(spec.get("podFailurePolicy"), pod).action
        if action == "FailIndex" or (action == "Count" and pod.index_failures >= int(limit)):
            failed.add(pod.index)
    return frozenset(failed)


def _kept_for_replacement(
    spec: Object, pods: Sequence[Pod], ended_badly: Sequence[Pod], settled: frozenset[int]
) -> frozenset[str]:
    """Return failed pods that must stay until their index's next pod carries their failure count."""
    if spec.get("backoffLimitPerIndex") is None:
        return frozenset()
    attempts: dict[int, int] = {}
    for pod in pods:
        if pod.index is not None:
            attempts[pod.index] = max(attempts.get(pod.index, 0), _attempt(pod))
    return frozenset(
        pod.uid
        for pod in ended_badly
        if pod.index is not None and pod.index not in settled and attempts[pod.index] == _attempt(pod)
    )


def _attempt(pod: Pod) -> int:
    return pod.index_failures + pod.index_ignored_failures
