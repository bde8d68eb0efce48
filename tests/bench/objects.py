"""The objects that the API is loaded with."""

from __future__ import annotations

from kubelab.client import Object

PODS = "/api/v1/namespaces/default/pods"
NODES = "/api/v1/nodes"


def pod(number: int) -> Object:
    """Return a pod like those of a training job."""
    container = {
        "name": "main",
        "image": "kubelab/jax",
        "command": ["python", "-c", "print('hello')"],
        "env": [{"name": "INDEX", "value": str(number)}],
        "resources": {"requests": {"cpu": "100m", "memory": "200Mi"}, "limits": {"memory": "256Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"pod-{number:05}", "labels": {"app": "bench", "index": str(number)}},
        "spec": {"restartPolicy": "Never", "containers": [container]},
    }


def node(number: int) -> Object:
    """Return a node that no agent stands behind."""
    name = f"node-{number:04}"
    capacity = {"cpu": "32", "memory": "256Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {"capacity": capacity, "allocatable": capacity},
    }
