"""Small nodes, pods and snapshots to schedule."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from kubelab.client import Object
from kubelab.scheduling.cache import Cache
from kubelab.scheduling.snapshot import PodInfo

_numbers = itertools.count()


def node(
    name: str,
    *,
    cpu: str = "4",
    memory: str = "8Gi",
    pods: str = "110",
    labels: Mapping[str, str] | None = None,
    taints: list[Object] | None = None,
    **spec: Any,
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": {"taints": taints or [], **spec},
        "status": {"allocatable": {"cpu": cpu, "memory": memory, "pods": pods}},
    }


def pod(
    name: str = "",
    *,
    cpu: str = "",
    memory: str = "",
    labels: Mapping[str, str] | None = None,
    namespace: str = "default",
    **spec: Any,
) -> Object:
    name = name or f"pod-{next(_numbers)}"
    requests = {key: value for key, value in (("cpu", cpu), ("memory", memory)) if value}
    container = {"name": "main", "image": "busybox", "resources": {"requests": requests}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "labels": dict(labels or {}),
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"containers": [container], **spec},
        "status": {},
    }


def host_port(number: int, protocol: str = "TCP", address: str = "") -> list[Object]:
    port = {"containerPort": number, "hostPort": number, "protocol": protocol, "hostIP": address}
    return [{"name": "main", "image": "busybox", "ports": [port]}]


def cluster(*nodes: Object, placed: Mapping[str, list[Object]] | None = None, seed: int = 0) -> Cluster:
    made = Cluster(seed)
    for each in nodes:
        made.cache.set_node(each["metadata"]["name"], each)
    for name, pods in (placed or {}).items():
        for each in pods:
            made.place(each, name)
    return made


class Cluster:
    """A cache to decide on, without an API."""

    def __init__(self, seed: int = 0) -> None:
        self.cache = Cache(seed)

    def info(self, obj: Object) -> PodInfo:
        return self.cache.info_of(obj)

    def place(self, obj: Object, name: str) -> None:
        self.cache.place(self.info(obj), name)
