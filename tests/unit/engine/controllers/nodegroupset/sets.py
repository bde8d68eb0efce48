"""Deployments and sets for tests."""

from __future__ import annotations

from kubelab.client import NODE_GROUP_SETS, Object


def deployment(name: str, replicas: int, cpu: str, memory: str, **selector: str) -> Object:
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": cpu, "memory": memory}}}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"nodeSelector": selector, "containers": [container]},
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def node_group_set(name: str, **spec: object) -> Object:
    return {
        "apiVersion": NODE_GROUP_SETS.api_version,
        "kind": NODE_GROUP_SETS.kind,
        "metadata": {"name": name},
        "spec": spec,
    }
