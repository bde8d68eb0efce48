"""Where a DaemonSet's pods belong: which nodes may have one, and the pod for a node.

Upstream: ``pkg/controller/daemon`` and its ``util`` of Kubernetes 1.37.
"""

from __future__ import annotations

import copy

from kubelab.client import DAEMON_SETS, Object
from kubelab.engine.controllers.pods import created_at, node_of, pod_from_template
from kubelab.engine.controllers.revisions import HASH_LABEL
from kubelab.scheduling.selectors import Taint, Toleration, node_terms, untolerated

_NOT_EXECUTED = ("not-ready", "unreachable")
_NOT_SCHEDULED = ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")


def eligibility(daemon_set: Object, node: Object) -> tuple[bool, bool]:
    """Return whether a node should get a pod, and whether a pod that it has may stay."""
    spec, name = daemon_set["spec"]["template"]["spec"], node["metadata"]["name"]
    if spec.get("nodeName") not in (None, "", name) or not _is_wanted(spec, node):
        return False, False
    taints = [
        Taint(each["key"], each.get("value") or "", each["effect"])
        for each in (node.get("spec") or {}).get("taints") or ()
    ]
    tolerations = tuple(Toleration.of(each) for each in daemon_tolerations(spec))
    if untolerated(taints, tolerations) is None:
        return True, True
    return False, untolerated(taints, tolerations, frozenset({"NoExecute"})) is None


def _is_wanted(spec: Object, node: Object) -> bool:
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    terms = node_terms(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"))
    return terms is None or any(term.matches(node["metadata"]["name"], labels) for term in terms)


def daemon_tolerations(spec: Object) -> list[Object]:
    """Return the tolerations of a daemon's pod: it also runs where a node has troubles."""
    wanted = [*(_toleration(key, "NoExecute") for key in _NOT_EXECUTED)]
    wanted += [_toleration(key, "NoSchedule") for key in _NOT_SCHEDULED]
    if spec.get("hostNetwork"):
        wanted.append(_toleration("network-unavailable", "NoSchedule"))
    given: list[Object] = copy.deepcopy(spec.get("tolerations") or [])
    same = {(each["key"], each["effect"]) for each in wanted}
    kept = [each for each in given if (each.get("key"), each.get("effect")) not in same or each.get("value")]
    return [*kept, *wanted]


def build_pod(daemon_set: Object, node_name: str, digest: str) -> Object:
    """Return the pod for a node, which the scheduler can bind to that node only."""
    pod = pod_from_template(daemon_set, DAEMON_SETS, daemon_set["spec"]["template"])
    pod["metadata"]["labels"] = {
        **(pod["metadata"].get("labels") or {}),
        HASH_LABEL: digest,
        "pod-template-generation": str(daemon_set["metadata"].get("generation") or 1),
    }
    pod["spec"]["tolerations"] = daemon_tolerations(pod["spec"])
    pod["spec"]["affinity"] = pinned(pod["spec"].get("affinity"), node_name)
    return pod


def pinned(affinity: Object | None, node_name: str) -> Object:
    """Return the affinity with its required node terms replaced by one that names a node."""
    field = {"key": "metadata.name", "operator": "In", "values": [node_name]}
    node_affinity = {
        **((affinity or {}).get("nodeAffinity") or {}),
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchFields": [field]}]},
    }
    return {**(affinity or {}), "nodeAffinity": node_affinity}


def is_updated(pod: Object, digest: str) -> bool:
    """Say whether a pod is of the present template."""
    return (pod["metadata"].get("labels") or {}).get(HASH_LABEL) == digest


def by_age(pod: Object) -> tuple[bool, str, str]:
    """Sort bound pods first, then older ones."""
    return not node_of(pod), created_at(pod).isoformat(), pod["metadata"]["name"]


def _toleration(condition: str, effect: str) -> Object:
    return {"key": f"node.kubernetes.io/{condition}", "operator": "Exists", "effect": effect}
