"""Admission of resizes: a pod on a node may ask for what that node has, and for what it can change.

Upstream: ``plugin/pkg/admission/podresize`` and ``plugin/pkg/admission/nodedeclaredfeatures`` (v1.37).
"""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import NODES, Object
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.status import forbidden
from kubelab.engine.apiserver.store import Store
from kubelab.scheduling.requests import amounts, pod_requests

_OS = "kubernetes.io/os"


class PodResizes:
    """Looks at the node of a pod that is resized."""

    def __init__(self, store: Store) -> None:
        self._nodes = store.collection(NODES)

    def check(self, kind: Kind, new: Object, old: Object) -> None:
        """Check a valid resize.

        Raises
        ------
        ApiError
            403 if the pod's node is gone, or has less than what is asked for, or cannot change it.
        """
        pod, name = new["metadata"]["name"], new["spec"].get("nodeName")
        if not name or new["spec"] == old["spec"]:
            return
        stored = self._nodes.latest(("", name))
        if stored is None:
            raise forbidden(kind.resource, pod, f'node "{name}" not found')
        node = stored.object()
        missing = sorted(_needed(new, old) - set((node.get("status") or {}).get("declaredFeatures") or ()))
        if missing:
            needs = f"pod update requires features {', '.join(missing)}"
            raise forbidden(kind.resource, pod, f'{needs} which are not available on node "{name}"')
        system = (node["metadata"].get("labels") or {}).get(_OS, "linux")
        if system != "linux":
            problem = f'pod resize is only supported on linux nodes, node "{name}" is "{system}"'
            raise forbidden(kind.resource, pod, problem, [_cause("UnsupportedPlatform")])
        beyond = "; ".join(_beyond(new, node))
        if beyond:
            problem = f"node didn't have enough allocatable resources: {beyond}"
            raise forbidden(kind.resource, pod, problem, [_cause("NodeCapacity")])


def _needed(new: Object, old: Object) -> set[str]:
    """Return the features that a node must declare to carry out a resize."""
    after, before = new["spec"], old["spec"]
    needed = set()
    if after.get("resources") != before.get("resources"):
        needed.add("InPlacePodLevelResourcesVerticalScaling")
    for container, was in zip(
        after.get("initContainers") or (), before.get("initContainers") or (), strict=True
    ):
        changed = container.get("resources") != was.get("resources")
        if changed and container.get("restartPolicy") != "Always":
            needed.add("InPlacePodVerticalScalingInitContainers")
    return needed


def _beyond(pod: Object, node: Object) -> Iterator[str]:
    requests = pod_requests(pod["spec"])
    allocatable = amounts((node.get("status") or {}).get("allocatable"))
    for name in ("cpu", "memory"):
        asked, there = requests.get(name, 0), allocatable.get(name, 0)
        if asked > there:
            yield f"{name}, requested: {asked}, allocatable: {there}"


def _cause(reason: str) -> Object:
    return {"reason": reason}
