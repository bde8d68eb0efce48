"""The roles that every cluster has, as upstream's bootstrap policy names them.

``admin``, ``edit`` and ``view`` are aggregated: they hold the rules of every ClusterRole with their label.
Upstream: ``plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go`` (v1.37); the last of `_VIEWED` and
`_EDITED` are what the custom kinds bring with them, and what the metrics server does.
"""

from __future__ import annotations

from kubelab.client import Object, Resource

_RBAC = "rbac.authorization.k8s.io"
CLUSTER_ROLES = Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_CUSTOM = (
    (
        "autoscaling.kubelab.dev",
        "clusterautoscalers instancescores nodegroups nodegroups/scale nodegroupsets scalingdecisions",
    ),
    ("autoscaling.k8s.io", "verticalpodautoscalercheckpoints verticalpodautoscalers"),
    ("costs.kubelab.dev", "meterreadings"),
    ("jobset.x-k8s.io", "jobsets"),
    ("kubeflow.org", "experiments jaxjobs suggestions trials"),
    ("trainer.kubeflow.org", "trainjobs trainingruntimes"),
)
_VIEWED = (
    (
        "",
        """
        bindings configmaps endpoints events limitranges namespaces namespaces/status
        persistentvolumeclaims persistentvolumeclaims/status pods pods/log pods/status
        replicationcontrollers replicationcontrollers/scale replicationcontrollers/status
        resourcequotas resourcequotas/status serviceaccounts services services/status
        """,
    ),
    (
        "apps",
        """
        controllerrevisions daemonsets daemonsets/status deployments deployments/scale
        deployments/status replicasets replicasets/scale replicasets/status statefulsets
        statefulsets/scale statefulsets/status
        """,
    ),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
    ("batch", "cronjobs cronjobs/status jobs jobs/status"),
    ("discovery.k8s.io", "endpointslices"),
    ("events.k8s.io", "events"),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies"),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status"),
    ("metrics.k8s.io", "nodes pods"),
    *_CUSTOM,
)
_EDITED = (
    (
        "",
        """
        configmaps events persistentvolumeclaims pods pods/attach pods/exec pods/portforward
        pods/proxy replicationcontrollers replicationcontrollers/scale secrets serviceaccounts
        services services/proxy
        """,
    ),
    (
        "apps",
        """
        daemonsets deployments deployments/rollback deployments/scale replicasets
        replicasets/scale statefulsets statefulsets/scale
        """,
    ),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs jobs"),
    ("coordination.k8s.io", "leases"),
    ("events.k8s.io", "events"),
    ("networking.k8s.io", "ingresses networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    *_CUSTOM,
)
_INFO_PATHS = ["/healthz", "/livez", "/readyz", "/version", "/version/"]
_HEALTH_PATHS = ["/healthz", "/healthz/*", "/livez", "/livez/*", "/readyz", "/readyz/*"]
_MONITORED_PATHS = ["/metrics", "/metrics/slis", *_HEALTH_PATHS]
_DISCOVERY_PATHS = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", *_INFO_PATHS]


def roles() -> tuple[Object, ...]:
    """Return the ClusterRoles, those that others are aggregated from first."""
    parts = {"view": _view(), "edit": _edit(), "admin": _admin()}
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    return (
        *(_role(f"system:aggregate-to-{name}", rules, to=name) for name, rules in parts.items()),
        _aggregated("view", parts["view"], to="edit"),
        _aggregated("edit", [*parts["edit"], *parts["view"]], to="admin"),
        _aggregated("admin", [*parts["edit"], *parts["view"], *parts["admin"]]),
        _role("cluster-admin", everything),
        _role("system:basic-user", _about_oneself()),
        _role("system:discovery", [{"nonResourceURLs": _DISCOVERY_PATHS, "verbs": ["get"]}]),
        _role("system:public-info-viewer", [{"nonResourceURLs": _INFO_PATHS, "verbs": ["get"]}]),
        _role("system:monitoring", [{"nonResourceURLs": _MONITORED_PATHS, "verbs": ["get"]}]),
        _role("system:auth-delegator", _delegated()),
    )


def role_bindings() -> tuple[Object, ...]:
    """Return the bindings of groups that everybody or the administrator is in."""
    authenticated = "system:authenticated"
    return (
        _binding("cluster-admin", "system:masters"),
        _binding("system:basic-user", authenticated),
        _binding("system:discovery", authenticated),
        _binding("system:monitoring", "system:monitoring"),
        _binding("system:public-info-viewer", authenticated, "system:unauthenticated"),
    )


def label_of(role: str) -> str:
    """Return the label of ClusterRoles that are aggregated into a role."""
    return f"{_RBAC}/aggregate-to-{role}"


def _view() -> list[Object]:
    return [_rule(group, resources, _READ) for group, resources in _VIEWED]


def _edit() -> list[Object]:
    reached = "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"
    return [
        _rule("", reached, _READ),
        _rule("coordination.k8s.io", "leases", _READ),
        *(_rule(group, resources, _WRITE) for group, resources in _EDITED),
        _rule("", "serviceaccounts", ("impersonate",)),
        _rule("", "pods/eviction serviceaccounts/token", ("create",)),
    ]


def _admin() -> list[Object]:
    return [
        _rule("authorization.k8s.io", "localsubjectaccessreviews", ("create",)),
        _rule(_RBAC, "rolebindings roles", (*_READ, *_WRITE)),
    ]


def _about_oneself() -> list[Object]:
    return [
        _rule("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", ("create",)),
        _rule("authentication.k8s.io", "selfsubjectreviews", ("create",)),
    ]


def _delegated() -> list[Object]:
    return [
        _rule("authentication.k8s.io", "tokenreviews", ("create",)),
        _rule("authorization.k8s.io", "subjectaccessreviews", ("create",)),
    ]


def _aggregated(name: str, rules: list[Object], to: str = "") -> Object:
    selectors = [{"matchLabels": {label_of(name): "true"}}]
    return {**_role(name, rules, to=to), "aggregationRule": {"clusterRoleSelectors": selectors}}


def _role(name: str, rules: list[Object], to: str = "") -> Object:
    return {
        "apiVersion": CLUSTER_ROLES.api_version,
        "kind": CLUSTER_ROLES.kind,
        "metadata": _metadata(name, to),
        "rules": rules,
    }


def _binding(role: str, *groups: str) -> Object:
    return {
        "apiVersion": CLUSTER_ROLE_BINDINGS.api_version,
        "kind": CLUSTER_ROLE_BINDINGS.kind,
        "metadata": _metadata(role),
        "roleRef": {"apiGroup": _RBAC, "kind": CLUSTER_ROLES.kind, "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": group} for group in groups],
    }


def _metadata(name: str, to: str = "") -> Object:
    labels = {"kubernetes.io/bootstrapping": "rbac-defaults", **({label_of(to): "true"} if to else {})}
    return {"name": name, "labels": labels}


def _rule(group: str, resources: str, verbs: tuple[str, ...]) -> Object:
    return {"apiGroups": [group], "resources": resources.split(), "verbs": list(verbs)}
