"""Why a job waits, was restarted or failed: one paragraph, from the objects that say so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kubelab.client import Object
from kubelab.training.errors import ending
from kubelab.training.view import CONSEQUENCES, Failure, JobView, is_running

_STARTING = {"ContainerCreating", "PodInitializing"}
_STARTS = "its container is starting"
_DIED = re.compile(r"ended with exit code (\d+) \((\w*)\)")
"""What the process node says of a container that died; a kubelet says nothing."""


def explain(view: JobView, events: Sequence[Object] = (), lines: Sequence[str] = ()) -> str:
    """Return a paragraph about where a job stands and why.

    Parameters
    ----------
    view : JobView
        The job and its pods.
    events : sequence of dict
        The job's events, oldest first; they tell where pods do not.
    lines : sequence of str
        The last log lines of the worker that failed first.
    """
    sentences = [_standing(view), *_waiting(view, events), *_restarts(view, events), *_end(view, lines)]
    return " ".join(sentences)


def _standing(view: JobView) -> str:
    head = f"{view.kind} {view.name}"
    if view.phase == "Running":
        step = f", at step {view.step}" if view.step is not None else ""
        return f"{head} is running on {_running(view)}{step}."
    words = {
        "Pending": f"waits: {view.running} of {view.num_nodes} workers run.",
        "Restarting": f"is starting again: {view.running} of {view.num_nodes} workers run.",
        "Suspended": f"is suspended: {_kept(view)}.",
        "Succeeded": "succeeded.",
        "Failed": "failed.",
    }
    return f"{head} {words[view.phase]}"


def _running(view: JobView) -> str:
    over = sorted(set(view.workers) - {rank for rank, pod in view.workers.items() if is_running(pod)})
    if not over:
        return f"{view.num_nodes} worker{'s' if view.num_nodes > 1 else ''}"
    have = "has" if len(over) == 1 else "have"
    return f"{view.running} of {view.num_nodes} workers; {_ranks(over).lower()} {have} ended already"


def _kept(view: JobView) -> str:
    if view.has_volume:
        return "its pods are deleted and its checkpoints kept; resume() goes on, and brings back its metrics"
    return "its pods are deleted and it has no checkpoints; resume() begins again"


def _waiting(view: JobView, events: Sequence[Object]) -> list[str]:
    if view.phase not in {"Pending", "Restarting"}:
        return []
    reasons: dict[str, list[int]] = {}
    for rank, pod in view.workers.items():
        if reason := why_waiting(pod):
            reasons.setdefault(reason, []).append(rank)
    if not view.pods:
        warnings = [event for event in events if event.get("type") == "Warning"]
        return [f"It has no pods yet: {warnings[-1]['message']}" if warnings else "It has no pods yet."]
    return [
        f"{_ranks(ranks)} {'waits' if len(ranks) == 1 else 'wait'}: {reason.rstrip('.')}."
        for reason, ranks in reasons.items()
    ]


def why_waiting(pod: Object) -> str:
    """Return why a pod does not run, in the cluster's words; empty if it does."""
    status = pod.get("status") or {}
    if status.get("phase") not in {None, "Pending", "Running"}:
        return ""
    for container in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in _STARTING:
            return ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("message") or condition.get("reason"))
    return "" if status.get("phase") == "Running" else _STARTS


def why_unscheduled(view: JobView) -> str:
    """Return why no node takes a worker, in the scheduler's words; empty where each has a node."""
    waiting = (why_waiting(pod) for pod in view.workers.values() if not _has_node(pod))
    return next((reason.rstrip(".") for reason in waiting if reason and reason != _STARTS), "")


def _has_node(pod: Object) -> bool:
    return bool((pod.get("spec") or {}).get("nodeName"))


def _restarts(view: JobView, events: Sequence[Object]) -> list[str]:
    if view.phase == "Failed":
        return []
    restarts = max([view.restarts, *(failure.attempt + 1 for failure in view.failures())])
    if not restarts:
        return []
    cause = view.first_failure()
    told = f" because {cause_of(cause)}" if cause is not None else _told(events, view.name)
    then = (
        "they go on from the last complete checkpoint"
        if view.has_volume
        else "without checkpoints they begin again"
    )
    return [f"Its workers started again {_times(restarts)}{told}; {then}."]


def _told(events: Sequence[Object], name: str) -> str:
    """Return the cause that events tell of: failed pods are deleted when their workers start again."""
    for event in reversed(events):
        died = _DIED.search(str(event.get("message")))
        pod = re.match(
            rf"{re.escape(name)}-(?:node-0|worker)-(\d+)", str(event["involvedObject"].get("name"))
        )
        if event.get("reason") == "ContainerDied" and died and pod and int(died[1]) not in CONSEQUENCES:
            return f" because {_subject_of(int(pod[1]), int(died[1]), died[2])}"
    return ""


def _end(view: JobView, lines: Sequence[str]) -> list[str]:
    ended = view.ended
    if view.phase != "Failed" or ended is None:
        return []
    first = view.first_failure()
    if first is None:
        return [f"{ended.get('reason', '')}: {ended.get('message', '')}".strip(": ")]
    followers = sorted({each.rank for each in view.failures() if each.is_consequence} - {first.rank})
    subject = cause_of(first)
    sentences = [f"{subject[0].upper()}{subject[1:]}."]
    if first.is_consequence:
        again = " A JAXJob without checkpoints is not started again." * (not view.has_volume)
        return [*sentences, again.strip()] if view.kind == "JAXJob" and again else sentences
    if followers:
        sentences.append(f"{_ranks(followers)} ended because of that.")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if last and first.exit_code < 128:
        sentences.append(f"Its last words: {last}")
    return sentences


def cause_of(failure: Failure) -> str:
    """Return how a worker failed, in words: ``rank 1 exited with code 1``."""
    if failure.is_consequence:
        return f"another worker was lost, and rank {failure.rank} ended because of that"
    said = f": {failure.message.strip()}" if failure.message.strip() else ""
    return f"{_subject_of(failure.rank, failure.exit_code, failure.reason)}{said}"


def _subject_of(rank: int, exit_code: int, reason: str) -> str:
    if reason == "OOMKilled":
        return (
            f"rank {rank} used more memory than its limit and was killed (OOMKilled, exit code {exit_code})"
        )
    return f"rank {rank} {ending(exit_code)}"


def _ranks(ranks: Sequence[int]) -> str:
    return f"Rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
