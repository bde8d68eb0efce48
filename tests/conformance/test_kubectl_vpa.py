"""A tour with real kubectl: vertical pod autoscalers, as upstream prints and checks them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kubelab.client import Object
from tests.conformance.kubectl import Kubectl
from tests.conformance.manifests import deployment

_WAITS = "trap 'exit 0' TERM; while true; do sleep 0.05; done"


def autoscaler(name: str = "web", **spec: object) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": "autoscaling.k8s.io/v1",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": name},
        "spec": {"targetRef": target, **spec},
    }


def recommend(kubectl: Kubectl, name: str, **amounts: Object) -> None:
    """Write a recommendation for the container ``main``, as a recommender does."""
    condition = {"type": "RecommendationProvided", "status": "True"}
    condition["lastTransitionTime"] = "2026-07-01T10:00:00Z"
    status = {
        "conditions": [condition],
        "recommendation": {"containerRecommendations": [{"containerName": "main", **amounts}]},
    }
    patch = json.dumps([{"op": "add", "path": "/status", "value": status}])
    kubectl("patch", "vpa", name, "--subresource=status", "--type=json", "-p", patch)


def test_autoscalers_are_printed_as_upstream_prints_them(kubectl: Kubectl) -> None:
    policy = {"updateMode": "InPlaceOrRecreate", "minReplicas": 1, "evictAfterOOMSeconds": 300}
    kubectl("create", "-f", "-", stdin=autoscaler("full", updatePolicy=policy))
    kubectl("create", "-f", "-", stdin=autoscaler("plain"))
    recommend(kubectl, "full", target={"cpu": "247m", "memory": "380258472"})
    full, plain = kubectl.table("get", "vpa")
    assert full.pop("AGE")
    assert full == {
        "NAME": "full",
        "MODE": "InPlaceOrRecreate",
        "CPU": "247m",
        "MEM": "380258472",
        "PROVIDED": "True",
    }
    assert (plain["NAME"], plain["MODE"], plain["CPU"], plain["PROVIDED"]) == ("plain", "", "", "")
    wide = kubectl.table("get", "verticalpodautoscalers.autoscaling.k8s.io", "full", "-o", "wide")[0]
    assert (wide["MINREPLICAS"], wide["OOMSECONDS"]) == ("1", "300")


def test_checkpoints_have_a_short_name(kubectl: Kubectl) -> None:
    checkpoint = {
        "apiVersion": "autoscaling.k8s.io/v1",
        "kind": "VerticalPodAutoscalerCheckpoint",
        "metadata": {"name": "web-main"},
        "spec": {"vpaObjectName": "web", "containerName": "main"},
        "status": {
            "version": "v3",
            "cpuHistogram": {
                "referenceTimestamp": None,
                "bucketWeights": {"3": 10000, "17": 12},
                "totalWeight": 1.5,
            },
            "totalSamplesCount": 3,
        },
    }
    kubectl("create", "-f", "-", stdin=checkpoint)
    found = kubectl.json("get", "vpacheckpoint", "web-main")
    assert found["status"]["cpuHistogram"]["bucketWeights"] == {"3": 10000, "17": 12}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"updatePolicy": {"minReplicas": 2}}, "updateMode is required if UpdatePolicy is used"),
        ({"updatePolicy": {"updateMode": "Auto", "minReplicas": 0}}, "minReplicas has to be positive"),
        ({"resourcePolicy": {"containerPolicies": [{"mode": "Auto"}]}}, "containerName is required"),
        ({"scope": "kubernetes.io/hostname"}, "scope is only supported when targetRef.kind is DaemonSet"),
        ({"recommenders": [{"name": "a"}, {"name": "b"}]}, "must have at most 1 item"),
    ],
)
def test_autoscalers_that_make_no_sense_are_refused(kubectl: Kubectl, spec: Object, said: str) -> None:
    assert said in kubectl.fails("create", "-f", "-", stdin=autoscaler(**spec))


@pytest.mark.slow
def test_an_applied_recommendation_changes_the_limits_of_a_running_process(in_cluster: Kubectl) -> None:
    kubectl, web = in_cluster, deployment(replicas=1)
    resources = {
        "requests": {"cpu": "20m", "memory": "32Mi"},
        "limits": {"cpu": "200m", "memory": "64Mi"},
    }
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", _WAITS], "resources": resources}
    web["spec"]["template"]["spec"] = {"containers": [main], "terminationGracePeriodSeconds": 2}
    kubectl("create", "-f", "-", stdin=web)
    kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
    (before,) = kubectl.json("get", "pods")["items"]
    policy = {"updateMode": "InPlaceOrRecreate", "minReplicas": 1}
    kubectl("create", "-f", "-", stdin=autoscaler(updatePolicy=policy, recommenders=[{"name": "by-hand"}]))
    bounds = {"lowerBound": {"cpu": "25m"}, "upperBound": {"cpu": "40m"}}
    recommend(kubectl, "web", target={"cpu": "30m", "memory": "48Mi"}, **bounds)
    name = before["metadata"]["name"]
    path = "{.status.containerStatuses[0].resources.limits.memory}"
    for _ in range(3):  # kubectl is given a minute each time, and the updater looks every minute
        done = kubectl.run("wait", f"pod/{name}", f"--for=jsonpath={path}=96Mi", "--timeout=50s")
        if done.returncode == 0:
            break
    pod = kubectl.json("get", "pod", name)
    status, was = (each["status"]["containerStatuses"][0] for each in (pod, before))
    assert status["resources"] == {
        "requests": {"cpu": "30m", "memory": "50331648"},
        "limits": {"cpu": "300m", "memory": "96Mi"},
    }
    assert (status["containerID"], status["restartCount"]) == (was["containerID"], 0)
    kubectl("wait", "event", "--field-selector=reason=InPlaceResizedByVPA", "--for=create", "--timeout=30s")
    limit = memory_limit(kubectl("exec", name, "--", "cat", "/proc/self/cgroup"))
    assert limit in {None, 96 << 20}


def memory_limit(cgroups: str) -> int | None:
    """Return the bytes that the kernel allows a process, None where nobody may write control groups."""
    for line in cgroups.splitlines():
        _, controllers, path = line.split(":", 2)
        version_1 = Path("/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes")
        version_2 = Path("/sys/fs/cgroup" + path, "memory.max")
        for file in (version_1, version_2) if controllers in {"", "memory"} else ():
            if file.exists() and re.fullmatch(r"\d+", text := file.read_text().strip()):
                return int(text) if int(text) < 1 << 40 else None
    return None


@pytest.mark.slow
def test_the_use_of_a_process_becomes_a_recommendation(in_cluster: Kubectl) -> None:
    kubectl, web = in_cluster, deployment(replicas=1)
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", _WAITS]}
    web["spec"]["template"]["spec"] = {"containers": [main], "terminationGracePeriodSeconds": 2}
    kubectl("create", "-f", "-", stdin=web)
    kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
    kubectl("create", "-f", "-", stdin=autoscaler(updatePolicy={"updateMode": "Off"}))
    for _ in range(3):  # the recommender looks at once and then every minute; kubectl is given a minute
        done = kubectl.run("wait", "vpa/web", "--for=condition=RecommendationProvided", "--timeout=50s")
        if done.returncode == 0:
            break
    (printed,) = kubectl.table("get", "vpa")
    assert printed["PROVIDED"] == "True"
    found = kubectl.json("get", "vpa", "web")["status"]["recommendation"]["containerRecommendations"][0]
    assert found["containerName"] == "main"
    assert found["target"]["memory"] == "250Mi" or int(found["target"]["memory"].rstrip("k")) >= 262144


@pytest.mark.slow
def test_a_new_pod_begins_with_what_is_recommended(in_cluster: Kubectl) -> None:
    kubectl, web = in_cluster, deployment(replicas=1)
    kubectl(
        "create",
        "-f",
        "-",
        stdin=autoscaler(updatePolicy={"updateMode": "Initial"}, recommenders=[{"name": "by-hand"}]),
    )
    recommend(kubectl, "web", target={"cpu": "30m", "memory": "48M"})
    main = {"name": "main", "image": "busybox", "command": ["sh", "-c", _WAITS]}
    main["resources"] = {"requests": {"cpu": "20m"}, "limits": {"cpu": "200m"}}
    web["spec"]["template"]["spec"] = {"containers": [main], "terminationGracePeriodSeconds": 2}
    kubectl("create", "-f", "-", stdin=web)
    kubectl("wait", "deployment/web", "--for=condition=Available", "--timeout=60s")
    (pod,) = kubectl.json("get", "pods")["items"]
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "30m", "memory": "48M"},
        "limits": {"cpu": "300m"},
    }
    assert pod["metadata"]["annotations"] == {
        "vpaObservedContainers": "main",
        "vpaUpdates": "Pod resources updated by web: container 0: cpu request, memory request, cpu limit",
    }
    assert pod["status"]["containerStatuses"][0]["resources"]["limits"] == {"cpu": "300m"}
