"""Workloads as kubectl drives them on a whole lab: rollouts, scaling, history, undoing, cascades."""

from __future__ import annotations

import re

import pytest

from kubelab.client import Object
from tests.conformance.kubectl import Kubectl

pytestmark = pytest.mark.slow
WAIT = "--timeout=50s"


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace of the lab cluster."""
    return in_cluster


def sleeper(kind: str, name: str = "web", **spec: object) -> Object:
    """Return a workload whose pods sleep, and end at once when told to."""
    script = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
    container = {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}
    pod = {"terminationGracePeriodSeconds": 2, "containers": [container]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
            **spec,
        },
    }


def test_a_deployment_is_rolled_out_and_back(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=sleeper("Deployment", replicas=2))
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", WAIT)
    (row,) = kubectl.table("get", "deployments")
    assert (row["READY"], row["UP-TO-DATE"], row["AVAILABLE"]) == ("2/2", "2", "2")
    kubectl("annotate", "deployment/web", "kubernetes.io/change-cause=first")
    kubectl("set", "env", "deployment/web", "VERSION=2")
    kubectl("rollout", "status", "deployment/web", WAIT)
    kubectl("annotate", "--overwrite", "deployment/web", "kubernetes.io/change-cause=second")
    history = kubectl("rollout", "history", "deployment/web")
    assert re.search(r"1 +first\n2 +", history)
    assert "VERSION" in kubectl("rollout", "history", "deployment/web", "--revision=2")
    assert "rolled back" in kubectl("rollout", "undo", "deployment/web")
    kubectl("rollout", "status", "deployment/web", WAIT)
    deployment = kubectl.json("get", "deployment", "web")
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    assert "env" not in deployment["spec"]["template"]["spec"]["containers"][0]
    shown = kubectl("describe", "deployment", "web")
    assert re.search(r"Available +True +MinimumReplicasAvailable", shown)
    assert re.search(r"Progressing +True +NewReplicaSetAvailable", shown)
    assert re.search(r"Scaled up replica set web-\w+ from 0 to 2", shown)
    assert [row["DESIRED"] for row in kubectl.table("get", "rs")].count("2") == 1


def test_a_deployment_is_paused_resumed_restarted_and_scaled(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=sleeper("Deployment", replicas=1))
    kubectl("rollout", "status", "deployment/web", WAIT)
    kubectl("rollout", "pause", "deployment/web")
    kubectl("set", "env", "deployment/web", "VERSION=2")
    paused = 'jsonpath={.status.conditions[?(@.type=="Progressing")].reason}=DeploymentPaused'
    kubectl("wait", "deployment/web", f"--for={paused}", WAIT)
    assert len(kubectl.table("get", "rs")) == 1
    kubectl("scale", "deployment/web", "--replicas=3")
    kubectl("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", WAIT)
    kubectl("rollout", "resume", "deployment/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", WAIT)
    assert len(kubectl.table("get", "rs")) == 2
    kubectl("rollout", "restart", "deployment/web")
    kubectl("rollout", "status", "deployment/web", WAIT)
    assert len(kubectl.table("get", "rs")) == 3


def test_create_expose_and_delete_a_deployment(kubectl: Kubectl) -> None:
    kubectl("create", "deployment", "web", "--image=busybox", "--replicas=2", "--", "sleep", "60")
    kubectl(
        "patch",
        "deployment",
        "web",
        "-p",
        '{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":1}}}}',
    )
    kubectl("rollout", "status", "deployment/web", WAIT)
    kubectl("expose", "deployment", "web", "--port=80")
    (row,) = kubectl.table("get", "services")
    assert row["CLUSTER-IP"].startswith("10.96.")
    shown = kubectl("get", "all", "-o", "name").split()
    assert {"deployment.apps/web", "service/web"} <= set(shown)
    kubectl("delete", "deployment", "web", "--cascade=foreground", WAIT)
    assert kubectl("get", "rs,pods", "-o", "name") == ""


def test_an_image_that_cannot_be_had_stops_a_rollout_until_it_is_undone(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=sleeper("Deployment", replicas=3, progressDeadlineSeconds=2))
    kubectl("rollout", "status", "deployment/web", WAIT)
    kubectl("set", "image", "deployment/web", "main=nonesuch.example/none")
    failed = kubectl.fails("rollout", "status", "deployment/web", WAIT)
    assert 'deployment "web" exceeded its progress deadline' in failed
    (row,) = kubectl.table("get", "deployments")
    assert (row["READY"], row["UP-TO-DATE"]) == ("3/3", "1")
    stuck_names = '{.items[?(@.spec.containers[0].image=="nonesuch.example/none")].metadata.name}'
    stuck = kubectl("get", "pods", "-o", f"jsonpath={stuck_names}")
    kubectl("rollout", "undo", "deployment/web", "--to-revision=1")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", WAIT)
    kubectl("wait", "--for=delete", f"pod/{stuck}", WAIT)  # a rollout does not wait for what it ends
    assert (
        kubectl("get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}").split()
        == ["busybox"] * 3
    )


def test_a_namespace_goes_with_its_workloads(kubectl: Kubectl) -> None:
    for kind in ("Deployment", "DaemonSet", "StatefulSet"):
        kubectl("create", "-f", "-", stdin=sleeper(kind, kind.lower()))
    for kind in ("deployment", "daemonset", "statefulset"):
        kubectl("rollout", "status", f"{kind}/{kind}", WAIT)
    kubectl("delete", "namespace", kubectl.namespace, WAIT)
    assert "not found" in kubectl.fails("get", "namespace", kubectl.namespace)


def test_orphaned_pods_are_adopted_again(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=sleeper("ReplicaSet", replicas=2))
    kubectl("wait", "rs/web", "--for=jsonpath={.status.readyReplicas}=2", WAIT)
    pods = set(kubectl("get", "pods", "-o", "name").split())
    kubectl("delete", "rs", "web", "--cascade=orphan")
    kubectl("create", "-f", "-", stdin=sleeper("ReplicaSet", replicas=2))
    kubectl("wait", "rs/web", "--for=jsonpath={.status.readyReplicas}=2", WAIT)
    assert set(kubectl("get", "pods", "-o", "name").split()) == pods


def test_a_daemon_set_is_rolled_out_and_back(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=sleeper("DaemonSet", "agent"))
    kubectl("rollout", "status", "daemonset/agent", WAIT)
    (row,) = kubectl.table("get", "daemonsets")
    assert (row["DESIRED"], row["READY"], row["AVAILABLE"]) == ("1", "1", "1")
    kubectl("set", "env", "daemonset/agent", "VERSION=2")
    assert "successfully rolled out" in kubectl("rollout", "status", "daemonset/agent", WAIT)
    assert re.search(r"1 +<none>\n2 +<none>", kubectl("rollout", "history", "daemonset/agent"))
    assert "VERSION" in kubectl("rollout", "history", "daemonset/agent", "--revision=2")
    kubectl("rollout", "undo", "daemonset/agent")
    kubectl("rollout", "status", "daemonset/agent", WAIT)
    container = kubectl.json("get", "daemonset", "agent")["spec"]["template"]["spec"]["containers"][0]
    assert "env" not in container
    assert [row["REVISION"] for row in kubectl.table("get", "controllerrevisions")].count("3") == 1
    assert re.search(r"Pods Status: +1 Running", kubectl("describe", "daemonset", "agent"))
    kubectl("delete", "daemonset", "agent", "--cascade=foreground", WAIT)
    assert kubectl("get", "pods,controllerrevisions", "-o", "name") == ""


def test_a_stateful_set_keeps_names_and_data(kubectl: Kubectl) -> None:
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    body = sleeper("StatefulSet", "db", replicas=2, serviceName="db", volumeClaimTemplates=[claim])
    container = body["spec"]["template"]["spec"]["containers"][0]
    container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    container["command"][2] = "echo $HOSTNAME >> /data/starts; cat /data/starts; " + container["command"][2]
    kubectl("create", "service", "clusterip", "db", "--clusterip=None")
    kubectl("create", "-f", "-", stdin=body)
    kubectl("rollout", "status", "statefulset/db", WAIT)
    assert kubectl("get", "pods", "-o", "name").split() == ["pod/db-0", "pod/db-1"]
    assert [row["STATUS"] for row in kubectl.table("get", "pvc")] == ["Bound", "Bound"]
    kubectl("rollout", "restart", "statefulset/db")
    kubectl("rollout", "status", "statefulset/db", WAIT)
    assert kubectl("logs", "db-1") == "db-1\ndb-1\n"
    kubectl("scale", "statefulset/db", "--replicas=1")
    kubectl("wait", "pod/db-1", "--for=delete", WAIT)
    kubectl("rollout", "undo", "statefulset/db")
    kubectl("rollout", "status", "statefulset/db", WAIT)
    shown = kubectl("describe", "statefulset", "db")
    assert "Create Pod db-0 in StatefulSet db successful" in shown
    kubectl("delete", "statefulset", "db", "--cascade=foreground", WAIT)
    assert len(kubectl.table("get", "pvc")) == 2


def test_a_service_names_its_pods(kubectl: Kubectl, engine: str) -> None:
    kubectl("create", "service", "clusterip", "db", "--clusterip=None")
    kubectl("create", "-f", "-", stdin=sleeper("StatefulSet", "db", replicas=2, serviceName="db"))
    kubectl("rollout", "status", "statefulset/db", WAIT)
    slices = ("endpointslice", "-l", "kubernetes.io/service-name=db")
    if engine == "binaries":  # upstream's may not hold the loopback addresses of processes
        assert kubectl.json("get", *slices)["items"] == []
        return
    kubectl("wait", *slices, "--for=jsonpath={.endpoints[1].conditions.ready}=true", WAIT)
    (slice_,) = kubectl.json("get", *slices)["items"]
    assert sorted(each["hostname"] for each in slice_["endpoints"]) == ["db-0", "db-1"]


def test_a_cron_job_runs_by_its_schedule_and_by_hand(kubectl: Kubectl) -> None:
    kubectl("create", "cronjob", "tick", "--image=busybox", "--schedule=@every 2s", "--", "echo", "hi")
    kubectl("wait", "cronjob/tick", "--for=jsonpath={.status.lastSuccessfulTime}", WAIT)
    kubectl("patch", "cronjob", "tick", "-p", '{"spec":{"suspend":true}}')
    kubectl("create", "job", "by-hand", "--from=cronjob/tick")
    kubectl("wait", "job/by-hand", "--for=condition=Complete", WAIT)
    assert kubectl("logs", "job/by-hand") == "hi\n"
    (row,) = kubectl.table("get", "cronjobs")
    assert (row["SCHEDULE"], row["SUSPEND"]) == ("@every 2s", "True")
    assert re.search(r"Created job tick-\d+", kubectl("describe", "cronjob", "tick"))
    scheduled = kubectl.json("get", "jobs")["items"]
    stamps = [each["metadata"]["annotations"].keys() for each in scheduled]
    assert any("batch.kubernetes.io/cronjob-scheduled-timestamp" in keys for keys in stamps)
    kubectl("delete", "cronjob", "tick", "--cascade=foreground", WAIT)
    assert kubectl("get", "jobs", "-o", "name") == ""
