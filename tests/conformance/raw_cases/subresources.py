"""What is served below objects: binding, eviction, logs, scale and status of every kind that has them."""

from __future__ import annotations

from typing import Any

from tests.conformance.cases import DEPLOYMENTS, JOB_SETS, JOBS, NS, PODS, SERVICES, deployment, job_set, pod
from tests.conformance.raw import JSON_PATCH, MERGE, STRATEGIC, Call

APPS = "/apis/apps/v1/namespaces/{ns}"
BUDGETS = "/apis/policy/v1/namespaces/{ns}/poddisruptionbudgets"
EXPERIMENTS = "/apis/kubeflow.org/v1beta1/namespaces/{ns}/experiments"
_LABELS = {"app": "a"}
_TEMPLATE = deployment()["spec"]["template"]
_TOUCHED = {
    "labels": {"st": "x"},
    "annotations": {"st": "x"},
    "finalizers": ["conformance.dev/wait"],
    "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}],
}


def _binding(name: str, **fields: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "target": {"kind": "Node", "name": "n"}, **fields}


def _eviction(name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}, **fields}


def _budget(name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": _LABELS}, **spec}}


def _of(selector: Any, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "a"}, "spec": {"selector": selector, "template": _TEMPLATE, **spec}}


def _scaled(path: str, made: Any) -> list[Call]:
    """Every verb of one kind's scale."""
    scale = {"metadata": {"name": "a"}, "spec": {"replicas": 2}}
    at = f"{path}/a/scale"
    return [
        Call("POST", path, made),
        Call("GET", at),
        Call("GET", f"{path}/none/scale"),
        Call("PUT", at, scale),
        Call("PUT", at, {**scale, "metadata": {"name": "b"}}),
        Call("PUT", at, {**scale, "metadata": {"name": "a", "namespace": "other"}}),
        Call("PUT", at, {**scale, "metadata": {"name": "a", "resourceVersion": "1"}}),
        Call("PUT", at, {**scale, "metadata": {"name": "a", "uid": "other"}}),
        Call("PUT", at, {**scale, "spec": {"replicas": -1}}),
        Call("PUT", at, {**scale, "spec": {"replicas": "x"}}),
        Call("PUT", at, {**scale, "spec": {}}),
        Call("PUT", at, {**scale, "kind": "Pod", "apiVersion": "v1"}),
        Call("PUT", at, {**scale, "kind": "Scale", "apiVersion": "v9"}),
        Call("PUT", at, "{"),
        Call("PUT", f"{at}?dryRun=All", {**scale, "spec": {"replicas": 9}}),
        Call("PUT", f"{at}?dryRun=Some", scale),
        Call("PATCH", at, {"spec": {"replicas": 3}}, MERGE),
        Call("PATCH", at, {"spec": {"replicas": "x"}}, MERGE),
        Call("PATCH", at, {"metadata": {"name": "b"}}, MERGE),
        Call("PATCH", at, [{"op": "replace", "path": "/spec/replicas", "value": 4}], JSON_PATCH),
        Call("PATCH", f"{path}/none/scale", {"spec": {"replicas": 3}}, MERGE),
        Call("POST", at, scale),
        Call("DELETE", at),
        Call("GET", f"{path}/a"),
    ]


def _with_status(path: str, made: Any, status: Any, kind_of_patch: str = MERGE) -> list[Call]:
    """What a write to a status, and one beside it, may change."""
    name = made["metadata"]["name"]
    return [
        Call("POST", path, {**made, "status": status}),
        Call("PATCH", f"{path}/{name}", {"status": status}, MERGE),
        Call(
            "PATCH",
            f"{path}/{name}/status",
            {"metadata": _TOUCHED, "spec": {"nope": "x"}, "status": status},
            kind_of_patch,
        ),
        Call("PATCH", f"{path}/{name}/status", {"status": None}, MERGE),
        Call("GET", f"{path}/{name}/status"),
        Call("PUT", f"{path}/{name}/status", {**made, "status": status}),
        Call("PUT", f"{path}/none/status", {**made, "metadata": {"name": "none"}}),
        Call("DELETE", f"{path}/{name}/status"),
        Call("DELETE", f"{path}/{name}"),
    ]


_LOGS = (
    "none/log", "one/log?container=x", "two/log", "two/log?container=x", "two/log?container=",
    "one/log?tailLines=-1", "one/log?tailLines=x", "one/log?tailLines=", "one/log?tailLines=1.5",
    "one/log?limitBytes=0", "one/log?limitBytes=-1", "one/log?limitBytes=x", "one/log?sinceSeconds=0",
    "one/log?sinceSeconds=-1", "one/log?sinceSeconds=x", "one/log?sinceTime=x",
    "one/log?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
    "one/log?sinceSeconds=0&tailLines=-1&limitBytes=0", "one/log?follow=maybe&tailLines=-1",
    "one/log?stream=All", "one/log?stream=Stdout", "one/log?stream=Nope",
    "one/log?stream=Stdout&tailLines=1", "one/log?timestamps=maybe&container=x",
    "one/log?previous=maybe&container=x", "one/log?insecureSkipTLSVerifyBackend=true&container=x",
)  # fmt: skip

CASES: dict[str, list[Call]] = {
    "bindings": [
        Call("POST", PODS, pod()),
        Call("POST", f"{PODS}/a/binding", {"metadata": {"name": "b"}, "target": {"name": "n"}}),
        Call("POST", f"{PODS}/a/binding", {"target": {"name": "n"}}),
        Call("POST", f"{PODS}/a/binding", _binding("a", target={"kind": "Pod", "name": "n"})),
        Call("POST", f"{PODS}/a/binding", _binding("a", target={"kind": "Node"})),
        Call("POST", f"{PODS}/a/binding", _binding("a", metadata={"name": "a", "uid": "other"})),
        Call("POST", f"{PODS}/a/binding", _binding("a", metadata={"name": "a", "resourceVersion": "1"})),
        Call("POST", f"{PODS}/a/binding", _binding("a", metadata={"name": "a", "namespace": "other"})),
        Call("POST", f"{PODS}/a/binding", {**_binding("a"), "kind": "Pod", "apiVersion": "v1"}),
        Call("POST", f"{PODS}/a/binding", {**_binding("a"), "apiVersion": "v9"}),
        Call("POST", f"{PODS}/a/binding", _binding("a", target="n")),
        Call("POST", f"{PODS}/a/binding", "{"),
        Call("POST", f"{PODS}/a/binding"),
        Call("POST", f"{PODS}/a/binding?dryRun=All", _binding("a")),
        Call("POST", f"{PODS}/none/binding", _binding("none")),
        Call(
            "POST",
            f"{PODS}/a/binding",
            _binding("a", metadata={"name": "a", "annotations": {"a": "b"}, "labels": {"c": "d"}}),
        ),
        Call("GET", f"{PODS}/a"),
        Call("POST", f"{PODS}/a/binding", _binding("a")),
        Call("GET", f"{PODS}/a/binding"),
        Call("POST", PODS, pod("b")),
        Call("POST", f"{NS}/bindings", _binding("b")),
        Call("POST", f"{NS}/bindings", _binding("none")),
        Call("GET", f"{NS}/bindings"),
        Call("POST", PODS, pod("g", schedulingGates=[{"name": "x.dev/wait"}])),
        Call("POST", f"{PODS}/g/binding", _binding("g")),
        Call("DELETE", f"{PODS}/b"),
        Call("POST", f"{PODS}/b/binding", _binding("b")),
    ],
    "evictions": [
        Call("POST", PODS, pod()),
        Call("POST", PODS, pod("n", nodeName="n")),
        Call("POST", f"{PODS}/a/eviction", _eviction("b")),
        Call("POST", f"{PODS}/a/eviction", _eviction("")),
        Call("POST", f"{PODS}/none/eviction", _eviction("none")),
        Call("POST", f"{PODS}/a/eviction", _eviction("a", deleteOptions={"preconditions": {"uid": "x"}})),
        Call("POST", f"{PODS}/a/eviction", _eviction("a", deleteOptions={"dryRun": ["All"]})),
        Call("POST", f"{PODS}/a/eviction?dryRun=All", _eviction("a")),
        Call("POST", f"{PODS}/a/eviction", _eviction("a", deleteOptions={"dryRun": ["Some"]})),
        Call("POST", f"{PODS}/a/eviction", _eviction("a", deleteOptions={"propagationPolicy": "Nope"})),
        Call("POST", f"{PODS}/a/eviction", {**_eviction("a"), "apiVersion": "v1"}),
        Call("POST", f"{PODS}/a/eviction", {**_eviction("a"), "apiVersion": "policy/v1beta1"}),
        Call("POST", f"{PODS}/a/eviction", {**_eviction("a"), "kind": "Pod", "apiVersion": "v1"}),
        Call("POST", f"{PODS}/a/eviction", _eviction("a", deleteOptions="x")),
        Call("POST", f"{PODS}/a/eviction", "{"),
        Call("POST", f"{PODS}/a/eviction"),
        Call("GET", f"{PODS}/a/eviction"),
        Call("POST", BUDGETS, _budget("one", minAvailable=1)),
        Call("POST", f"{PODS}/n/eviction", _eviction("n")),
        Call("POST", f"{PODS}/a/eviction", _eviction("a")),
        Call("GET", f"{PODS}/a"),
        Call("GET", f"{PODS}/n"),
        Call("POST", PODS, pod("a", nodeName="n")),
        Call("POST", f"{PODS}/a/eviction", _eviction("a")),
        Call(
            "PATCH",
            f"{PODS}/a/status",
            {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
            MERGE,
        ),
        Call("POST", f"{PODS}/a/eviction", _eviction("a")),
        Call(
            "PATCH",
            f"{BUDGETS}/one/status",
            {
                "status": {
                    "observedGeneration": 1,
                    "disruptionsAllowed": 0,
                    "currentHealthy": 1,
                    "desiredHealthy": 1,
                    "expectedPods": 1,
                }
            },
            MERGE,
        ),
        Call("POST", f"{PODS}/a/eviction", _eviction("a")),
        Call("POST", BUDGETS, _budget("two", maxUnavailable=1)),
        Call("POST", f"{PODS}/a/eviction", _eviction("a")),
        Call("DELETE", f"{BUDGETS}/two"),
        Call("PATCH", f"{BUDGETS}/one/status", {"status": {"disruptionsAllowed": 1}}, MERGE),
        Call("POST", f"{PODS}/a/eviction?dryRun=All", _eviction("a")),
        Call("POST", f"{PODS}/a/eviction", _eviction("a")),
        Call("GET", f"{PODS}/a"),
        Call("GET", f"{BUDGETS}/one"),
    ],
    "tokens": [
        Call("POST", f"{NS}/serviceaccounts", {"metadata": {"name": "a"}}),
        Call("POST", f"{NS}/serviceaccounts/none/token", {}),
        Call("POST", f"{NS}/serviceaccounts/a/token"),
        Call("POST", f"{NS}/serviceaccounts/a/token", "{"),
        Call("POST", f"{NS}/serviceaccounts/a/token", "[]"),
        Call("POST", f"{NS}/serviceaccounts/a/token", {"kind": "Pod", "apiVersion": "v1"}),
        Call("POST", f"{NS}/serviceaccounts/a/token", {"kind": "TokenRequest", "apiVersion": "v9"}),
        Call("POST", f"{NS}/serviceaccounts/a/token", {"spec": "x"}),
        Call("POST", f"{NS}/serviceaccounts/a/token", {"spec": {"audiences": "x"}}),
        Call("POST", f"{NS}/serviceaccounts/a/token", {"spec": {"expirationSeconds": "x"}}),
    ],
    "pod logs": [
        Call("POST", PODS, pod("one")),
        Call(
            "POST",
            PODS,
            pod(
                "two",
                containers=[{"name": "a", "image": "x"}, {"name": "b", "image": "x"}],
                initContainers=[{"name": "i", "image": "x"}],
            ),
        ),
        *(Call("GET", f"{PODS}/{options}") for options in _LOGS),
        Call("POST", f"{PODS}/one/log", {}),
        Call("DELETE", f"{PODS}/one/log"),
        Call("GET", f"{PODS}/one/log?container=x", accept="text/plain"),
        Call("GET", f"{PODS}/one/log?container=x", accept="text/html"),
    ],
    "scale of deployments": _scaled(DEPLOYMENTS, _of({"matchLabels": _LABELS})),
    "scale of sets": [
        *_scaled(f"{APPS}/replicasets", _of({"matchLabels": _LABELS})),
        *_scaled(f"{APPS}/statefulsets", _of({"matchLabels": _LABELS}, serviceName="s")),
        *_scaled(f"{NS}/replicationcontrollers", _of(_LABELS)),
    ],
    "status of workloads": [
        *_with_status(DEPLOYMENTS, deployment(), {"replicas": 2}),
        *_with_status(f"{APPS}/replicasets", _of({"matchLabels": _LABELS}), {"replicas": 2}),
        *_with_status(
            f"{APPS}/statefulsets", _of({"matchLabels": _LABELS}, serviceName="s"), {"replicas": 2}
        ),
        *_with_status(
            f"{APPS}/daemonsets",
            _of({"matchLabels": _LABELS}),
            {
                "currentNumberScheduled": 1,
                "numberMisscheduled": 0,
                "desiredNumberScheduled": 1,
                "numberReady": 0,
            },
        ),
        *_with_status(f"{NS}/replicationcontrollers", _of(_LABELS), {"replicas": 2}),
        *_with_status(
            "/apis/batch/v1/namespaces/{ns}/cronjobs",
            {
                "metadata": {"name": "c"},
                "spec": {
                    "schedule": "* * * * *",
                    "jobTemplate": {
                        "spec": {"template": {"spec": {**pod()["spec"], "restartPolicy": "Never"}}}
                    },
                },
            },
            {"lastScheduleTime": "2026-01-01T00:00:00Z"},
        ),
        *_with_status(
            "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers",
            {
                "metadata": {"name": "h"},
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
                    "maxReplicas": 2,
                },
            },
            {"currentReplicas": 1, "desiredReplicas": 2},
        ),
    ],
    "status of pods": _with_status(PODS, pod(), {"phase": "Running"}, STRATEGIC),
    "status of others": [
        *_with_status(
            SERVICES, {"metadata": {"name": "s"}, "spec": {"clusterIP": "None"}}, {"loadBalancer": {}}
        ),
        *_with_status(f"{NS}/resourcequotas", {"metadata": {"name": "q"}}, {"hard": {"pods": "1"}}),
        *_with_status(
            f"{NS}/persistentvolumeclaims",
            {
                "metadata": {"name": "c"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "",
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            },
            {"phase": "Bound"},
        ),
        *_with_status(
            "/api/v1/persistentvolumes",
            {
                "metadata": {"name": "raw-volume"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "capacity": {"storage": "1Gi"},
                    "hostPath": {"path": "/x"},
                },
            },
            {"phase": "Bound"},
        ),
        *_with_status("/api/v1/nodes", {"metadata": {"name": "raw-node"}}, {"capacity": {"cpu": "1"}}),
        *_with_status(
            BUDGETS,
            _budget("b", minAvailable=1),
            {"disruptionsAllowed": 1, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1},
        ),
        *_with_status(
            "/apis/networking.k8s.io/v1/namespaces/{ns}/ingresses",
            {
                "metadata": {"name": "i"},
                "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}},
            },
            {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}},
        ),
        *_with_status(JOB_SETS, job_set("j"), {"restarts": 2}),
        Call("GET", f"{NS}/configmaps/none/status"),
        Call("PUT", f"{JOBS}/none/scale", {}),
    ],
}
