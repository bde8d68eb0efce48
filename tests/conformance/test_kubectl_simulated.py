"""Simulated nodes as kubectl sees them: two hundred of them, on a lab of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kubelab import Cluster
from kubelab.client import Object
from kubelab.node_template import FAKE_NODE
from kubelab.simulated_pod import PREFIX
from tests.conformance.engines import made_for
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import deployment

_NODES = 200
_PATIENCE_S = 120.0
_WAIT = "--timeout=55s"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kubectl(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """Real kubectl on a lab with two hundred nodes."""
    with made_for(engine, tmp_path_factory.mktemp("home")) as lab:
        lab.up("simulated", "--no-warm", "--engine", engine)
        kubeconfig = lab.home / "simulated" / "kubeconfig"
        with Cluster.from_context("simulated", kubeconfig=kubeconfig) as cluster:
            names = cluster.add_nodes(_NODES - 1, {"cpu": 8, "memory": "32Gi"})
            more = cluster.add_nodes(1, {"cpu": 8, "memory": "32Gi", "labels": {"kind": "apart"}})
        assert (len(names), more) == (_NODES - 1, [f"kwok-node-{_NODES - 1}"])
        yield Kubectl(kubeconfig, Path(tmp_path_factory.mktemp("kubectl-home")))


def pod_spec(restart: str, **selector: str) -> Object:
    container = {"name": "main", "image": "x", "resources": {"requests": {"cpu": "1"}}}
    return {
        "restartPolicy": restart,
        "nodeSelector": selector or {"type": "kwok"},
        "tolerations": [{"key": FAKE_NODE, "operator": "Exists"}],
        "containers": [container],
    }


def job(name: str, count: int, declared: dict[str, str] | None = None, **spec: object) -> Object:
    annotations = {PREFIX + key: value for key, value in (declared or {}).items()}
    template = {"metadata": {"annotations": annotations}, "spec": pod_spec("Never")}
    counts = {"completions": count, "parallelism": count}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {**counts, "template": template, **spec},
    }


def running_pod(name: str, declared: dict[str, str], **selector: str) -> Object:
    annotations = {PREFIX + key: value for key, value in declared.items()}
    meta = {"name": name, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod_spec("Always", **selector)}


def until(holds: Callable[[], bool]) -> None:
    """Wait until a question to the cluster is answered with yes."""
    deadline = time.monotonic() + _PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "the cluster did not get there"
        time.sleep(0.3)


def test_all_nodes_are_ready(kubectl: Kubectl) -> None:
    def states() -> list[str]:
        return [row["STATUS"] for row in kubectl.table("get", "nodes", "--selector=type=kwok")]

    until(lambda: states() == ["Ready"] * _NODES)
    assert len(kubectl.table("get", "leases", "--namespace=kube-node-lease")) == _NODES + 1


def test_a_job_of_five_hundred_completes_on_them(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=job("many", 500))
    kubectl("wait", "job/many", "--for=condition=Complete", _WAIT)
    (row,) = kubectl.table("get", "job", "many")
    assert row["COMPLETIONS"] == "500/500"
    pods: list[dict[str, Any]] = kubectl.json("get", "pods", "--selector=job-name=many")["items"]
    assert {pod["status"]["phase"] for pod in pods} == {"Succeeded"}
    assert all(pod["spec"]["nodeName"].startswith("kwok-node-") for pod in pods)
    kubectl("delete", "job", "many")


def test_a_job_that_is_to_fail_fails_as_declared(kubectl: Kubectl) -> None:
    declared = {"exit-code": "137", "reason": "OOMKilled", "run-duration": "0.5"}
    kubectl("create", "-f", "-", stdin=job("broken", 1, declared, backoffLimit=0))
    kubectl("wait", "job/broken", "--for=condition=Failed", _WAIT)
    (row,) = kubectl.table("get", "pods", "--selector=job-name=broken")
    assert row["STATUS"] == "OOMKilled"


def test_a_declaration_without_meaning_is_shown_on_the_pod(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=running_pod("wrong", {"run-duration": "soon"}))
    kubectl("wait", "pod/wrong", "--for=jsonpath={.status.phase}=Failed", _WAIT)
    assert f"the annotation {PREFIX}run-duration is 'soon'" in kubectl("describe", "pod", "wrong")


def test_top_shows_the_declared_use(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=running_pod("busy", {"cpu": "250m", "memory": "128Mi"}))
    kubectl("wait", "pod/busy", "--for=condition=Ready", _WAIT)
    (row,) = kubectl.table("top", "pods")
    assert (row["NAME"], row["CPU(cores)"], row["MEMORY(bytes)"]) == ("busy", "250m", "128Mi")
    node = kubectl("get", "pod", "busy", "--output=jsonpath={.spec.nodeName}")
    (row,) = kubectl.table("top", "node", node)
    assert (row["CPU(cores)"], row["MEMORY(bytes)"]) == ("250m", "128Mi")
    kubectl("delete", "pod", "busy", _WAIT)


def test_an_autoscaler_follows_the_declared_use(kubectl: Kubectl) -> None:
    web = deployment(replicas=1)
    busy = running_pod("web", {"cpu": "1"})  # of one core requested: twice the target
    web["spec"]["template"]["metadata"]["annotations"] = busy["metadata"]["annotations"]
    web["spec"]["template"]["spec"] = busy["spec"]
    kubectl("create", "-f", "-", stdin=web)
    kubectl("autoscale", "deployment", "web", "--min=1", "--max=2", "--cpu=50%")
    kubectl("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=2", _WAIT)
    kubectl("delete", "deployment,hpa", "web")


def test_a_deleted_node_takes_its_pods_and_its_lease_with_it(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=running_pod("lost", {}, kind="apart"))
    kubectl("wait", "pod/lost", "--for=condition=Ready", _WAIT)
    node = f"kwok-node-{_NODES - 1}"
    kubectl("delete", "node", node)
    # upstream and kubelab wait 40 s for a node that may come back
    until(lambda: "not found" in kubectl.run("get", "pod", "lost").stderr)
    kubectl("wait", f"lease/{node}", "--namespace=kube-node-lease", "--for=delete", _WAIT)
