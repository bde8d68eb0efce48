"""What controllers and the scheduler do, on a whole cluster of every engine."""

from __future__ import annotations

import json
import urllib.request

import pytest

from kubelab.http import Kubeconfig
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import shell_pod
from tests.conftest import Lab
from tests.measured import numbers, total

pytestmark = pytest.mark.slow


@pytest.fixture
def kubectl(in_cluster: Kubectl) -> Kubectl:
    """Real kubectl, in a new namespace of the whole cluster."""
    return in_cluster


def test_what_kubelabs_own_parts_measure_is_told(kubectl: Kubectl, engine_lab: Lab) -> None:
    kubectl("create", "-f", "-", stdin=shell_pod("started", "exec sleep 1000"))
    kubectl("wait", "pod/started", "--for=condition=Ready", "--timeout=60s")
    (row,) = json.loads(engine_lab.kubelab("status", "--json").stdout)
    config = Kubeconfig.load(kubectl.kubeconfig)
    request = urllib.request.Request(row["metrics_url"], headers={"Authorization": f"Bearer {config.token}"})
    with urllib.request.urlopen(request, timeout=60, context=config.ssl_context()) as answer:
        found = numbers(answer.read().decode())
    assert total(found, "kubelet_pod_start_duration_seconds_count") >= 1
    assert any(name == "workqueue_adds_total" for name, _ in found)
    assert total(found, "process_resident_memory_bytes") > 0


def owned(kubectl: Kubectl) -> None:
    """Make a ConfigMap ``owner`` and one that it owns, ``owned``."""
    kubectl("create", "configmap", "owner")
    owner = kubectl.json("get", "configmap", "owner")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "owned", "ownerReferences": [{**reference, "blockOwnerDeletion": True}]},
    }
    kubectl("create", "-f", "-", stdin=held)


@pytest.mark.parametrize("cascade", ["background", "foreground"])
def test_what_is_owned_goes_with_its_owner(kubectl: Kubectl, cascade: str) -> None:
    owned(kubectl)
    kubectl("delete", "configmap", "owner", f"--cascade={cascade}")
    kubectl("wait", "configmap/owned", "--for=delete", "--timeout=60s")


def test_an_orphan_stays_and_forgets_its_owner(kubectl: Kubectl) -> None:
    owned(kubectl)
    kubectl("delete", "configmap", "owner", "--cascade=orphan")
    kubectl("wait", "configmap/owner", "--for=delete", "--timeout=60s")
    assert "ownerReferences" not in kubectl.json("get", "configmap", "owned")["metadata"]


def test_a_pod_that_fits_nowhere_says_why(kubectl: Kubectl) -> None:
    large = shell_pod("large", "true")
    large["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1000"}}
    kubectl("create", "-f", "-", stdin=large)
    kubectl("wait", "pod/large", "--for=condition=PodScheduled=false", "--timeout=30s")
    (condition,) = kubectl.json("get", "pod", "large")["status"]["conditions"]
    assert condition["reason"] == "Unschedulable"
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")


def test_an_indexed_job_counts_its_indexes(kubectl: Kubectl) -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "indexed"},
        "spec": {
            "completionMode": "Indexed",
            "completions": 3,
            "parallelism": 3,
            "template": {"spec": {**shell_pod("x", "echo $JOB_COMPLETION_INDEX")["spec"]}},
        },
    }
    kubectl("create", "-f", "-", stdin=job)
    kubectl("wait", "job/indexed", "--for=condition=Complete", "--timeout=60s")
    status = kubectl.json("get", "job", "indexed")["status"]
    assert (status["succeeded"], status["completedIndexes"]) == (3, "0-2")
    assert {each["type"] for each in status["conditions"]} == {"SuccessCriteriaMet", "Complete"}


def test_a_job_fails_once_its_back_off_limit_is_passed(kubectl: Kubectl) -> None:
    kubectl("create", "job", "broken", "--image=busybox", "--", "sh", "-c", "exit 7")
    patch = '{"spec":{"backoffLimit":0}}'
    kubectl("patch", "job", "broken", "--type=merge", "-p", patch)
    kubectl("wait", "job/broken", "--for=condition=Failed", "--timeout=60s")
    failed = kubectl.json("get", "job", "broken")["status"]["conditions"]
    assert {each["reason"] for each in failed if each["type"] == "Failed"} == {"BackoffLimitExceeded"}


def test_a_deleted_namespace_takes_everything_with_it(kubectl: Kubectl) -> None:
    owned(kubectl)
    kubectl("delete", "namespace", kubectl.namespace, "--timeout=90s")
    assert "not found" in kubectl.fails("get", "namespace", kubectl.namespace)
