"""Hosts files on a node that is a small part of a large cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubelab.client import PODS, SERVICES, Client, Object
from kubelab.engine.nodes import hosts as module
from kubelab.engine.nodes.addresses import Addresses
from kubelab.engine.nodes.hosts import Hosts
from kubelab.http import HttpTransport, Kubeconfig
from kubelab.informer import Informers

LIVE: Object = {
    "metadata": {"name": "web-0", "namespace": "default", "uid": "1", "labels": {"app": "web"}},
    "spec": {"containers": []},
    "status": {"podIP": "127.0.0.9", "conditions": [{"type": "Ready", "status": "True"}]},
}
SERVICE: Object = {"metadata": {"name": "web", "namespace": "default"}, "spec": {"selector": {"app": "web"}}}


class Node:
    """The hosts of a node, and how often all names were looked up."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.live: list[tuple[Object, Path]] = []
        self.lookups = 0
        config = Kubeconfig("test", "https://127.0.0.1:1")
        informers = Informers(Client(HttpTransport(config)))
        informers.of(PODS).objects["default", "web-0"] = LIVE
        informers.of(SERVICES).objects["default", "web"] = SERVICE
        self.addresses = Addresses(folder, "node")
        self.hosts = Hosts(informers, self.addresses, lambda: self.live, own_addresses=False, resolvable=True)
        look_up = self.hosts._names

        def counted() -> list[module.Name]:
            self.lookups += 1
            return look_up()

        monkeypatch.setattr(self.hosts, "_names", counted)

    def run_pod(self) -> None:
        (self.folder / "hosts").touch()
        self.live.append((LIVE, self.folder))

    async def change(self) -> None:
        """Say that something changed in the cluster, and wait until that is dealt with."""
        self.hosts.changed()
        while self.hosts._due is not None:  # noqa: ASYNC110 - a timer, not an event
            await asyncio.sleep(0.001)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    made = Node(tmp_path, monkeypatch)
    yield made
    made.addresses.close()


async def test_names_are_looked_up_only_for_pods_of_this_node(node: Node) -> None:
    await node.change()
    assert node.lookups == 0
    node.run_pod()
    await node.change()
    assert node.lookups == 1
    assert "127.0.0.9\tweb web.default" in (node.folder / "hosts").read_text()


async def test_a_long_renewal_is_followed_by_a_longer_rest(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.run_pod()
    seconds = iter((100.0, 102.0))
    monkeypatch.setattr(module, "monotonic", lambda: next(seconds))
    await node.change()
    node.hosts.changed()
    assert node.hosts._due is not None
    assert node.hosts._due.when() - asyncio.get_running_loop().time() > 17
    node.hosts._due.cancel()
