"""The built-in kinds, as one table: what each is called, and what is served below it.

The columns are those of ``kubectl api-resources``. Names, short names and categories are upstream's
(``pkg/registry/*/storage`` of Kubernetes 1.37).
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table."""

    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    create_only: bool = False


_ALL = ("all",)
_STATUS = ("status",)
_SCALE = ("scale", "status")
_POD = (
    "attach",
    "binding",
    "ephemeralcontainers",
    "eviction",
    "exec",
    "log",
    "portforward",
    "resize",
    "status",
)

_CORE = (
    Row("bindings", "Binding", create_only=True),
    Row("configmaps", "ConfigMap", ("cm",)),
    Row("endpoints", "Endpoints", ("ep",)),
    Row("events", "Event", ("ev",)),
    Row("limitranges", "LimitRange", ("limits",)),
    Row("namespaces", "Namespace", ("ns",), ("finalize", "status"), namespaced=False),
    Row("nodes", "Node", ("no",), _STATUS, namespaced=False),
    Row("persistentvolumeclaims", "PersistentVolumeClaim", ("pvc",), _STATUS),
    Row("persistentvolumes", "PersistentVolume", ("pv",), _STATUS, namespaced=False),
    Row("pods", "Pod", ("po",), _POD, _ALL),
    Row("podtemplates", "PodTemplate"),
    Row("replicationcontrollers", "ReplicationController", ("rc",), _SCALE, _ALL),
    Row("resourcequotas", "ResourceQuota", ("quota",), _STATUS),
    Row("secrets", "Secret"),
    Row("serviceaccounts", "ServiceAccount", ("sa",), ("token",)),
    Row("services", "Service", ("svc",), _STATUS, _ALL),
)
_APPS = (
    Row("controllerrevisions", "ControllerRevision"),
    Row("daemonsets", "DaemonSet", ("ds",), _STATUS, _ALL),
    Row("deployments", "Deployment", ("deploy",), _SCALE, _ALL),
    Row("replicasets", "ReplicaSet", ("rs",), _SCALE, _ALL),
    Row("statefulsets", "StatefulSet", ("sts",), _SCALE, _ALL),
)
_BATCH = (
    Row("cronjobs", "CronJob", ("cj",), _STATUS, _ALL),
    Row("jobs", "Job", (), _STATUS, _ALL),
)
_AUTOSCALING = (Row("horizontalpodautoscalers", "HorizontalPodAutoscaler", ("hpa",), _STATUS, _ALL),)
_RBAC = (
    Row("clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Row("clusterroles", "ClusterRole", namespaced=False),
    Row("rolebindings", "RoleBinding"),
    Row("roles", "Role"),
)
_STORAGE = (
    Row("csidrivers", "CSIDriver", namespaced=False),
    Row("csinodes", "CSINode", namespaced=False),
    Row("csistoragecapacities", "CSIStorageCapacity"),
    Row("storageclasses", "StorageClass", ("sc",), namespaced=False),
    Row("volumeattachments", "VolumeAttachment", (), _STATUS, namespaced=False),
    Row("volumeattributesclasses", "VolumeAttributesClass", ("vac",), namespaced=False),
)
_NETWORKING = (
    Row("ingressclasses", "IngressClass", namespaced=False),
    Row("ingresses", "Ingress", ("ing",), _STATUS),
    Row("networkpolicies", "NetworkPolicy", ("netpol",)),
)
_AUTHENTICATION = (
    Row("selfsubjectreviews", "SelfSubjectReview", namespaced=False, create_only=True),
    Row("tokenreviews", "TokenReview", namespaced=False, create_only=True),
)
_AUTHORIZATION = (
    Row("localsubjectaccessreviews", "LocalSubjectAccessReview", create_only=True),
    Row("selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False, create_only=True),
    Row("selfsubjectrulesreviews", "SelfSubjectRulesReview", namespaced=False, create_only=True),
    Row("subjectaccessreviews", "SubjectAccessReview", namespaced=False, create_only=True),
)
_CRD = Row(
    "customresourcedefinitions",
    "CustomResourceDefinition",
    ("crd", "crds"),
    _STATUS,
    ("api-extensions",),
    namespaced=False,
)

# (group, version, package of the Go types as OpenAPI names them, kinds); preferred versions come first.
BUILTIN: tuple[tuple[str, str, str, tuple[Row, ...]], ...] = (
    ("", "v1", "io.k8s.api.core.v1", _CORE),
    ("apps", "v1", "io.k8s.api.apps.v1", _APPS),
    ("events.k8s.io", "v1", "io.k8s.api.events.v1", (Row("events", "Event", ("ev",)),)),
    ("authentication.k8s.io", "v1", "io.k8s.api.authentication.v1", _AUTHENTICATION),
    ("authorization.k8s.io", "v1", "io.k8s.api.authorization.v1", _AUTHORIZATION),
    ("autoscaling", "v2", "io.k8s.api.autoscaling.v2", _AUTOSCALING),
    ("autoscaling", "v1", "io.k8s.api.autoscaling.v1", _AUTOSCALING),
    ("batch", "v1", "io.k8s.api.batch.v1", _BATCH),
    ("networking.k8s.io", "v1", "io.k8s.api.networking.v1", _NETWORKING),
    (
        "policy",
        "v1",
        "io.k8s.api.policy.v1",
        (Row("poddisruptionbudgets", "PodDisruptionBudget", ("pdb",), _STATUS),),
    ),
    ("rbac.authorization.k8s.io", "v1", "io.k8s.api.rbac.v1", _RBAC),
    ("storage.k8s.io", "v1", "io.k8s.api.storage.v1", _STORAGE),
    (
        "apiextensions.k8s.io",
        "v1",
        "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
        (_CRD,),
    ),
    (
        "apiregistration.k8s.io",
        "v1",
        "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
        (Row("apiservices", "APIService", (), _STATUS, ("api-extensions",), namespaced=False),),
    ),
    (
        "scheduling.k8s.io",
        "v1",
        "io.k8s.api.scheduling.v1",
        (Row("priorityclasses", "PriorityClass", ("pc",), namespaced=False),),
    ),
    ("coordination.k8s.io", "v1", "io.k8s.api.coordination.v1", (Row("leases", "Lease"),)),
    (
        "node.k8s.io",
        "v1",
        "io.k8s.api.node.v1",
        (Row("runtimeclasses", "RuntimeClass", namespaced=False),),
    ),
    ("discovery.k8s.io", "v1", "io.k8s.api.discovery.v1", (Row("endpointslices", "EndpointSlice"),)),
)

# Kinds served in two groups or versions, and the one whose shape is stored.
STORED_AS: dict[tuple[str, str, str], tuple[str, str]] = {
    ("events.k8s.io", "v1", "events"): ("", "v1"),
    ("autoscaling", "v1", "horizontalpodautoscalers"): ("autoscaling", "v2"),
}

# Types of request bodies that are no kinds of their own.
EXTRA_DEFINITIONS = (
    "io.k8s.api.authentication.v1.TokenRequest",
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.policy.v1.Eviction",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
)
