"""Defaults of Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs and autoscalers.

Upstream: ``pkg/apis/{apps,batch,autoscaling}/*/defaults.go``.
"""

from __future__ import annotations

from kubelab.client import Object
from kubelab.engine.apiserver.defaults.pods import default_template

_MAX_INT32 = 2**31 - 1


def default_deployment(deployment: Object) -> None:
    """Default a Deployment."""
    spec = _workload(deployment, history=10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")


def default_replica_set(replica_set: Object) -> None:
    """Default a ReplicaSet."""
    _workload(replica_set)


def default_replication_controller(controller: Object) -> None:
    """Default a ReplicationController, whose selector and labels come from its template."""
    labels = ((controller.get("spec") or {}).get("template") or {}).get("metadata", {}).get("labels")
    spec = _workload(controller)
    if labels:
        spec.setdefault("selector", dict(labels))
        controller["metadata"].setdefault("labels", dict(labels))


def default_stateful_set(stateful_set: Object) -> None:
    """Default a StatefulSet and its volume claim templates."""
    spec = _workload(stateful_set, history=10)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("partition", 0)
        rolling.setdefault("maxUnavailable", 1)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.setdefault("apiVersion", "v1")
        claim.setdefault("kind", "PersistentVolumeClaim")
        claim.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")
        claim.setdefault("status", {}).setdefault("phase", "Pending")


def default_daemon_set(daemon_set: Object) -> None:
    """Default a DaemonSet."""
    spec = daemon_set.setdefault("spec", {})
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    default_template(spec.setdefault("template", {}))


def default_job(job: Object) -> None:
    """Default a Job."""
    spec = job.setdefault("spec", {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _MAX_INT32 if "backoffLimitPerIndex" in spec else 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    policy = spec.get("podFailurePolicy")
    spec.setdefault("podReplacementPolicy", "Failed" if policy else "TerminatingOrFailed")
    for rule in (policy or {}).get("rules") or ():
        for pattern in rule.get("onPodConditions") or ():
            pattern.setdefault("status", "True")
    template = spec.setdefault("template", {})
    default_template(template)
    labels = template["metadata"].get("labels")
    if labels and not job["metadata"].get("labels"):
        job["metadata"]["labels"] = dict(labels)


def default_cron_job(cron_job: Object) -> None:
    """Default a CronJob; of its job template only the pod template is defaulted, as upstream."""
    spec = cron_job.setdefault("spec", {})
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    job = spec.setdefault("jobTemplate", {})
    job.setdefault("metadata", {})
    default_template(job.setdefault("spec", {}).setdefault("template", {}))


def default_autoscaler_v1(autoscaler: Object) -> None:
    """Default an autoscaling/v1 HorizontalPodAutoscaler."""
    autoscaler.setdefault("spec", {}).setdefault("minReplicas", 1)


def default_autoscaler(autoscaler: Object) -> None:
    """Default an autoscaling/v2 HorizontalPodAutoscaler."""
    spec = autoscaler.setdefault("spec", {})
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        _default_scaling(behavior.setdefault("scaleUp", {}), {"stabilizationWindowSeconds": 0}, _UP)
        _default_scaling(behavior.setdefault("scaleDown", {}), {}, _DOWN)


_UP = [
    {"type": "Pods", "value": 4, "periodSeconds": 15},
    {"type": "Percent", "value": 100, "periodSeconds": 15},
]
_DOWN = [{"type": "Percent", "value": 100, "periodSeconds": 15}]


def _default_scaling(rules: Object, window: Object, policies: list[Object]) -> None:
    for key, value in window.items():
        rules.setdefault(key, value)
    rules.setdefault("selectPolicy", "Max")
    if not rules.get("policies"):
        rules["policies"] = [dict(policy) for policy in policies]


def _workload(obj: Object, *, history: int | None = None) -> Object:
    spec: Object = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    if history is not None:
        spec.setdefault("revisionHistoryLimit", history)
    default_template(spec.setdefault("template", {}))
    return spec
