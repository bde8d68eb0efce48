"""The objects of the tour."""

from __future__ import annotations

from typing import Any

from kubelab.client import Object


def pod(name: str = "web", *, image: str = "nginx", **labels: str) -> Object:
    """Return a pod of one container with a port."""
    container = {"name": "main", "image": image, "ports": [{"containerPort": 80}]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels or {"app": name}},
        "spec": {"containers": [container]},
    }


def deployment(name: str = "web", *, replicas: int = 2, image: str = "nginx") -> Object:
    """Return a deployment of that pod."""
    template = pod(name, image=image)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": template["spec"]},
        },
    }


def train_job(name: str = "digits", **trainer: Any) -> Object:
    """Return a TrainJob of the JAX runtime."""
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name},
        "spec": {
            "runtimeRef": {"name": "jax-distributed"},
            "trainer": {"numNodes": 2, "command": ["python", "-c", "print(1)"], **trainer},
        },
    }


def shell_pod(name: str, script: str, **spec: Any) -> Object:
    """Return a pod that runs a shell script once."""
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 2,
            "containers": [container],
            **spec,
        },
    }
