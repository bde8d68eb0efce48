"""Addresses and names of a node's pods, and the hosts files in which pods find each other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from kubelab.client import PODS, SERVICES, Object
from kubelab.clock import monotonic
from kubelab.engine.nodes.addresses import Addresses
from kubelab.engine.nodes.name_faults import NameFaults
from kubelab.engine.nodes.names import Name, hosts_file, own_names, service_names
from kubelab.informer import Informers

_DELAY_S = 0.005
_REST = 9
"""After a renewal, so many times as long without one: in a large cluster it takes a tenth of a core."""
_LOOPBACK = "127.0.0.1"
_SUFFIXES = (".svc.cluster.local", ".svc")


class Hosts:
    """Gives pods addresses and keeps their hosts files current.

    Parameters
    ----------
    own_addresses : bool
        Whether pods can have addresses of their own on this machine.
    resolvable : bool
        Whether pods see a hosts file of their own; otherwise names are replaced by addresses, which then
        stay with the name.
    live : callable
        Returns the pods whose files are to be kept current, each with its directory.
    faults : NameFaults
        What is withheld from them on purpose.
    """

    def __init__(
        self,
        informers: Informers,
        addresses: Addresses,
        live: Callable[[], Iterable[tuple[Object, Path]]],
        *,
        own_addresses: bool,
        resolvable: bool,
        faults: NameFaults | None = None,
    ) -> None:
        self._pods = informers.of(PODS)
        self._services = informers.of(SERVICES)
        self._addresses = addresses
        self._live = live
        self._own_addresses = own_addresses
        self._resolvable = resolvable
        self._faults = faults or NameFaults()
        self._faults.changed = self.changed
        self._due: asyncio.TimerHandle | None = None
        self._rest_s = 0.0
        self._written: dict[str, str] = {}

    def address_for(self, pod: Object) -> str:
        """Return the pod's address, which it keeps."""
        if not self._own_addresses or pod["spec"].get("hostNetwork"):
            return _LOOPBACK
        uid, namespace = pod["metadata"]["uid"], pod["metadata"]["namespace"]
        if uid in self._addresses.by_uid:
            return self._addresses.by_uid[uid]
        names = own_names(pod, self._services.objects.values())
        address = self._addresses.of_pod(uid, namespace, names)
        if not self._resolvable:
            for name in names:
                self._addresses.reserve(namespace, name, address)
        self.changed()
        return address

    def address_of_name(self, namespace: str, name: str) -> str:
        """Return the address of a Service's name, also before its pod is there; empty if there is none."""
        for suffix in (*_SUFFIXES, f".{namespace}"):
            name = name.removesuffix(suffix)
        if self._services.get(namespace, name.rpartition(".")[2]) is None:
            return ""
        for found in self._names():
            if found.namespace == namespace and found.name == name:
                return found.addresses[0]
        return self._addresses.of_name(namespace, name)

    def release(self, uid: str) -> None:
        """Take back what a pod had."""
        self._addresses.release(uid)
        self._written.pop(uid, None)

    def changed(self) -> None:
        """Renew the hosts files soon; changes that come together are written together."""
        if self._due is None:
            self._due = asyncio.get_running_loop().call_later(max(_DELAY_S, self._rest_s), self._renew)

    def write(self, pod: Object, directory: Path) -> None:
        """Write one pod's hosts file."""
        self._put(pod, directory, self._faults.shown(self._names()))

    def _renew(self) -> None:
        self._due = None
        live = [(pod, directory) for pod, directory in self._live() if (directory / "hosts").exists()]
        if not live:
            return
        began_s = monotonic()
        names = self._faults.shown(self._names())
        for pod, directory in live:
            self._put(pod, directory, names)
        self._rest_s = _REST * (monotonic() - began_s)

    def _names(self) -> list[Name]:
        known = dict(self._addresses.by_uid)
        for pod in self._pods.objects.values():
            status = pod.get("status") or {}
            if status.get("podIP") and status.get("phase") not in {"Succeeded", "Failed"}:
                known.setdefault(pod["metadata"]["uid"], status["podIP"])
        return service_names(self._services.objects.values(), self._pods.objects.values(), known)

    def _put(self, pod: Object, directory: Path, names: list[Name]) -> None:
        uid = pod["metadata"]["uid"]
        text = hosts_file(pod, self._addresses.by_uid.get(uid, _LOOPBACK), names)
        if self._written.get(uid) != text:
            self._written[uid] = text
            _overwrite(directory / "hosts", text.encode())


def _overwrite(path: Path, data: bytes) -> None:
    """Change a file in place: it is bound over /etc/hosts, so it must stay the same file."""
    fd = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644)
    try:
        os.pwrite(fd, data, 0)
        os.ftruncate(fd, len(data))
    finally:
        os.close(fd)
