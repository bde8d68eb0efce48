"""Why what runs a trial has failed, as its pods say it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kubelab.client import Object

_LONGEST = 300


def cause_of(pods: Iterable[Object]) -> str:
    """Return how the container that failed first ended, with its last line; empty where none did.

    The last line is in the container's termination message, which is the end of its log where it wrote none
    of its own (``terminationMessagePolicy: FallbackToLogsOnError``).
    """
    ended = sorted(_failures(pods), key=lambda each: str(each[1].get("finishedAt") or ""))
    if not ended:
        return ""
    name, state = ended[0]
    said = f"container {name} ended with exit code {state['exitCode']}"
    if state.get("reason") not in (None, "", "Error"):
        said += f" ({state['reason']})"
    lines = [line.strip() for line in str(state.get("message") or "").splitlines() if line.strip()]
    return f"{said}, after the line: {lines[-1][:_LONGEST]}" if lines else said


def _failures(pods: Iterable[Object]) -> Iterator[tuple[str, Object]]:
    for pod in pods:
        for status in (pod.get("status") or {}).get("containerStatuses") or ():
            for state in (status.get("state") or {}, status.get("lastState") or {}):
                ended = state.get("terminated") or {}
                if ended.get("exitCode"):
                    yield status["name"], ended
