"""A Job's podFailurePolicy and successPolicy: which pods decide about the whole Job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kubelab.client import Object
from kubelab.engine.controllers import conditions
from kubelab.engine.controllers.job.indexes import parse_indexes
from kubelab.engine.controllers.job.pods import Pod

Action = Literal["FailJob", "FailIndex", "Ignore", "Count"]


@dataclass(frozen=True, slots=True)
class FailureVerdict:
    """What podFailurePolicy says of a failed pod; the message is for ``FailJob``."""

    action: Action
    message: str = ""


def judge_failure(policy: Object | None, pod: Pod) -> FailureVerdict:
    """Apply the first rule that matches, as upstream's ``matchPodFailurePolicy``."""
    for position, rule in enumerate((policy or {}).get("rules") or ()):
        why = _exit_code_match(rule, pod) or _condition_match(rule, pod)
        if why:
            action: Action = rule["action"]
            return FailureVerdict(action, f"{why} matching {action} rule at index {position}")
    return FailureVerdict("Count")


def _exit_code_match(rule: Object, pod: Pod) -> str:
    wanted = rule.get("onExitCodes")
    if not wanted:
        return ""
    status = pod.object.get("status") or {}
    for container in [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]:
        ended = (container.get("state") or {}).get("terminated")
        name = wanted.get("containerName")
        if not ended or not ended.get("exitCode") or (name and name != container["name"]):
            continue
        code = int(ended["exitCode"])
        if (code in wanted["values"]) == (wanted["operator"] == "In"):
            namespace = pod.object["metadata"]["namespace"]
            return (
                f"Container {container['name']} for pod {namespace}/{pod.name} failed with exit code {code}"
            )
    return ""


def _condition_match(rule: Object, pod: Pod) -> str:
    patterns = rule.get("onPodConditions")
    for pattern in patterns or ():
        found = conditions.find((pod.object.get("status") or {}).get("conditions"), pattern["type"])
        if found and found["status"] == (pattern.get("status") or "True"):
            namespace = pod.object["metadata"]["namespace"]
            return f"Pod {namespace}/{pod.name} has condition {pattern['type']}"
    return ""


def success_rule_met(policy: Object | None, succeeded: frozenset[int], completions: int) -> str:
    """Return the message of the first successPolicy rule that is met, or an empty text."""
    for position, rule in enumerate((policy or {}).get("rules") or ()):
        matching = succeeded
        if rule.get("succeededIndexes") is not None:
            wanted = parse_indexes(rule["succeededIndexes"], completions)
            matching = succeeded & wanted
            if rule.get("succeededCount") is None and matching != wanted:
                continue
        if len(matching) >= int(rule.get("succeededCount") or 0) and matching:
            return f"Matched rules at index {position}"
    return ""
