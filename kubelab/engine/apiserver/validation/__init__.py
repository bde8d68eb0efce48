"""Validation: what an object must satisfy beyond decoding, with upstream's wording and field paths.

`fields` holds the rules for single fields, compiled and fast; the other modules hold those that need several
fields or the stored object, each named by what it checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kubelab.client import Object
from kubelab.engine.apiserver.decoding import prune, unknown_fields
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.validation import (
    crds,
    jobs,
    networking,
    others,
    pod_resizes,
    pod_updates,
    pods,
    policies,
    services,
    volumes,
    workloads,
)
from kubelab.engine.apiserver.validation.causes import Cause
from kubelab.engine.apiserver.validation.checker import check_fields
from kubelab.engine.apiserver.validation.metadata import (
    validate_common,
    validate_known_finalizers,
    validate_metadata,
    validate_metadata_update,
)

__all__ = ["Cause", "prune", "unknown_fields", "validate"]

_CORE, _APPS, _BATCH = "io.k8s.api.core.v1.", "io.k8s.api.apps.v1.", "io.k8s.api.batch.v1."
_RBAC = "io.k8s.api.rbac.v1."
_CRD = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"

_CHECKS: dict[str, Callable[[Object], Iterator[Cause]]] = {
    _CORE + "ConfigMap": others.validate_config_map,
    _CORE + "Endpoints": services.validate_endpoints,
    _CORE + "Event": others.validate_event,
    _CORE + "LimitRange": policies.validate_limit_range,
    _CORE + "Node": others.validate_node,
    _CORE + "PersistentVolume": volumes.validate_volume,
    _CORE + "PersistentVolumeClaim": volumes.validate_claim,
    _CORE + "PodTemplate": lambda obj: pods.validate_template(obj.get("template") or {}, "template"),
    _CORE + "ReplicationController": workloads.validate_replication_controller,
    _CORE + "ResourceQuota": policies.validate_quota,
    _CORE + "Secret": others.validate_secret,
    _CORE + "Service": services.validate_service,
    _APPS + "DaemonSet": workloads.validate_daemon_set,
    _APPS + "Deployment": workloads.validate_deployment,
    _APPS + "ReplicaSet": workloads.validate_workload,
    _APPS + "StatefulSet": workloads.validate_stateful_set,
    _BATCH + "CronJob": jobs.validate_cron_job,
    _BATCH + "Job": jobs.validate_job,
    _RBAC + "ClusterRole": others.validate_role,
    _RBAC + "ClusterRoleBinding": others.validate_role_binding,
    _RBAC + "Role": others.validate_role,
    _RBAC + "RoleBinding": others.validate_role_binding,
    "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler": workloads.validate_autoscaler,
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler": workloads.validate_autoscaler,
    "io.k8s.api.coordination.v1.Lease": others.validate_lease,
    "io.k8s.api.discovery.v1.EndpointSlice": services.validate_endpoint_slice,
    "io.k8s.api.networking.v1.Ingress": networking.validate_ingress,
    "io.k8s.api.networking.v1.NetworkPolicy": networking.validate_network_policy,
    "io.k8s.api.policy.v1.PodDisruptionBudget": workloads.validate_disruption_budget,
    "io.k8s.api.scheduling.v1.PriorityClass": others.validate_priority_class,
    _CRD: crds.validate_definition,
}

_UPDATE_CHECKS: dict[str, Callable[[Object, Object], Iterator[Cause]]] = {
    _CORE + "ConfigMap": others.validate_data_update,
    _CORE + "PersistentVolume": volumes.validate_volume_update,
    _CORE + "PersistentVolumeClaim": volumes.validate_claim_update,
    _CORE + "Pod": pod_updates.validate_pod_update,
    _CORE + "Secret": others.validate_secret_update,
    _CORE + "Service": services.validate_service_update,
    _APPS + "DaemonSet": workloads.validate_selector_update,
    _APPS + "Deployment": workloads.validate_selector_update,
    _APPS + "ReplicaSet": workloads.validate_selector_update,
    _APPS + "StatefulSet": workloads.validate_stateful_set_update,
    _BATCH + "Job": jobs.validate_job_update,
    _RBAC + "ClusterRoleBinding": others.validate_role_binding_update,
    _RBAC + "RoleBinding": others.validate_role_binding_update,
    "io.k8s.api.scheduling.v1.PriorityClass": others.validate_priority_class_update,
    "io.k8s.api.storage.v1.StorageClass": others.validate_storage_class_update,
    _CRD: crds.validate_definition_update,
}


def validate(kind: Kind, obj: Object, old: Object | None = None, subresource: str = "") -> list[Cause]:
    """Return why an object may not be stored; empty if it may.

    Parameters
    ----------
    kind : Kind
        What the object is.
    obj : dict
        The object, decoded (`decoding.wrong_type`, `decoding.prune`) and defaulted.
    old : dict, optional
        What is stored, for updates.
    subresource : str
        ``status`` and so on, where the write goes there; but for ``resize`` the spec is then as it was, and
        not checked again.
    """
    causes = list(_metadata_causes(kind, obj.get("metadata") or {}, old))
    if kind.custom is not None:
        from kubelab.engine.apiserver.custom import validate_custom

        causes += validate_custom(kind, obj, old)
        return causes or list(_webhook_causes(kind, obj, old))
    if subresource == "ephemeralcontainers" and old is not None:
        causes += pod_updates.validate_ephemeral_containers(obj, old)
    if subresource == "resize" and old is not None:
        unresizable = pod_resizes.unresizable(old)
        if unresizable:
            return [unresizable]
        causes += check_fields(kind.definition, obj)
        causes += pods.validate_pod_spec(obj["spec"], "spec")
        causes += pod_resizes.validate_pod_resize(obj, old)
    if subresource:
        return causes
    return causes + list(_builtin_causes(kind.definition, obj, old))


def _webhook_causes(kind: Kind, obj: Object, old: Object | None) -> Iterator[Cause]:
    """Check what upstream's webhooks check of custom objects."""
    match kind.resource.group, kind.resource.kind:
        case "kubeflow.org", "Experiment":
            from kubelab.engine.apiserver.validation import experiments

            if old is None:
                return experiments.validate_experiment(obj)
            return experiments.validate_experiment_update(obj, old)
        case "autoscaling.k8s.io", "VerticalPodAutoscaler":
            from kubelab.engine.apiserver.validation import vertical_autoscalers

            return vertical_autoscalers.validate_vertical_autoscaler(obj)
    return iter(())


def _metadata_causes(kind: Kind, metadata: Object, old: Object | None) -> Iterator[Cause]:
    if len(kind.verbs) == 1:
        return  # reviews and bindings are answered, not stored
    if old is None:
        yield from validate_metadata(kind, metadata)
    else:
        yield from validate_metadata_update(metadata, old.get("metadata") or {})
        yield from validate_common(metadata, "metadata")
        yield from validate_known_finalizers(kind, metadata, "metadata")


def _builtin_causes(definition: str, obj: Object, old: Object | None) -> Iterator[Cause]:
    yield from check_fields(definition, obj)
    if definition == _CORE + "Pod":  # a running pod's ephemeral containers are no mistake
        yield from (
            pods.validate_pod(obj) if old is None else pods.validate_pod_spec(obj.get("spec") or {}, "spec")
        )
    else:
        check = _CHECKS.get(definition)
        if check is not None:
            yield from check(obj)
    update_check = _UPDATE_CHECKS.get(definition)
    if old is not None and update_check is not None:
        yield from update_check(obj, old)
