"""A tour with real kubectl on a whole lab cluster: quotas, limits, budgets, metrics, autoscaling, access."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from kubelab.client import Object
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import deployment, pod, shell_pod
from tests.conftest import Lab

_PATIENCE_S = 60.0

pytestmark = pytest.mark.slow


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace of the lab cluster."""
    return in_cluster


def until(holds: Callable[[], Any]) -> Any:
    """Wait until a question to the cluster has an answer, and return it."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < deadline, "the cluster did not get there"
        time.sleep(0.2)
    return found


def sleeping(name: str, **labels: str) -> Object:
    made = shell_pod(name, "while true; do sleep 1; done")
    made["metadata"]["labels"] = labels or {"app": name}
    return made


def test_a_quota_refuses_what_it_has_no_room_for(kubectl: Kubectl) -> None:
    kubectl("create", "quota", "small", "--hard=pods=1,requests.cpu=500m")
    first = pod("first")
    first["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "200m"}}
    kubectl("create", "-f", "-", stdin=first)
    second = pod("second")
    second["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "400m"}}
    assert kubectl.fails("create", "-f", "-", stdin=second).endswith(
        'pods "second" is forbidden: exceeded quota: small, requested: pods=1,requests.cpu=400m, '
        "used: pods=1,requests.cpu=200m, limited: pods=1,requests.cpu=500m"
    )
    until(lambda: kubectl.json("get", "quota", "small")["status"].get("used", {}).get("pods") == "1")
    assert re.search(r"requests.cpu +200m +500m", kubectl("describe", "quota", "small"))


def test_limits_are_seen_in_the_pod(kubectl: Kubectl) -> None:
    item = {"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"memory": "128Mi"}}
    limits = {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "bounds"}}
    kubectl("create", "-f", "-", stdin={**limits, "spec": {"limits": [{**item, "max": {"memory": "1Gi"}}]}})
    kubectl("run", "plain", "--image=busybox", "--restart=Never", "--", "true")
    (container,) = kubectl.json("get", "pod", "plain")["spec"]["containers"]
    assert container["resources"] == {"limits": {"memory": "256Mi"}, "requests": {"memory": "128Mi"}}
    large = pod("large")
    large["spec"]["containers"][0]["resources"] = {"limits": {"memory": "2Gi"}}
    assert "maximum memory usage per Container is 1Gi, but limit is 2Gi" in (
        kubectl.fails("create", "-f", "-", stdin=large)
    )


def test_a_budget_blocks_an_eviction_until_it_has_room(kubectl: Kubectl, engine_lab: Lab) -> None:
    node = kubectl.json("get", "nodes")["items"][0]["metadata"]["name"]
    for name in ("a", "b"):
        kubectl("create", "-f", "-", stdin=sleeping(name, app="guarded"))
    kubectl("create", "pdb", "guard", "--selector=app=guarded", "--min-available=2")
    kubectl("wait", "pod/a", "pod/b", "--for=condition=Ready", "--timeout=60s")
    until(lambda: kubectl.json("get", "pdb", "guard").get("status", {}).get("currentHealthy") == 2)
    drain = ("drain", node, "--force", "--ignore-daemonsets", "--delete-emptydir-data")
    only = "--pod-selector=app=guarded"
    try:
        assert "violate the pod's disruption budget" in kubectl.fails(*drain, only, "--timeout=3s")
        (row,) = kubectl.table("get", "nodes")
        assert row["STATUS"] == "Ready,SchedulingDisabled"
        kubectl("patch", "pdb", "guard", "--type=merge", "--patch", '{"spec": {"minAvailable": 0}}')
        assert "evicted" in kubectl(*drain, only, "--timeout=60s")
        assert not kubectl.json("get", "pods", "--selector=app=guarded")["items"]
    finally:
        kubectl("uncordon", node)
    assert kubectl.table("get", "nodes")[0]["STATUS"] == "Ready"


def test_a_taint_keeps_pods_away(kubectl: Kubectl) -> None:
    node = kubectl.json("get", "nodes")["items"][0]["metadata"]["name"]
    kubectl("taint", "node", node, "lab=private:NoSchedule")
    try:
        kubectl("create", "-f", "-", stdin=sleeping("kept-away"))
        until(lambda: "untolerated taint" in kubectl("get", "events"))
    finally:
        kubectl("taint", "node", node, "lab-")
    kubectl("wait", "pod/kept-away", "--for=condition=Ready", "--timeout=60s")


def test_top_shows_what_nodes_and_containers_use(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=shell_pod("busy", "while true; do :; done"))
    kubectl("wait", "pod/busy", "--for=condition=Ready", "--timeout=60s")
    until(lambda: kubectl.run("top", "pod", "busy").returncode == 0)
    (row,) = until(lambda: [r for r in kubectl.table("top", "pods") if r["CPU(cores)"] > "10m"])
    assert row["NAME"] == "busy"
    (row,) = kubectl.table("top", "pods", "--containers")
    assert (row["POD"], row["NAME"]) == ("busy", "main")
    (node,) = kubectl.table("top", "nodes")
    assert node["MEMORY(%)"].endswith("%")
    assert "v1beta1.metrics.k8s.io" in kubectl("get", "apiservices")
    kubectl("delete", "pod", "busy", "--now")


def test_a_busy_deployment_is_scaled(kubectl: Kubectl) -> None:
    target = deployment("busy", replicas=1, image="busybox")
    (container,) = target["spec"]["template"]["spec"]["containers"]
    container["command"] = ["sh", "-c", "while true; do :; done"]
    container["resources"] = {"requests": {"cpu": "20m"}, "limits": {"cpu": "200m"}}
    kubectl("create", "-f", "-", stdin=target)
    # One more pod that the Deployment's selector finds, whoever runs the Deployment's own.
    spec = {"terminationGracePeriodSeconds": 1, "containers": [container]}
    extra = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "extra", "labels": {"app": "busy"}}}
    kubectl("create", "-f", "-", stdin={**extra, "spec": spec})
    kubectl("autoscale", "deployment", "busy", "--min=1", "--max=2", "--cpu=50%")
    until(lambda: kubectl.json("get", "deployment", "busy")["spec"]["replicas"] == 2)
    shown = until(lambda: [t for t in [kubectl("describe", "hpa", "busy")] if "SuccessfulRescale" in t])[0]
    assert re.search(r"ScalingActive +True +ValidMetricFound", shown)
    kubectl("delete", "deployment/busy", "pod/extra", "--now")


def test_a_service_account_may_do_what_its_role_says(kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "robot")
    kubectl(
        "create", "rolebinding", "robot", "--clusterrole=view", f"--serviceaccount={kubectl.namespace}:robot"
    )
    account = f"--as=system:serviceaccount:{kubectl.namespace}:robot"
    assert kubectl("auth", "can-i", "list", "pods", account) == "yes\n"
    assert kubectl.run("auth", "can-i", "delete", "pods", account).stdout == "no\n"
    assert kubectl.run("auth", "can-i", "get", "secrets", account).stdout == "no\n"
    listed = kubectl("auth", "can-i", "--list", account)
    assert re.search(r"pods/log +\[\] +\[\] +\[get list watch\]", listed)
    assert re.search(r"selfsubjectreviews.authentication.k8s.io +\[\] +\[\] +\[create\]", listed)
    token = kubectl("create", "token", "robot", "--duration=10m").strip()
    as_robot = ("--kubeconfig=/dev/null", f"--server={server_of(kubectl)}", "--insecure-skip-tls-verify")
    shown = kubectl("auth", "whoami", *as_robot, f"--token={token}")
    assert f"system:serviceaccount:{kubectl.namespace}:robot" in shown
    assert "forbidden" in kubectl.fails("get", "secrets", *as_robot, f"--token={token}")


def server_of(kubectl: Kubectl) -> str:
    return str(kubectl.json("config", "view", "--raw")["clusters"][0]["cluster"]["server"])


def test_roles_are_reconciled(kubectl: Kubectl) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}
    meta = {"name": "reader", "namespace": kubectl.namespace}
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    kubectl("auth", "reconcile", "-f", "-", stdin={**role, "metadata": meta, "rules": [rule]})
    more = {**rule, "resources": ["secrets"]}
    assert "reconciled" in kubectl(
        "auth", "reconcile", "-f", "-", stdin={**role, "metadata": meta, "rules": [more]}
    )
    rules = kubectl.json("get", "role", "reader")["rules"]
    assert {resource for each in rules for resource in each["resources"]} == {"pods", "secrets"}
