"""Pods that kubectl resizes in place, on a whole cluster of every engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubelab.client import Object
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import shell_pod

_WAITS = "trap 'exit 0' TERM; while true; do sleep 0.05; done"

pytestmark = pytest.mark.slow


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace of the whole cluster."""
    return in_cluster


def run(kubectl: Kubectl, name: str, resources: Object, **fields: Any) -> None:
    """Start a pod that waits, with these resources."""
    made = shell_pod(name, _WAITS)
    made["spec"] |= {"restartPolicy": "Always", "terminationGracePeriodSeconds": 5}
    made["spec"]["containers"][0] |= {"resources": resources, **fields}
    kubectl("create", "-f", "-", stdin=made)
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=60s")


def resize(kubectl: Kubectl, name: str, resources: Object) -> None:
    """Resize its container with ``kubectl patch``."""
    kubectl("patch", "pod", name, "--subresource=resize", "-p", changed(kubectl, name, resources))


def changed(kubectl: Kubectl, name: str, resources: Object) -> str:
    """Return the patch."""
    container = kubectl.json("get", "pod", name)["spec"]["containers"][0]["name"]
    return json.dumps({"spec": {"containers": [{"name": container, "resources": resources}]}})


def wait_for(kubectl: Kubectl, name: str, path: str, value: str) -> None:
    """Wait until a field of the pod's status says so."""
    kubectl("wait", f"pod/{name}", f"--for=jsonpath={{.status.{path}}}={value}", "--timeout=60s")


def test_a_running_container_gets_what_a_resize_asks_for(kubectl: Kubectl) -> None:
    run(kubectl, "web", {"requests": {"cpu": "20m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}})
    before = kubectl.json("get", "pod", "web")["status"]["containerStatuses"][0]
    wanted = {"requests": {"cpu": "30m", "memory": "16Mi"}, "limits": {"memory": "96Mi"}}
    resize(kubectl, "web", wanted)
    wait_for(kubectl, "web", "containerStatuses[0].resources.limits.memory", "96Mi")
    wait_for(kubectl, "web", "containerStatuses[0].allocatedResources.cpu", "30m")
    pod = kubectl.json("get", "pod", "web")
    after = pod["status"]["containerStatuses"][0]
    assert after["resources"] == wanted
    assert (after["containerID"], after["restartCount"]) == (before["containerID"], 0)
    assert pod["metadata"]["generation"] == 2
    kubectl("wait", "pod/web", "--for=jsonpath={.status.observedGeneration}=2", "--timeout=60s")
    events = f"involvedObject.uid={pod['metadata']['uid']},reason=ResizeCompleted"
    kubectl("wait", "event", f"--field-selector={events}", "--for=create", "--timeout=60s")
    assert kubectl.json("get", "pod", "web", "--subresource=resize")["spec"] == pod["spec"]


def test_a_container_restarts_once_for_a_resize_that_asks_for_it(kubectl: Kubectl) -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    run(kubectl, "web", {"requests": {"memory": "16Mi"}}, resizePolicy=policy)
    resize(kubectl, "web", {"requests": {"memory": "32Mi"}})
    wait_for(kubectl, "web", "containerStatuses[0].restartCount", "1")
    wait_for(kubectl, "web", "containerStatuses[0].resources.requests.memory", "32Mi")


def test_a_resize_waits_for_room_and_gets_it(kubectl: Kubectl) -> None:
    node = kubectl.json("get", "nodes")["items"][0]
    cpus = int(node["status"]["allocatable"]["cpu"].removesuffix("m"))
    cpu = cpus if node["status"]["allocatable"]["cpu"].endswith("m") else cpus * 1000
    half = f"{cpu // 2 + 1}m"  # not whole cores, which are written without the m
    run(kubectl, "big", {"requests": {"cpu": f"{cpu * 6 // 10}m"}})
    run(kubectl, "small", {"requests": {"cpu": "10m"}})
    resize(kubectl, "small", {"requests": {"cpu": half}})
    wait_for(kubectl, "small", 'conditions[?(@.type=="PodResizePending")].reason', "Deferred")
    kubectl("delete", "pod", "big", "--timeout=60s")
    wait_for(kubectl, "small", "containerStatuses[0].resources.requests.cpu", half)


def test_a_resize_beyond_the_node_is_refused(kubectl: Kubectl) -> None:
    run(kubectl, "web", {"requests": {"cpu": "10m"}})
    patch = changed(kubectl, "web", {"requests": {"cpu": "1000"}})
    said = kubectl.fails("patch", "pod", "web", "--subresource=resize", "-p", patch)
    words = "node didn't have enough allocatable resources: cpu, requested: 1000000, allocatable: "
    assert said.startswith(f'Error from server (Forbidden): pods "web" is forbidden: {words}')
