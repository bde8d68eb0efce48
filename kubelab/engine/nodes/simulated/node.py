"""The status and the lease of a simulated node. Pure."""

from __future__ import annotations

from datetime import datetime

from kubelab.client import Object
from kubelab.clock import rfc3339, rfc3339_micro
from kubelab.engine.apiserver.version import KUBERNETES_VERSION
from kubelab.node_template import FAKE_NODE, NodeTemplate, is_annotated, runs_processes, simulated_node
from kubelab.simulated_pod import PREFIX

LEASE_NAMESPACE = "kube-node-lease"

_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


def ignored_annotation(node: Object) -> str:
    """Return why a Node that is annotated as simulated is not, "" where there is nothing to say."""
    if not (is_annotated(node) and runs_processes(node)):
        return ""
    return (
        f"the annotation {FAKE_NODE}: fake is ignored: the pods of this node are processes of this machine, "
        f"and go on. Remove it (kubectl annotate node {node['metadata']['name']} {FAKE_NODE}-), and create a "
        "Node of another name to simulate one."
    )


def is_silent(node: Object) -> bool:
    """Say whether a simulated node shall give no sign of life, as one that is cut off."""
    return (node["metadata"].get("annotations") or {}).get(f"{PREFIX}silent") == "true"


def address_of(node: Object) -> str:
    """Return the node's internal address, or "" while it has none."""
    addresses = (node.get("status") or {}).get("addresses") or []
    return next((each["address"] for each in addresses if each["type"] == "InternalIP"), "")


def node_status(node: Object, address: str, now: datetime) -> Object | None:
    """Return what is to be changed in a node's status; None if nothing is.

    Only what is missing is filled in, and conditions that nobody knows: who sets ``Ready`` to ``False``
    simulates a node that is ill.
    """
    old = node.get("status") or {}
    patch: Object = {}
    default = simulated_node(node["metadata"]["name"], NodeTemplate())["status"]["capacity"]
    if not old.get("allocatable"):
        patch["allocatable"] = old.get("capacity") or default
    if not old.get("capacity"):
        patch["capacity"] = old.get("allocatable") or default
    if not address_of(node):
        patch["addresses"] = [
            {"type": "InternalIP", "address": address},
            {"type": "Hostname", "address": node["metadata"]["name"]},
        ]
    if (old.get("nodeInfo") or {}).get("kubeletVersion", "") == "":
        patch["nodeInfo"] = _node_info(node)
    had = {each["type"]: each for each in old.get("conditions") or []}
    if any(had.get(kind, {}).get("status", "Unknown") == "Unknown" for kind, *_ in _CONDITIONS):
        patch["conditions"] = _conditions(had, rfc3339(now))
    return patch or None


def lease(node: Object, now: datetime, duration_s: int) -> Object:
    """Return a node's lease, renewed now; it goes with its node."""
    meta = node["metadata"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": meta["name"], "uid": meta["uid"]}
    at = rfc3339_micro(now)
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": meta["name"], "namespace": LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {"holderIdentity": meta["name"], "leaseDurationSeconds": duration_s, "renewTime": at},
    }


def _conditions(old: dict[str, Object], now: str) -> list[Object]:
    known = {kind: each for kind, each in old.items() if each["status"] != "Unknown"}
    stamps = {"lastHeartbeatTime": now, "lastTransitionTime": now}
    mine = [
        known.get(kind) or {"type": kind, "status": status, "reason": reason, "message": message, **stamps}
        for kind, status, reason, message in _CONDITIONS
    ]
    own = {kind for kind, *_ in _CONDITIONS}
    return [*mine, *(each for kind, each in old.items() if kind not in own)]


def _node_info(node: Object) -> Object:
    labels = node["metadata"].get("labels") or {}
    return {
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
        "kernelVersion": "",
        "osImage": "",
        "containerRuntimeVersion": "kubelab-simulated://",
        "kubeletVersion": f"v{KUBERNETES_VERSION}.0",
        "kubeProxyVersion": "",
        "operatingSystem": labels.get("kubernetes.io/os", "linux"),
        "architecture": labels.get("kubernetes.io/arch", "amd64"),
    }
