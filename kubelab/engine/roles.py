"""The roles that every cluster has, as upstream's bootstrap policy names them."""

from __future__ import annotations

from kubelab.client import Object, Resource

_RBAC = "rbac.authorization.k8s.io"
CLUSTER_ROLES = Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
CLUSTER_ROLE_BINDINGS = Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_WORK = {
    "": (
        "configmaps",
        "endpoints",
        "events",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "replicationcontrollers",
        "serviceaccounts",
        "services",
    ),
    "apps": ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"),
    "batch": ("cronjobs", "jobs"),
    "discovery.k8s.io": ("endpointslices",),
    "jobset.x-k8s.io": ("jobsets",),
    "kubeflow.org": ("jaxjobs",),
    "policy": ("poddisruptionbudgets",),
    "trainer.kubeflow.org": ("trainjobs", "trainingruntimes"),
}


def roles() -> tuple[Object, ...]:
    """Return the ClusterRoles cluster-admin, admin, edit and view."""
    everything = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]},
        {"nonResourceURLs": ["*"], "verbs": ["*"]},
    ]
    edit = [*_rules((*_READ, *_WRITE)), _rule("", ("secrets",), (*_READ, *_WRITE))]
    own_roles = _rule(_RBAC, ("roles", "rolebindings"), (*_READ, *_WRITE))
    return (
        _role("cluster-admin", everything),
        _role("admin", [*edit, own_roles]),
        _role("edit", edit),
        _role("view", _rules(_READ)),
    )


def role_bindings() -> tuple[Object, ...]:
    """Return the binding that makes the group ``system:masters`` cluster-admin."""
    masters = {"apiGroup": _RBAC, "kind": "Group", "name": "system:masters"}
    binding = {
        "apiVersion": CLUSTER_ROLE_BINDINGS.api_version,
        "kind": CLUSTER_ROLE_BINDINGS.kind,
        "metadata": _metadata("cluster-admin"),
        "roleRef": {"apiGroup": _RBAC, "kind": CLUSTER_ROLES.kind, "name": "cluster-admin"},
        "subjects": [masters],
    }
    return (binding,)


def _role(name: str, rules: list[Object]) -> Object:
    return {
        "apiVersion": CLUSTER_ROLES.api_version,
        "kind": CLUSTER_ROLES.kind,
        "metadata": _metadata(name),
        "rules": rules,
    }


def _metadata(name: str) -> Object:
    return {"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}


def _rules(verbs: tuple[str, ...]) -> list[Object]:
    return [_rule(group, resources, verbs) for group, resources in _WORK.items()]


def _rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...]) -> Object:
    return {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
