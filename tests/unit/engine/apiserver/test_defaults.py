"""What kube-apiserver fills in."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.engine.apiserver.defaults import default
from kubelab.engine.apiserver.defaults.pods import pull_policy
from kubelab.engine.apiserver.kinds import Kinds
from kubelab.quantities import canonical, parse_quantity

KINDS = Kinds()


def defaulted(kind_name: str, group: str = "", version: str = "v1", **fields: Any) -> Object:
    kind = KINDS.by_gvk(group, version, kind_name)
    assert kind is not None
    obj: Object = {"metadata": {"name": "x"}, **deepcopy(fields)}
    default(kind, obj)
    again = deepcopy(obj)
    default(kind, again)
    assert again == obj  # defaulting twice changes nothing
    return obj


def test_a_pod_gets_upstreams_defaults() -> None:
    container = {"name": "c", "image": "busybox", "ports": [{"containerPort": 80}]}
    assert defaulted("Pod", spec={"containers": [container]})["spec"] == {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "enableServiceLinks": True,
        "containers": [
            {
                "name": "c",
                "image": "busybox",
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "resources": {},
                "imagePullPolicy": "Always",
                "terminationMessagePath": "/dev/termination-log",
                "terminationMessagePolicy": "File",
            }
        ],
    }


def test_a_pods_requests_default_to_its_limits_but_a_templates_do_not() -> None:
    spec = {"containers": [{"name": "c", "resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}}}]}
    resources = defaulted("Pod", spec=spec)["spec"]["containers"][0]["resources"]
    assert resources["requests"] == resources["limits"] == {"cpu": "500m", "memory": "1Gi"}
    job = defaulted("Job", "batch", spec={"template": {"spec": spec}})
    assert "requests" not in job["spec"]["template"]["spec"]["containers"][0]["resources"]


def test_probes_volumes_and_references_get_defaults() -> None:
    pod = defaulted(
        "Pod",
        spec={
            "hostNetwork": True,
            "containers": [
                {
                    "name": "c",
                    "image": "a:1",
                    "ports": [{"containerPort": 8080}],
                    "readinessProbe": {"httpGet": {"port": 80}},
                    "env": [{"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                }
            ],
            "volumes": [
                {"name": "a"},
                {"name": "b", "configMap": {"name": "m"}},
                {"name": "c", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
                {"name": "d", "hostPath": {"path": "/d"}},
            ],
        },
    )["spec"]
    container, volumes = pod["containers"][0], pod["volumes"]
    assert container["ports"][0]["hostPort"] == 8080
    assert container["readinessProbe"] == {
        "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1"
    assert volumes[0]["emptyDir"] == {}
    assert volumes[1]["configMap"]["defaultMode"] == 0o644
    assert volumes[2]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] == 3600
    assert volumes[3]["hostPath"]["type"] == ""


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("busybox", "Always"),
        ("busybox:latest", "Always"),
        ("busybox:1.36", "IfNotPresent"),
        ("registry:5000/a/b", "Always"),
        ("registry:5000/a/b:2", "IfNotPresent"),
        ("busybox@sha256:abc", "IfNotPresent"),
    ],
)
def test_the_tag_decides_whether_an_image_is_pulled(image: str, policy: str) -> None:
    assert pull_policy(image) == policy


def test_a_job_gets_upstreams_defaults() -> None:
    job = defaulted("Job", "batch", spec={"template": {"metadata": {"labels": {"a": "b"}}}})
    spec = {key: value for key, value in job["spec"].items() if key != "template"}
    assert spec == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }
    assert job["metadata"]["labels"] == {"a": "b"}


def test_a_jobs_defaults_depend_on_what_is_set() -> None:
    policy = {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}
    spec = defaulted(
        "Job", "batch", spec={"parallelism": 2, "backoffLimitPerIndex": 1, "podFailurePolicy": policy}
    )["spec"]
    assert "completions" not in spec
    assert spec["backoffLimit"] == 2**31 - 1
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"] == "True"


def test_workloads_get_upstreams_defaults() -> None:
    deployment = defaulted("Deployment", "apps")["spec"]
    assert deployment["replicas"] == 1
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": "25%", "maxSurge": "25%"}
    stateful = defaulted("StatefulSet", "apps")["spec"]
    assert stateful["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"partition": 0, "maxUnavailable": 1},
    }
    daemon = defaulted("DaemonSet", "apps")["spec"]
    assert daemon["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1, "maxSurge": 0}
    cron = defaulted("CronJob", "batch")["spec"]
    assert (cron["successfulJobsHistoryLimit"], cron["failedJobsHistoryLimit"]) == (3, 1)
    scaler = defaulted("HorizontalPodAutoscaler", "autoscaling", "v2")["spec"]
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 80


def test_a_service_gets_upstreams_defaults() -> None:
    spec = defaulted("Service", spec={"clusterIP": "None", "ports": [{"port": 80}]})["spec"]
    assert spec["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert (spec["type"], spec["sessionAffinity"], spec["clusterIPs"]) == ("ClusterIP", "None", ["None"])


def test_small_kinds_get_upstreams_defaults() -> None:
    assert defaulted("Namespace")["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x"}
    assert defaulted("Secret")["type"] == "Opaque"
    assert defaulted("StorageClass", "storage.k8s.io")["volumeBindingMode"] == "Immediate"
    claim = defaulted("PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1024Mi"}}})
    assert claim["spec"]["volumeMode"] == "Filesystem"
    assert claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    group = "rbac.authorization.k8s.io"
    binding = defaulted("RoleBinding", group, subjects=[{"kind": "User", "name": "u"}])
    assert binding["subjects"][0]["apiGroup"] == binding["roleRef"]["apiGroup"] == group


@pytest.mark.parametrize(
    ("given", "canonical_form"),
    [
        ("1000m", "1"), ("0.5", "500m"), (2, "2"), ("1.5Gi", "1536Mi"), ("1024Mi", "1Gi"), ("1000", "1k"),
        ("100Ki", "100Ki"), ("0", "0"), ("1e3", "1e3"), ("1.5", "1500m"), ("0.0000000001", "1n"),
        ("-1", "-1"),
    ],
)  # fmt: skip
def test_quantities_are_stored_in_canonical_form(given: str, canonical_form: str) -> None:
    assert canonical(given) == canonical_form


@given(st.integers(0, 10**15), st.sampled_from(["", "m", "u", "k", "M", "Ki", "Mi", "Gi", "e3"]))
def test_the_canonical_form_keeps_the_value_and_is_stable(number: int, suffix: str) -> None:
    form = canonical(f"{number}{suffix}")
    assert parse_quantity(form) == parse_quantity(f"{number}{suffix}")
    assert canonical(form) == form
