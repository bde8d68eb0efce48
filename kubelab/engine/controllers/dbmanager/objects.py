"""The objects of Katib's db manager, named as katib v0.19.0 names them (``manifests/v1beta1/components``)."""

from __future__ import annotations

from kubelab.client import DEPLOYMENTS, NAMESPACES, SERVICE_ACCOUNTS, SERVICES, Object, Resource
from kubelab.engine.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES

NAMESPACE = "kubeflow"
NAME = "katib-db-manager"
PORT = 6789
LABELS = {"katib.kubeflow.org/component": "db-manager"}
OWN_LABELS = {**LABELS, "app.kubernetes.io/managed-by": "kubelab"}
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_S = 365 * 24 * 3600
"""The process node does not renew tokens."""


def objects(server_url: str, replicas: int) -> list[tuple[Resource, Object]]:
    """Return all of them, in the order in which they are to be created.

    Parameters
    ----------
    server_url : str
        Where the API server is.
    replicas : int
        How many pods to run.
    """
    return [
        (NAMESPACES, _object(NAMESPACES, NAMESPACE)),
        (SERVICE_ACCOUNTS, _object(SERVICE_ACCOUNTS, NAME)),
        (CLUSTER_ROLES, {**_object(CLUSTER_ROLES, NAME), "rules": _RULES}),
        (CLUSTER_ROLE_BINDINGS, _binding()),
        (SERVICES, {**_object(SERVICES, NAME), "spec": _SERVICE}),
        (DEPLOYMENTS, deployment(server_url, replicas)),
    ]


def deployment(server_url: str, replicas: int) -> Object:
    """Return the Deployment."""
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": _pod_spec(server_url)},
    }
    return {**_object(DEPLOYMENTS, NAME), "spec": spec}


def command(server_url: str) -> list[str]:
    """Return what the pod runs."""
    module = ["python3", "-m", "kubelab.engine.katib.db_manager"]
    return [*module, "--address=$(POD_IP)", f"--server={server_url}", f"--account={_ACCOUNT}"]


def command_of(found: Object) -> list[str]:
    """Return what the pods of the Deployment run."""
    return list(found["spec"]["template"]["spec"]["containers"][0].get("command") or ())


def is_available(found: Object | None) -> bool:
    """Say whether the db manager answers."""
    return bool(found and (found.get("status") or {}).get("availableReplicas"))


_RULES = [
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "update"]},
    {"apiGroups": ["kubeflow.org"], "resources": ["trials"], "verbs": ["get"]},
]
_SERVICE = {"selector": LABELS, "ports": [{"name": "api", "port": PORT, "protocol": "TCP"}]}


def _pod_spec(server_url: str) -> Object:
    projected = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_S}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    container = {
        "name": NAME,
        "image": "kubelab/katib-db-manager",
        "command": command(server_url),
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "ports": [{"name": "api", "containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1, "failureThreshold": 10},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "account", "mountPath": _ACCOUNT, "readOnly": True}],
    }
    return {
        "serviceAccountName": NAME,
        "containers": [container],
        "terminationGracePeriodSeconds": 5,
        "volumes": [{"name": "account", "projected": {"sources": projected}}],
    }


def _binding() -> Object:
    group = CLUSTER_ROLES.group
    return {
        **_object(CLUSTER_ROLE_BINDINGS, NAME),
        "roleRef": {"apiGroup": group, "kind": CLUSTER_ROLES.kind, "name": NAME},
        "subjects": [{"kind": SERVICE_ACCOUNTS.kind, "name": NAME, "namespace": NAMESPACE}],
    }


def _object(resource: Resource, name: str) -> Object:
    meta: Object = {"name": name, "labels": OWN_LABELS}
    if resource.namespaced:
        meta["namespace"] = NAMESPACE
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
