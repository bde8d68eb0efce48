"""Jobs and CronJobs (upstream: ``pkg/apis/batch/validation``)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubelab.client import Object
from kubelab.engine.apiserver.validation import names
from kubelab.engine.apiserver.validation.causes import (
    Cause,
    invalid,
    invalid_whole,
    not_supported,
    required,
    too_many,
)
from kubelab.engine.apiserver.validation.cron import schedule_problem
from kubelab.engine.apiserver.validation.label_selectors import matches, validate_selector
from kubelab.engine.apiserver.validation.metadata import unchanged
from kubelab.engine.apiserver.validation.pods import validate_template

_MAX_PARALLELISM = 100_000  # maxParallelismForIndexedJob
_MAX_RULES, _MAX_EXIT_CODES, _MAX_PATTERNS = 20, 255, 20
_MAX_CRON_JOB_NAME = 52  # 63 less the 11 characters of a Job's suffix
_MUTABLE_WHILE_SUSPENDED = ("nodeSelector", "tolerations", "schedulingGates", "affinity")


def validate_job(job: Object) -> Iterator[Cause]:
    """Check a Job that is created or changed."""
    spec = job.get("spec") or {}
    yield from validate_job_spec(spec, "spec")
    yield from _validate_selector(spec)
    if spec.get("completionMode") == "Indexed" and spec.get("completions"):
        yield from _validate_host_names(job, spec["completions"])


def validate_job_spec(spec: Object, path: str) -> Iterator[Cause]:
    """Check a Job's spec, its selector apart."""
    template = spec.get("template") or {}
    yield from validate_template(template, f"{path}.template")
    policy = (template.get("spec") or {}).get("restartPolicy", "Always")
    if policy not in {"OnFailure", "Never"}:
        if policy == "Always":
            detail = 'valid values: "OnFailure", "Never"'
            yield required(f"{path}.template.spec.restartPolicy", detail)
        else:
            yield not_supported(f"{path}.template.spec.restartPolicy", policy, ["OnFailure", "Never"])
    yield from _validate_indexed(spec, path)
    if spec.get("podFailurePolicy"):
        yield from _validate_failure_policy(spec, policy, f"{path}.podFailurePolicy")
    if spec.get("successPolicy"):
        yield from _validate_success_policy(spec, f"{path}.successPolicy")
    manager = spec.get("managedBy")
    for problem in names.qualified_name(manager) if manager else ():
        yield invalid(f"{path}.managedBy", manager, problem)


def _validate_indexed(spec: Object, path: str) -> Iterator[Cause]:
    indexed = spec.get("completionMode") == "Indexed"
    if indexed and spec.get("completions") is None:
        yield required(f"{path}.completions", "when completion mode is Indexed")
    if indexed and spec.get("parallelism", 1) > _MAX_PARALLELISM:
        detail = f"must be less than or equal to {_MAX_PARALLELISM} when completion mode is Indexed"
        yield invalid(f"{path}.parallelism", spec["parallelism"], detail)
    if spec.get("backoffLimitPerIndex") is not None and not indexed:
        yield invalid(
            f"{path}.backoffLimitPerIndex", spec["backoffLimitPerIndex"], "requires indexed completion mode"
        )
    failed = spec.get("maxFailedIndexes")
    if failed is None:
        return
    if spec.get("backoffLimitPerIndex") is None:
        yield required(f"{path}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    if failed > spec.get("completions", failed):
        yield invalid(f"{path}.maxFailedIndexes", failed, "must be less than or equal to completions")


def _validate_failure_policy(spec: Object, restart_policy: str, path: str) -> Iterator[Cause]:
    if restart_policy != "Never":
        detail = 'only "Never" is supported when podFailurePolicy is specified'
        yield invalid(path.replace("podFailurePolicy", "template.spec.restartPolicy"), restart_policy, detail)
    rules = spec["podFailurePolicy"].get("rules") or []
    if len(rules) > _MAX_RULES:
        yield too_many(f"{path}.rules", len(rules), _MAX_RULES)
    pod = (spec.get("template") or {}).get("spec") or {}
    containers = {c.get("name") for key in ("containers", "initContainers") for c in pod.get(key) or ()}
    for i, rule in enumerate(rules):
        yield from _validate_rule(rule, spec, containers, f"{path}.rules[{i}]")


def _validate_rule(rule: Object, spec: Object, containers: set[object], path: str) -> Iterator[Cause]:
    codes, conditions = rule.get("onExitCodes"), rule.get("onPodConditions")
    if codes and conditions:
        yield invalid_whole(path, "specifying both OnExitCodes and OnPodConditions is not supported")
    if not codes and not conditions:
        yield invalid_whole(path, "specifying one of OnExitCodes and OnPodConditions is required")
    if rule.get("action") == "FailIndex" and spec.get("backoffLimitPerIndex") is None:
        yield invalid(f"{path}.action", "FailIndex", "requires the backoffLimitPerIndex to be set")
    if codes:
        yield from _validate_exit_codes(codes, containers, f"{path}.onExitCodes")
    for i, pattern in enumerate(conditions or ()):
        for problem in names.qualified_name(pattern.get("type", "")):
            yield invalid(f"{path}.onPodConditions[{i}].type", pattern.get("type", ""), problem)
        if pattern.get("status") not in {"False", "True", "Unknown"}:
            yield not_supported(
                f"{path}.onPodConditions[{i}].status", pattern.get("status", ""), ["False", "True", "Unknown"]
            )
    if len(conditions or ()) > _MAX_PATTERNS:
        yield too_many(f"{path}.onPodConditions", len(conditions or ()), _MAX_PATTERNS)


def _validate_exit_codes(codes: Object, containers: set[object], path: str) -> Iterator[Cause]:
    name, values = codes.get("containerName"), codes.get("values") or []
    if name is not None and name not in containers:
        detail = "must be one of the container or initContainer names in the pod template"
        yield invalid(f"{path}.containerName", name, detail)
    if not values:
        yield invalid(f"{path}.values", [], "at least one value is required")
    elif len(values) > _MAX_EXIT_CODES:
        yield too_many(f"{path}.values", len(values), _MAX_EXIT_CODES)
    for i, value in enumerate(values):
        if value == 0 and codes.get("operator") == "In":
            yield invalid(f"{path}.values[{i}]", value, "must not be 0 for the In operator")
        if value in values[:i]:
            yield Cause("FieldValueDuplicate", f"Duplicate value: {value}", f"{path}.values[{i}]")
    if values != sorted(values):
        yield invalid(f"{path}.values", values, "must be ordered")


def _validate_success_policy(spec: Object, path: str) -> Iterator[Cause]:
    if spec.get("completionMode") != "Indexed":
        yield invalid(path, spec["successPolicy"], "requires indexed completion mode")
        return
    rules = spec["successPolicy"].get("rules") or []
    if not rules:
        yield required(
            f"{path}.rules", "at least one rules must be specified when the successPolicy is specified"
        )
    for i, rule in enumerate(rules):
        at = f"{path}.rules[{i}]"
        if rule.get("succeededCount") is None and rule.get("succeededIndexes") is None:
            yield required(at, "at least one of succeededCount or succeededIndexes must be specified")
        if (count := rule.get("succeededCount")) is not None and count > spec.get("completions", count):
            detail = (
                f"must be less than or equal to {spec['completions']} (the number of specified completions)"
            )
            yield invalid(f"{at}.succeededCount", count, detail)
        indexes = rule.get("succeededIndexes")
        if indexes is not None and not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", indexes):
            detail = "error parsing succeededIndexes: cannot convert string to integer for index"
            yield invalid(f"{at}.succeededIndexes", indexes, detail)


def _validate_selector(spec: Object) -> Iterator[Cause]:
    """Check a selector that is given by hand, or was generated."""
    selector = spec.get("selector")
    if selector is None:
        if spec.get("manualSelector"):
            yield required("spec.selector")
        return
    yield from validate_selector(selector, "spec.selector")
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not matches(selector, labels):
        detail = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", labels or None, detail)


def _validate_host_names(job: Object, completions: int) -> Iterator[Cause]:
    """Check that the last pod's host name is a label, as it starts with the Job's name."""
    name = job.get("metadata", {}).get("name", "")
    for problem in names.dns1123_label(f"{name}-{completions - 1}"):
        yield invalid("metadata.name", name, f"will not able to create pod with invalid DNS label: {problem}")


def validate_job_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a Job changed only where it may."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    yield from _validate_completions_update(after, before)
    yield from unchanged(after.get("selector"), before.get("selector"), "spec.selector")
    yield from unchanged(_fixed_template(after, before), before.get("template"), "spec.template")
    for field in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        yield from unchanged(after.get(field), before.get(field), f"spec.{field}")


def _validate_completions_update(after: Object, before: Object) -> Iterator[Cause]:
    was, now = before.get("completions"), after.get("completions")
    if was == now:
        return
    if after.get("completionMode") == "Indexed" and now is not None and now == after.get("parallelism"):
        return  # elastic Indexed Jobs
    if after.get("completionMode") == "Indexed":
        detail = "can only be modified in tandem with parallelism"
        yield invalid("spec.completions", now, f"{detail}")
    else:
        yield from unchanged(now, was, "spec.completions")


def _fixed_template(after: Object, before: Object) -> Object | None:
    """Return the new template with what may change while suspended set back."""
    template: Object | None = after.get("template")
    old = before.get("template")
    if template == old or not template or not old or not before.get("suspend"):
        return template
    spec = {
        key: value for key, value in template.get("spec", {}).items() if key not in _MUTABLE_WHILE_SUSPENDED
    }
    before_spec = old.get("spec") or {}
    spec |= {key: before_spec[key] for key in _MUTABLE_WHILE_SUSPENDED if key in before_spec}
    metadata = {**(template.get("metadata") or {})}
    for field in ("labels", "annotations"):
        metadata.pop(field, None)
        if field in (old.get("metadata") or {}):
            metadata[field] = old["metadata"][field]
    _keep_resources(spec, before_spec)
    return {**template, "metadata": metadata, "spec": spec}


def _keep_resources(spec: Object, old: Object) -> None:
    """Set container resources back: a suspended Job's may change (Kubernetes 1.36 and later)."""
    containers, before = spec.get("containers") or [], old.get("containers") or []
    if len(containers) == len(before):
        spec["containers"] = [
            {**new, "resources": was["resources"]} if "resources" in was else new
            for new, was in zip(containers, before, strict=True)
        ]


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def validate_cron_job(cron_job: Object) -> Iterator[Cause]:
    """Check a CronJob."""
    name, spec = cron_job.get("metadata", {}).get("name", ""), cron_job.get("spec") or {}
    if len(name) > _MAX_CRON_JOB_NAME:
        yield invalid("metadata.name", name, f"must be no more than {_MAX_CRON_JOB_NAME} characters")
    schedule = spec.get("schedule")
    problem = schedule_problem(schedule) if schedule else ""
    if problem:
        yield invalid("spec.schedule", schedule, problem)
    zone = spec.get("timeZone")
    if zone is not None and not _is_zone(zone):
        yield invalid("spec.timeZone", zone, f"unknown time zone {zone}")
    template = (spec.get("jobTemplate") or {}).get("spec") or {}
    yield from validate_job_spec(template, "spec.jobTemplate.spec")
    if template.get("selector") is not None:
        detail = "`selector` will be auto-generated"
        yield invalid("spec.jobTemplate.spec.selector", template["selector"], detail)
    if template.get("manualSelector"):
        yield not_supported("spec.jobTemplate.spec.manualSelector", True, ["nil", "false"])
