"""A tour with real kubectl on a whole lab cluster: pods that run, logs, waiting, describing, deleting."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubelab.node_template import NodeTemplate, simulated_node
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import shell_pod, train_job

pytestmark = pytest.mark.slow


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace of the lab cluster."""
    return in_cluster


def test_a_job_runs_and_is_shown(kubectl: Kubectl) -> None:
    kubectl("create", "job", "hello", "--image=busybox", "--", "echo", "hi")
    kubectl("wait", "job/hello", "--for=condition=Complete", "--timeout=30s")
    (row,) = kubectl.table("get", "jobs")
    assert (row["STATUS"], row["COMPLETIONS"]) == ("Complete", "1/1")
    (row,) = kubectl.table("get", "pods", "-o", "wide")
    assert (row["READY"], row["STATUS"]) == ("0/1", "Completed")
    assert row["IP"].startswith("127.")
    assert kubectl("logs", "job/hello") == "hi\n"
    shown = kubectl("describe", "job", "hello")
    assert re.search(r"Pods Statuses: +0 Active \(0 Ready\) / 1 Succeeded / 0 Failed", shown)
    assert "SuccessfulCreate" in shown
    assert "Job completed" in kubectl("events")


def test_logs_follow_a_running_pod(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=shell_pod("ticks", "for i in 1 2 3; do echo tick $i; sleep 0.2; done"))
    kubectl("wait", "pod/ticks", "--for=condition=PodReadyToStartContainers", "--timeout=30s")
    followed = kubectl.start("logs", "--follow", "--pod-running-timeout=30s", "ticks")
    assert followed.communicate(timeout=30)[0].splitlines() == ["tick 1", "tick 2", "tick 3"]
    assert kubectl("logs", "ticks", "--tail=1") == "tick 3\n"
    stamped = kubectl("logs", "ticks", "--timestamps", "--tail=1")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\S+Z tick 3\n", stamped)
    assert kubectl("logs", "-l", "app=ticks", "--prefix", "--tail=1") == "[pod/ticks/main] tick 3\n"
    assert "previous terminated container" in kubectl.fails("logs", "ticks", "--previous")
    assert "not valid for pod" in kubectl.fails("logs", "ticks", "-c", "other")


def test_a_pod_on_a_simulated_node_is_nowhere_to_be_asked(kubectl: Kubectl, engine: str) -> None:
    node = f"fake-{kubectl.namespace}"
    kubectl("create", "-f", "-", stdin=simulated_node(node, NodeTemplate()))
    pod = shell_pod("somewhere", "true", nodeName=node)
    try:
        kubectl("create", "-f", "-", stdin=pod)
        kubectl("wait", "pod/somewhere", "--for=condition=Ready", "--timeout=60s")
        why = "is simulated" if engine == "embedded" else "no preferred addresses found"
        assert why in kubectl.fails("logs", "somewhere")
        assert why in kubectl.fails("exec", "somewhere", "--", "true")
    finally:
        kubectl("delete", "node", node)


def test_a_failing_pod_shows_its_exit(kubectl: Kubectl) -> None:
    kubectl("run", "once", "--image=busybox", "--restart=Never", "--", "sh", "-c", "echo bye; exit 3")
    kubectl("wait", "pod/once", "--for=jsonpath={.status.phase}=Failed", "--timeout=30s")
    (row,) = kubectl.table("get", "pods")
    assert row["STATUS"] == "Error"
    shown = kubectl("describe", "pod", "once")
    assert re.search(r"Exit Code: +3", shown)
    assert "Successfully assigned" in shown


def test_a_pod_says_why_it_waits(kubectl: Kubectl) -> None:
    kubectl("run", "unknown-image", "--image=nonesuch.example/none")
    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=ErrImagePull"
    kubectl("wait", "pod/unknown-image", f"--for={reason}", "--timeout=30s")
    greedy = shell_pod("greedy", "true")
    greedy["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "10000"}}
    kubectl("create", "-f", "-", stdin=greedy)
    kubectl("wait", "pod/greedy", "--for=condition=PodScheduled=False", "--timeout=30s")
    assert "Insufficient cpu" in kubectl("describe", "pod", "greedy")


def test_init_containers_and_readiness_show(kubectl: Kubectl, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    first = {
        "name": "first",
        "image": "busybox",
        "command": ["sh", "-c", "until [ -e /gate/open ]; do sleep 0.1; done"],
        "volumeMounts": [{"name": "gate", "mountPath": "/gate"}],
    }
    volumes = [{"name": "gate", "hostPath": {"path": str(gate)}}]
    pod = shell_pod("stages", "sleep 30", initContainers=[first], volumes=volumes)
    kubectl("create", "-f", "-", stdin=pod)
    watch = kubectl.start("get", "pod", "stages", "--watch", "--no-headers", "--request-timeout=60s")
    assert watch.stdout is not None
    seen: list[str] = []
    for line in watch.stdout:
        _, ready, status, *_ = line.split()
        seen.append(f"{status} {ready}")
        if status == "Init:0/1":
            (gate / "open").touch()
        if status == "Running" and ready == "1/1":
            break
    watch.terminate()
    watch.communicate(timeout=10)
    assert "Init:0/1 0/1" in seen
    assert seen[-1] == "Running 1/1"
    assert "deleted" in kubectl("delete", "pod", "stages", "--grace-period=1")
    assert "not found" in kubectl.fails("get", "pod", "stages")


def test_nodes_are_shown(kubectl: Kubectl) -> None:
    (row,) = kubectl.table("get", "nodes", "-o", "wide")
    assert (row["STATUS"], row["INTERNAL-IP"]) == ("Ready", "127.0.0.1")
    shown = kubectl("describe", "node", row["NAME"])
    assert "Allocatable:" in shown
    assert re.search(r"Ready +True", shown)


def test_a_train_job_from_apply_to_delete(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=train_job(command=["python", "-c", "print('trained')"]))
    kubectl("wait", "trainjob/digits", "--for=condition=Complete", "--timeout=60s")
    (row,) = kubectl.table("get", "trainjobs")
    assert row["STATE"] == "Complete"
    pods = kubectl("get", "pods", "-l", "jobset.sigs.k8s.io/jobset-name=digits", "-o", "name").split()
    assert len(pods) == 2
    assert kubectl("logs", pods[0]) == "trained\n"
    assert "Trainer:" in kubectl("describe", "trainjob", "digits")
    kubectl("delete", "trainjob", "digits", "--cascade=foreground", "--timeout=30s")
    assert kubectl("get", "jobsets,jobs,pods", "-o", "name") == ""


def test_a_namespace_goes_with_what_is_in_it(kubectl: Kubectl) -> None:
    kubectl("run", "sleeper", "--image=busybox", "--", "sleep", "60")
    kubectl("delete", "namespace", kubectl.namespace, "--timeout=60s")
    assert "not found" in kubectl.fails("get", "namespace", kubectl.namespace)
