"""An API server on a folder of its own, and clients of it: in process and over TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from kubelab.client import Client, Object, Resource
from kubelab.engine.apiserver import ApiServer
from kubelab.engine.apiserver.serve import Served, serve
from kubelab.engine.apiserver.tls import ensure_tls, write_kubeconfig
from kubelab.http import HttpTransport, Kubeconfig

FOOS = Resource("example.com", "v1", "foos", "Foo")


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 31, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def pod(name: str = "web", **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    }


def config_map(name: str, **metadata: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": {"a": "b"},
    }


def foo_definition() -> Object:
    spec = {"type": "object", "properties": {"replicas": {"type": "integer", "default": 2}}}
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "foos.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": "foos", "kind": "Foo"},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}, "scale": scale},
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "properties": {"spec": spec, "status": status}}
                    },
                }
            ],
        },
    }


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def server(tmp_path: Path, clock: SetClock) -> AsyncIterator[ApiServer]:
    server = ApiServer(tmp_path, clock, token="secret", random=Random(7))
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def client(server: ApiServer) -> Client:
    return server.client("system:test")


@pytest.fixture
async def served(server: ApiServer, tmp_path: Path) -> AsyncIterator[Served]:
    served = await serve(server, port=0, tls=ensure_tls(tmp_path))
    yield served
    await served.stop()


@pytest.fixture
def kubeconfig(served: Served, tmp_path: Path) -> Kubeconfig:
    path = tmp_path / "kubeconfig"
    url = f"https://127.0.0.1:{served.port}"
    write_kubeconfig(path, name="lab", server=url, token="secret", tls=ensure_tls(tmp_path))
    return Kubeconfig.load(path)


@pytest.fixture
async def remote(kubeconfig: Kubeconfig) -> AsyncIterator[Client]:
    client = Client(HttpTransport(kubeconfig))
    yield client
    await client.close()
