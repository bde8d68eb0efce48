"""Deployments, ReplicaSets, StatefulSets, DaemonSets, disruption budgets and autoscalers.

Upstream: ``pkg/apis/{apps,policy,autoscaling}/validation``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.validation.causes import Cause, forbidden, invalid, not_supported
from kubelab.engine.apiserver.validation.label_selectors import (
    matches,
    validate_selector,
    validate_selector_matches_template,
)
from kubelab.engine.apiserver.validation.metadata import unchanged
from kubelab.engine.apiserver.validation.pods import validate_template
from kubelab.engine.apiserver.validation.volumes import validate_claim_spec

_percent = re.compile(r"[0-9]+%").fullmatch
_PERCENT = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)
_STATEFUL_SET_MUTABLE = frozenset(
    {
        "replicas", "ordinals", "template", "updateStrategy", "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy", "minReadySeconds",
    }
)  # fmt: skip
_STATEFUL_SET_IMMUTABLE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def validate_workload(obj: Object) -> Iterator[Cause]:
    """Check a ReplicaSet, or what every workload with a template must satisfy."""
    spec = obj.get("spec") or {}
    yield from validate_selector_matches_template(spec)
    yield from _validate_template(spec)


def validate_deployment(deployment: Object) -> Iterator[Cause]:
    """Check a Deployment."""
    yield from validate_workload(deployment)
    spec = deployment.get("spec") or {}
    yield from _validate_rolling(spec.get("strategy") or {}, "spec.strategy")
    if spec.get("progressDeadlineSeconds", 600) <= spec.get("minReadySeconds", 0):
        detail = "must be greater than minReadySeconds"
        yield invalid("spec.progressDeadlineSeconds", spec["progressDeadlineSeconds"], detail)


def validate_stateful_set(stateful_set: Object) -> Iterator[Cause]:
    """Check a StatefulSet and its claim templates."""
    spec = stateful_set.get("spec") or {}
    claims = spec.get("volumeClaimTemplates") or ()
    yield from validate_workload({**stateful_set, "spec": _with_volumes_of(spec, claims)})
    for i, claim in enumerate(claims):
        yield from validate_claim_spec(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{i}].spec")


def validate_daemon_set(daemon_set: Object) -> Iterator[Cause]:
    """Check a DaemonSet."""
    yield from validate_workload(daemon_set)
    spec = daemon_set.get("spec") or {}
    yield from _validate_rolling(spec.get("updateStrategy") or {}, "spec.updateStrategy")


def validate_replication_controller(controller: Object) -> Iterator[Cause]:
    """Check a ReplicationController, whose selector is a plain map."""
    spec = controller.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if spec.get("selector") and not matches({"matchLabels": spec["selector"]}, labels):
        detail = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", labels or None, detail)
    yield from _validate_template(spec)


def validate_selector_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a workload's selector did not change."""
    yield from unchanged(
        (new.get("spec") or {}).get("selector"), (old.get("spec") or {}).get("selector"), "spec.selector"
    )


def validate_stateful_set_update(new: Object, old: Object) -> Iterator[Cause]:
    """Check that a StatefulSet changed only where it may."""
    before, after = (
        {key: value for key, value in (obj.get("spec") or {}).items() if key not in _STATEFUL_SET_MUTABLE}
        for obj in (old, new)
    )
    if before != after:
        yield forbidden("spec", _STATEFUL_SET_IMMUTABLE)


def validate_disruption_budget(budget: Object) -> Iterator[Cause]:
    """Check a PodDisruptionBudget."""
    spec = budget.get("spec") or {}
    if "minAvailable" in spec and "maxUnavailable" in spec:
        yield invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set")
    for field in ("minAvailable", "maxUnavailable"):
        if field in spec:
            yield from validate_int_or_percent(spec[field], f"spec.{field}")
    yield from validate_selector(spec.get("selector"), "spec.selector")


def validate_autoscaler(autoscaler: Object) -> Iterator[Cause]:
    """Check a HorizontalPodAutoscaler."""
    spec = autoscaler.get("spec") or {}
    if spec.get("maxReplicas", 0) < 1:
        yield invalid("spec.maxReplicas", spec.get("maxReplicas", 0), "must be greater than 0")
    elif spec["maxReplicas"] < spec.get("minReplicas", 1):
        detail = "must be greater than or equal to `minReplicas`"
        yield invalid("spec.maxReplicas", spec["maxReplicas"], detail)


def validate_int_or_percent(value: Any, path: str) -> Iterator[Cause]:
    """Check a count or a percentage."""
    if isinstance(value, int):
        if value < 0:
            yield invalid(path, value, "must be greater than or equal to 0")
    elif not _percent(value):
        yield invalid(path, value, _PERCENT)
    elif int(value[:-1]) > 100:
        yield invalid(path, value, "must not be greater than 100%")


def _with_volumes_of(spec: Object, claims: Sequence[Object]) -> Object:
    """Return a spec whose pod has the volumes that its claim templates will give it."""
    template = spec.get("template") or {}
    pod = template.get("spec") or {}
    volumes = list(pod.get("volumes") or ())
    given = {volume.get("name") for volume in volumes}
    volumes += [
        {"name": name, "emptyDir": {}}
        for claim in claims
        if (name := (claim.get("metadata") or {}).get("name")) and name not in given
    ]
    return {**spec, "template": {**template, "spec": {**pod, "volumes": volumes}}} if volumes else spec


def _validate_template(spec: Object) -> Iterator[Cause]:
    template = spec.get("template") or {}
    yield from validate_template(template, "spec.template")
    policy = (template.get("spec") or {}).get("restartPolicy", "Always")
    if policy != "Always":
        yield not_supported("spec.template.spec.restartPolicy", policy, ["Always"])
    if (template.get("spec") or {}).get("activeDeadlineSeconds") is not None:
        detail = "activeDeadlineSeconds in ReplicaSet is not Supported"
        yield forbidden("spec.template.spec.activeDeadlineSeconds", detail)


def _validate_rolling(strategy: Object, path: str) -> Iterator[Cause]:
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") != "RollingUpdate":
        if rolling is not None and strategy.get("type") == "Recreate":
            detail = "may not be specified when strategy `type` is 'Recreate'"
            yield forbidden(f"{path}.rollingUpdate", detail)
        return
    rolling = rolling or {}
    for field in ("maxUnavailable", "maxSurge"):
        if field in rolling:
            value = rolling[field]
            if field == "maxSurge" and isinstance(value, str) and _percent(value):
                continue  # a surge may be more than all
            yield from validate_int_or_percent(value, f"{path}.rollingUpdate.{field}")
    if _is_zero(rolling.get("maxUnavailable")) and _is_zero(rolling.get("maxSurge")):
        detail = "may not be 0 when `maxSurge` is 0"
        yield invalid(f"{path}.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"), detail)


def _is_zero(value: Any) -> bool:
    return value in {0, "0%"}
