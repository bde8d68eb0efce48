"""The Node object: what the machine has, in what condition it is, and what pods do not have of their own."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from kubelab.client import Object
from kubelab.engine.apiserver.version import KUBERNETES_VERSION
from kubelab.engine.nodes import images
from kubelab.engine.nodes.isolation import Isolation
from kubelab.engine.nodes.kubelet import SERVED_ADDRESS, WEBSOCKETS
from kubelab.node_template import PROCESS_RUNTIME

MAX_PODS = 110
_MEMORY_PRESSURE_BYTES = 100 * 1024 * 1024  # evictionHard memory.available<100Mi, the kubelet's default
_DISK_PRESSURE_RATIO = 0.10  # nodefs.available<10%
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_RESIZES_INIT_CONTAINERS = "InPlacePodVerticalScalingInitContainers"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as its node reports it.

    Attributes
    ----------
    cpu_millicores, memory_bytes, disk_bytes : int
        What there is, within the control group that this process runs in.
    available_memory_bytes, available_disk_bytes : int
        What is free now.
    """

    hostname: str
    address: str
    cpu_millicores: int
    memory_bytes: int
    available_memory_bytes: int
    disk_bytes: int
    available_disk_bytes: int
    pids: int
    max_pids: int
    boot_id: str
    machine_id: str


def read_machine(state_dir: Path) -> Machine:
    """Read what the machine has now."""
    meminfo = _meminfo()
    limit = _cgroup_memory_limit() or meminfo["MemTotal"]
    disk = shutil.disk_usage(state_dir)
    return Machine(
        hostname=socket.gethostname(),
        address="127.0.0.1",
        cpu_millicores=len(os.sched_getaffinity(0)) * 1000,
        memory_bytes=min(limit, meminfo["MemTotal"]),
        available_memory_bytes=meminfo["MemAvailable"],
        disk_bytes=disk.total,
        available_disk_bytes=disk.free,
        pids=sum(entry.isdigit() for entry in os.listdir("/proc")),  # noqa: PTH208 - no paths needed
        max_pids=int(_read("/proc/sys/kernel/pid_max") or 32768),
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        machine_id=_read("/etc/machine-id"),
    )


def resources(machine: Machine) -> dict[str, str]:
    """Return the Node's capacity, which is also what pods may ask for."""
    cpu = machine.cpu_millicores
    return {
        "cpu": str(cpu // 1000) if cpu % 1000 == 0 else f"{cpu}m",
        "memory": f"{machine.memory_bytes // 1024}Ki",
        "ephemeral-storage": f"{machine.disk_bytes // 1024}Ki",
        "pods": str(MAX_PODS),
    }


def node_object(name: str) -> Object:
    """Return the Node as it is first created."""
    arch = _MACHINES.get(platform.machine(), platform.machine())
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": arch,
        "beta.kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": arch,
        "node.kubernetes.io/instance-type": "process",
    }
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {}}


def node_status(
    name: str,
    machine: Machine,
    isolation: Isolation,
    old: Object,
    now: str,
    *,
    kubelet_port: int = 0,
    problem: str = "",
) -> Object:
    """Return the Node's status.

    Parameters
    ----------
    old : Object
        The Node as it is, whose conditions keep the time of their last transition.
    kubelet_port : int
        Where the API server finds the node's own server, 0 if it has none.
    problem : str
        Why it is not ready; empty if it is.
    """
    had = {entry["type"]: entry for entry in (old.get("status") or {}).get("conditions") or []}
    capacity = resources(machine)
    return {
        "capacity": capacity,
        "allocatable": capacity,
        "addresses": [
            {"type": "InternalIP", "address": machine.address},
            {"type": "Hostname", "address": name},
            *([{"type": SERVED_ADDRESS, "address": "localhost"}] if kubelet_port else []),
        ],
        "conditions": [
            _stamped(condition, had.get(condition["type"]), now)
            for condition in (*_conditions(machine, isolation), _ready(problem))
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet_port}},
        "nodeInfo": _node_info(machine),
        "declaredFeatures": sorted([_RESIZES_INIT_CONTAINERS, *([WEBSOCKETS] if kubelet_port else [])]),
        "images": [{"names": [image], "sizeBytes": 0} for image in images.names()],
    }


def _conditions(machine: Machine, isolation: Isolation) -> list[Object]:
    memory = machine.available_memory_bytes < _MEMORY_PRESSURE_BYTES
    disk = machine.available_disk_bytes < machine.disk_bytes * _DISK_PRESSURE_RATIO
    pids = machine.pids > machine.max_pids * 0.95
    missing = isolation.missing()
    whole = isolation.namespaces and bool(isolation.memory_cgroup) and bool(isolation.cpu_cgroup)
    return [
        _pressure("MemoryPressure", memory, "memory available"),
        _pressure("DiskPressure", disk, "disk pressure", no="has no"),
        _pressure("PIDPressure", pids, "PID available"),
        {
            "type": "Isolation",
            "status": "True" if whole else "False",
            "reason": "NamespacesAndControlGroups" if whole else "PartOfItIsMissing",
            "message": "; ".join(missing),
        },
    ]


def _ready(problem: str) -> Object:
    if problem:
        return {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": problem}
    return {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
    }


def _pressure(type: str, pressed: bool, what: str, no: str = "") -> Object:
    noun = type.removesuffix("Pressure")
    if pressed:
        reason, message = f"KubeletHasInsufficient{noun}", f"kubelet has insufficient {what}"
    else:
        reason, message = f"KubeletHasSufficient{noun}", f"kubelet has sufficient {what}"
    if no:
        reason = "KubeletHasDiskPressure" if pressed else "KubeletHasNoDiskPressure"
        message = "kubelet has disk pressure" if pressed else "kubelet has no disk pressure"
    return {"type": type, "status": "True" if pressed else "False", "reason": reason, "message": message}


def _stamped(condition: Object, old: Object | None, now: str) -> Object:
    same = old is not None and old["status"] == condition["status"]
    since = old["lastTransitionTime"] if old and same else now
    return {**condition, "lastHeartbeatTime": now, "lastTransitionTime": since}


def _node_info(machine: Machine) -> Object:
    return {
        "machineID": machine.machine_id,
        "systemUUID": machine.machine_id,
        "bootID": machine.boot_id,
        "kernelVersion": platform.release(),
        "osImage": _os_image(),
        "containerRuntimeVersion": f"{PROCESS_RUNTIME}0.1.0",
        "kubeletVersion": f"v{KUBERNETES_VERSION}.0",
        "kubeProxyVersion": "",
        "operatingSystem": "linux",
        "architecture": _MACHINES.get(platform.machine(), platform.machine()),
    }


def _os_image() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")
    except OSError:
        return "Linux"


def _meminfo() -> dict[str, int]:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}


def _cgroup_memory_limit() -> int:
    """Return the limit of the control group that this process runs in, or 0."""
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        text = _read(path)
        if text.isdigit():
            return int(text)
    return 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
