"""Tables: the columns and cells that kubectl get prints, as upstream's printers give them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.apiserver import jsonpath
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.printers.columns import human_duration, selector_text
from kubelab.engine.apiserver.tables import table

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
KINDS = Kinds()


def ago(**delta: float) -> str:
    return rfc3339(NOW - timedelta(**delta))


def shown(group: str, plural: str, obj: Object, *, wide: bool = False, version: str = "v1") -> dict[str, Any]:
    """Return one object's cells by their headings, as kubectl get prints them."""
    kind = KINDS.get(group, version, plural)
    assert kind is not None
    return cells_of(kind, obj, wide=wide)


def cells_of(kind: Kind, obj: Object, *, wide: bool = False) -> dict[str, Any]:
    obj.setdefault("metadata", {}).setdefault("creationTimestamp", ago(minutes=5))
    obj["metadata"].setdefault("name", "it")
    result = table(kind, [obj], NOW)
    columns = result["columnDefinitions"]
    (row,) = result["rows"]
    assert len(columns) == len(row["cells"])
    return {
        column["name"]: cell
        for column, cell in zip(columns, row["cells"], strict=True)
        if wide or column["priority"] == 0
    }


def container_status(name: str, state: Object, **more: Any) -> Object:
    return {"name": name, "state": state, "restartCount": 0, "ready": False, **more}


RUNNING = {"running": {"startedAt": ago(minutes=4)}}
DONE = {"terminated": {"exitCode": 0, "reason": "Completed"}}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (185, "3m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (3 * 3600 + 60, "3h1m"),
        (8 * 3600, "8h"),
        (48 * 3600 - 1, "47h"),
        (48 * 3600, "2d"),
        (2 * 86400 + 3600, "2d1h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (2920 * 86400, "8y"),
    ],
)
def test_durations_are_kubectls(seconds: int, text: str) -> None:
    assert human_duration(timedelta(seconds=seconds)) == text


def pod(status: Object, spec: Object | None = None, **metadata: Any) -> Object:
    return {"metadata": metadata, "spec": spec or {"containers": [{"name": "a"}]}, "status": status}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Pending"}, ("0/1", "Pending")),
        ({"phase": "Failed", "reason": "Evicted"}, ("0/1", "Evicted")),
        (
            {"phase": "Running", "containerStatuses": [container_status("a", RUNNING, ready=True)]},
            ("1/1", "Running"),
        ),
        ({"phase": "Succeeded", "containerStatuses": [container_status("a", DONE)]}, ("0/1", "Completed")),
        (
            {
                "phase": "Running",
                "containerStatuses": [container_status("a", {"waiting": {"reason": "CrashLoopBackOff"}})],
            },
            ("0/1", "CrashLoopBackOff"),
        ),
        (
            {
                "phase": "Failed",
                "containerStatuses": [container_status("a", {"terminated": {"exitCode": 3}})],
            },
            ("0/1", "ExitCode:3"),
        ),
        (
            {
                "phase": "Failed",
                "containerStatuses": [container_status("a", {"terminated": {"exitCode": 137, "signal": 9}})],
            },
            ("0/1", "Signal:9"),
        ),
        (
            {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
            },
            ("0/1", "SchedulingGated"),
        ),
    ],
)
def test_pod_status(status: Object, expected: tuple[str, str]) -> None:
    cells = shown("", "pods", pod(status))
    assert list(cells) == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert (cells["Ready"], cells["Status"]) == expected
    assert cells["Age"] == "5m"


def test_a_pod_that_is_being_deleted_is_terminating_until_it_ended() -> None:
    running = {"phase": "Running", "containerStatuses": [container_status("a", RUNNING, ready=True)]}
    gone = ago(seconds=3)
    assert shown("", "pods", pod(running, deletionTimestamp=gone))["Status"] == "Terminating"
    ended = {"phase": "Succeeded", "containerStatuses": [container_status("a", DONE)]}
    assert shown("", "pods", pod(ended, deletionTimestamp=gone))["Status"] == "Completed"


def test_restarts_say_when_the_last_one_was() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": ago(minutes=2)}}
    status = container_status("a", RUNNING, restartCount=3, lastState=last, ready=True)
    assert (
        shown("", "pods", pod({"phase": "Running", "containerStatuses": [status]}))["Restarts"]
        == "3 (2m ago)"
    )


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([container_status("i", RUNNING)], "Init:0/2"),
        ([container_status("i", DONE), container_status("j", RUNNING)], "Init:1/2"),
        ([container_status("i", {"waiting": {"reason": "ErrImagePull"}})], "Init:ErrImagePull"),
        ([container_status("i", {"waiting": {"reason": "PodInitializing"}})], "Init:0/2"),
        ([container_status("i", {"terminated": {"exitCode": 1, "reason": "Error"}})], "Init:Error"),
        ([container_status("i", {"terminated": {"exitCode": 2}})], "Init:ExitCode:2"),
    ],
)
def test_pod_status_while_init_containers_run(statuses: list[Object], expected: str) -> None:
    spec = {"containers": [{"name": "a"}], "initContainers": [{"name": "i"}, {"name": "j"}]}
    cells = shown("", "pods", pod({"phase": "Pending", "initContainerStatuses": statuses}, spec))
    assert cells["Status"] == expected


def test_a_sidecar_counts_among_the_containers() -> None:
    spec = {
        "containers": [{"name": "a"}],
        "initContainers": [{"name": "side", "restartPolicy": "Always"}],
    }
    status = {
        "phase": "Running",
        "initContainerStatuses": [container_status("side", RUNNING, ready=True, started=True)],
        "containerStatuses": [container_status("a", RUNNING, ready=True)],
    }
    assert shown("", "pods", pod(status, spec))["Ready"] == "2/2"


def test_wide_pods_have_their_place() -> None:
    obj = pod({"phase": "Running", "podIP": "127.8.0.2"}, {"containers": [{"name": "a"}], "nodeName": "lab"})
    cells = shown("", "pods", obj, wide=True)
    assert list(cells)[5:] == ["IP", "Node", "Nominated Node", "Readiness Gates"]
    assert list(cells.values())[5:] == ["127.8.0.2", "lab", "<none>", "<none>"]


def test_an_ended_pod_carries_the_row_condition() -> None:
    kind = KINDS.get("", "v1", "pods")
    assert kind is not None
    obj = pod({"phase": "Succeeded"}, name="p", creationTimestamp=ago(minutes=1))
    (row,) = table(kind, [obj], NOW)["rows"]
    assert row["conditions"][0]["type"] == "Completed"


def test_nodes() -> None:
    node = {
        "metadata": {"labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "lab"}},
        "spec": {"unschedulable": True},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.37.0", "osImage": "Debian"},
        },
    }
    assert shown("", "nodes", node) == {
        "Name": "it",
        "Status": "Ready,SchedulingDisabled",
        "Roles": "control-plane,lab",
        "Age": "5m",
        "Version": "v1.37.0",
    }
    cells = shown("", "nodes", node, wide=True)
    assert cells["Internal-IP"] == "127.0.0.1"
    assert cells["External-IP"] == "<none>"
    assert cells["Container-Runtime"] == "<unknown>"


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (
            {"spec": {"completions": 2}, "status": {"succeeded": 1, "startTime": ago(seconds=30)}},
            ("Running", "1/2", "30s"),
        ),
        ({"spec": {"parallelism": 3}, "status": {}}, ("Running", "0/1 of 3", "")),
        (
            {
                "spec": {"completions": 1},
                "status": {
                    "succeeded": 1,
                    "startTime": ago(seconds=90),
                    "completionTime": ago(seconds=80),
                    "conditions": [{"type": "Complete", "status": "True"}],
                },
            },
            ("Complete", "1/1", "10s"),
        ),
        (
            {"spec": {"completions": 1}, "status": {"conditions": [{"type": "Suspended", "status": "True"}]}},
            ("Suspended", "0/1", ""),
        ),
    ],
)
def test_jobs(job: Object, expected: tuple[str, str, str]) -> None:
    cells = shown("batch", "jobs", job)
    assert (cells["Status"], cells["Completions"], cells["Duration"]) == expected
    assert list(cells) == ["Name", "Status", "Completions", "Duration", "Age"]


def test_events_count_from_their_last_sight() -> None:
    event = {
        "involvedObject": {"kind": "Pod", "name": "p"},
        "type": "Warning",
        "reason": "BackOff",
        "message": "Back-off restarting\n",
        "firstTimestamp": ago(minutes=3),
        "lastTimestamp": ago(seconds=10),
        "count": 4,
        "source": {"component": "kubelet", "host": "lab"},
    }
    assert shown("", "events", event, wide=True) == {
        "Last Seen": "10s",
        "Type": "Warning",
        "Reason": "BackOff",
        "Object": "pod/p",
        "Subobject": "",
        "Source": "kubelet, lab",
        "Message": "Back-off restarting",
        "First Seen": "3m",
        "Count": 4,
        "Name": "it",
    }


@pytest.mark.parametrize(
    ("place", "obj", "expected"),
    [
        (
            ("apps", "deployments"),
            {"spec": {"replicas": 3}, "status": {"readyReplicas": 1, "updatedReplicas": 2}},
            {"Ready": "1/3", "Up-to-date": 2, "Available": 0},
        ),
        (("apps", "statefulsets"), {"spec": {"replicas": 2}}, {"Ready": "0/2"}),
        (
            ("", "services"),
            {"spec": {"type": "ClusterIP", "clusterIP": "None", "ports": [{"port": 80, "nodePort": 30080}]}},
            {"Type": "ClusterIP", "Cluster-IP": "None", "External-IP": "<none>", "Port(s)": "80:30080/TCP"},
        ),
        (("", "configmaps"), {"data": {"a": ""}, "binaryData": {"b": ""}}, {"Data": 2}),
        (("", "secrets"), {"type": "Opaque", "data": {"a": ""}}, {"Type": "Opaque", "Data": 1}),
        (("", "namespaces"), {"status": {"phase": "Active"}}, {"Status": "Active"}),
        (
            ("", "persistentvolumeclaims"),
            {
                "spec": {"volumeName": "v", "storageClassName": "local", "volumeMode": "Filesystem"},
                "status": {
                    "phase": "Bound",
                    "capacity": {"storage": "1Gi"},
                    "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
                },
            },
            {
                "Status": "Bound",
                "Volume": "v",
                "Capacity": "1Gi",
                "Access Modes": "RWO,RWX",
                "StorageClass": "local",
                "VolumeAttributesClass": "<unset>",
            },
        ),
        (
            ("storage.k8s.io", "storageclasses"),
            {
                "metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
                "provisioner": "kubelab.dev/local",
            },
            {
                "Name": "it (default)",
                "Provisioner": "kubelab.dev/local",
                "ReclaimPolicy": "Delete",
                "VolumeBindingMode": "Immediate",
                "AllowVolumeExpansion": False,
            },
        ),
        (
            ("", "endpoints"),
            {
                "subsets": [
                    {"addresses": [{"ip": f"127.0.0.{n}"} for n in range(1, 6)], "ports": [{"port": 80}]}
                ]
            },
            {"Endpoints": "127.0.0.1:80,127.0.0.2:80,127.0.0.3:80 + 2 more..."},
        ),
        (
            ("scheduling.k8s.io", "priorityclasses"),
            {"value": 7, "preemptionPolicy": "Never"},
            {"Value": 7, "Global-Default": False, "PreemptionPolicy": "Never"},
        ),
        (
            ("policy", "poddisruptionbudgets"),
            {"spec": {"minAvailable": "50%"}},
            {"Min Available": "50%", "Max Unavailable": "N/A", "Allowed Disruptions": 0},
        ),
        (
            ("batch", "cronjobs"),
            {"spec": {"schedule": "* * * * *", "suspend": False}},
            {"Schedule": "* * * * *", "Timezone": "<none>", "Suspend": "False", "Last Schedule": "<none>"},
        ),
        (
            ("rbac.authorization.k8s.io", "rolebindings"),
            {"roleRef": {"kind": "Role", "name": "r"}, "subjects": [{"kind": "User", "name": "ann"}]},
            {"Role": "Role/r"},
        ),
        (
            ("", "resourcequotas"),
            {"status": {"hard": {"pods": "4", "limits.cpu": "2"}, "used": {"pods": "1"}}},
            {"Request": "pods: 1/4", "Limit": "limits.cpu: 0/2"},
        ),
        (("coordination.k8s.io", "leases"), {"spec": {"holderIdentity": "lab"}}, {"Holder": "lab"}),
        (
            ("apiextensions.k8s.io", "customresourcedefinitions"),
            {
                "spec": {
                    "scope": "Namespaced",
                    "names": {"kind": "Probe", "shortNames": ["pr"]},
                    "versions": [
                        {"name": "v1", "served": True, "storage": True},
                        {"name": "v2", "served": False, "storage": False},
                    ],
                },
                "status": {"conditions": [{"type": "Established", "status": "True"}]},
            },
            {"Scope": "Namespaced", "Versions": "v1(storage)"},
        ),
        (("", "limitranges"), {}, {"Created At": ago(minutes=5)}),
    ],
)
def test_other_kinds(place: tuple[str, str], obj: Object, expected: Object) -> None:
    cells = shown(*place, obj)
    assert {name: cells[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("service", "where"),
    [
        (None, "Local"),
        ({"name": "metrics", "namespace": "kube-system"}, "kube-system/metrics"),
        ({"name": "metrics"}, "/metrics"),
        ({"port": 443}, "/"),
    ],
)
def test_an_api_service_shows_where_it_is(service: Object | None, where: str) -> None:
    spec = {} if service is None else {"service": service}
    assert shown("apiregistration.k8s.io", "apiservices", {"spec": spec})["Service"] == where


def test_autoscalers_show_use_and_target_in_both_versions() -> None:
    target = {"type": "Utilization", "averageUtilization": 80}
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "web"},
        "maxReplicas": 5,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    current = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 20}}}
    status = {"currentReplicas": 2, "currentMetrics": [current]}
    new = shown("autoscaling", "horizontalpodautoscalers", {"spec": spec, "status": status}, version="v2")
    assert new["Targets"] == "cpu: 20%/80%"
    assert new["Reference"] == "Deployment/web"
    old = {"spec": {"maxReplicas": 5, "targetCPUUtilizationPercentage": 80, "scaleTargetRef": {}}}
    assert shown("autoscaling", "horizontalpodautoscalers", old)["Targets"] == "cpu: <unknown>/80%"


@pytest.mark.parametrize("kind", [kind for kind in KINDS.all() if "list" in kind.verbs], ids=repr)
def test_every_kind_shows_an_object_that_has_only_a_name(kind: Kind) -> None:
    assert "it" in str(cells_of(kind, {"metadata": {"name": "it"}}, wide=True).values())


def test_rows_carry_what_was_asked_for() -> None:
    kind = KINDS.get("", "v1", "configmaps")
    assert kind is not None
    obj = {"metadata": {"name": "c", "creationTimestamp": ago(minutes=1)}, "data": {"a": "b"}}
    (metadata,) = table(kind, [obj], NOW)["rows"]
    assert metadata["object"] == {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": obj["metadata"],
    }
    assert table(kind, [obj], NOW, include_object="Object")["rows"][0]["object"] == obj
    assert "object" not in table(kind, [obj], NOW, include_object="None")["rows"][0]


CRD: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "trials.lab.example"},
    "spec": {
        "group": "lab.example",
        "scope": "Namespaced",
        "names": {"plural": "trials", "singular": "trial", "kind": "Trial", "listKind": "TrialList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                },
                "additionalPrinterColumns": [
                    {
                        "name": "State",
                        "type": "string",
                        "jsonPath": '.status.conditions[?(@.status=="True")].type',
                    },
                    {"name": "Steps", "type": "integer", "jsonPath": ".spec.steps"},
                    {"name": "Loss", "type": "number", "jsonPath": ".status.loss", "priority": 1},
                    {"name": "Paused", "type": "boolean", "jsonPath": ".spec.paused"},
                    {"name": "Args", "type": "string", "jsonPath": ".spec.args"},
                    {"name": "Ended", "type": "date", "jsonPath": ".status.ended"},
                ],
            }
        ],
    },
}


def test_a_custom_kind_shows_its_printer_columns() -> None:
    kinds = Kinds()
    kinds.add_crd(CRD)
    kind = kinds.get("lab.example", "v1", "trials")
    assert kind is not None
    obj = {
        "spec": {"steps": 10, "paused": False, "args": ["a", 1]},
        "status": {
            "loss": 0.5,
            "ended": ago(seconds=90),
            "conditions": [{"type": "Failed", "status": "False"}, {"type": "Done", "status": "True"}],
        },
    }
    assert cells_of(kind, obj, wide=True) == {
        "Name": "it",
        "State": "Done",
        "Steps": 10,
        "Loss": 0.5,
        "Paused": False,
        "Args": '["a",1]',
        "Ended": "90s",
    }
    assert list(cells_of(kind, {}).values())[1:] == [None] * 5


def test_a_custom_kind_without_columns_shows_its_age() -> None:
    kinds = Kinds()
    version = {**CRD["spec"]["versions"][0], "additionalPrinterColumns": []}
    kinds.add_crd({**CRD, "spec": {**CRD["spec"], "versions": [version]}})
    kind = kinds.get("lab.example", "v1", "trials")
    assert kind is not None
    assert cells_of(kind, {}) == {"Name": "it", "Age": "5m"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (".a.b", [1]),
        ("{.a.b}", [1]),
        ("$.a.b", [1]),
        (".a['b']", [1]),
        (r".a.x\.y/z", [2]),
        (".list[0].n", ["p"]),
        (".list[-1].n", ["q"]),
        (".list[-1:].n", ["q"]),
        (".list[*].n", ["p", "q"]),
        (".list[0:1].n", ["p"]),
        (".list[?(@.n=='q')].v", [5]),
        (".list[?(@.v>3)].n", ["q"]),
        (".list[?(@.v)].n", ["p", "q"]),
        (".list[7]", []),
        (".nowhere.at.all", []),
        (".a[", []),
    ],
)
def test_jsonpath(path: str, expected: list[Any]) -> None:
    document = {"a": {"b": 1, "x.y/z": 2}, "list": [{"n": "p", "v": 3}, {"n": "q", "v": 5}]}
    assert jsonpath.find(document, path) == expected


@given(st.text(alphabet=".[]*?@=()'ab01-:{}$", max_size=12))
def test_no_jsonpath_raises(path: str) -> None:
    jsonpath.find({"a": [{"b": 1}]}, path)


def test_selectors_read_as_kubectl_takes_them() -> None:
    rules = [
        {"key": "tier", "operator": "In", "values": ["b", "a"]},
        {"key": "env", "operator": "DoesNotExist"},
    ]
    assert (
        selector_text({"matchLabels": {"app": "web"}, "matchExpressions": rules})
        == "app=web,!env,tier in (a,b)"
    )
    assert selector_text(None) == "<none>"
