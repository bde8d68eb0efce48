"""Defaulting: the fields that kube-apiserver fills in before it validates."""

from __future__ import annotations

from collections.abc import Callable

from kubelab.client import Object
from kubelab.engine.apiserver.defaults import others, pods, workloads
from kubelab.engine.apiserver.kinds import Kind

_DEFAULTERS: dict[str, Callable[[Object], None]] = {
    "io.k8s.api.core.v1.Pod": pods.default_pod,
    "io.k8s.api.core.v1.PodTemplate": lambda obj: pods.default_template(obj.setdefault("template", {})),
    "io.k8s.api.core.v1.ReplicationController": workloads.default_replication_controller,
    "io.k8s.api.core.v1.Namespace": others.default_namespace,
    "io.k8s.api.core.v1.Secret": others.default_secret,
    "io.k8s.api.core.v1.Service": others.default_service,
    "io.k8s.api.core.v1.PersistentVolumeClaim": others.default_claim,
    "io.k8s.api.core.v1.PersistentVolume": others.default_volume,
    "io.k8s.api.core.v1.Node": others.default_node,
    "io.k8s.api.core.v1.Endpoints": others.default_endpoints,
    "io.k8s.api.core.v1.LimitRange": others.default_limit_range,
    "io.k8s.api.apps.v1.Deployment": workloads.default_deployment,
    "io.k8s.api.apps.v1.ReplicaSet": workloads.default_replica_set,
    "io.k8s.api.apps.v1.StatefulSet": workloads.default_stateful_set,
    "io.k8s.api.apps.v1.DaemonSet": workloads.default_daemon_set,
    "io.k8s.api.batch.v1.Job": workloads.default_job,
    "io.k8s.api.batch.v1.CronJob": workloads.default_cron_job,
    "io.k8s.api.autoscaling.v1.HorizontalPodAutoscaler": workloads.default_autoscaler_v1,
    "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler": workloads.default_autoscaler,
    "io.k8s.api.discovery.v1.EndpointSlice": others.default_endpoint_slice,
    "io.k8s.api.networking.v1.NetworkPolicy": others.default_network_policy,
    "io.k8s.api.rbac.v1.RoleBinding": others.default_binding,
    "io.k8s.api.rbac.v1.ClusterRoleBinding": others.default_binding,
    "io.k8s.api.scheduling.v1.PriorityClass": others.default_priority_class,
    "io.k8s.api.storage.v1.StorageClass": others.default_storage_class,
    "io.k8s.api.storage.v1.CSIDriver": others.default_csi_driver,
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition": (
        others.default_definition
    ),
}


def default(kind: Kind, obj: Object) -> None:
    """Fill in, in place, what the client left out.

    Parameters
    ----------
    kind : Kind
        What the object is; a custom kind is defaulted from its schema.
    obj : dict
        A decoded object with ``metadata``.
    """
    if kind.custom is not None:
        from kubelab.engine.apiserver.custom_defaults import default_custom

        default_custom(kind, obj)
        if (kind.resource.group, kind.resource.kind) == ("kubeflow.org", "Experiment"):
            from kubelab.engine.apiserver.defaults.katib import default_experiment

            default_experiment(obj)
        return
    defaulter = _DEFAULTERS.get(kind.definition)
    if defaulter is not None:
        obj.setdefault("metadata", {})
        defaulter(obj)
