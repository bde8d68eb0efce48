"""What built-in objects must satisfy, with upstream's words and field paths."""

# ruff: noqa: E501 - upstream's sentences are kept whole

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.apiserver.defaults import default
from kubelab.engine.apiserver.kinds import Kind, Kinds
from kubelab.engine.apiserver.validation import validate

KINDS = Kinds()
LABELS = {"app": "a"}
CONTAINER = {"name": "c", "image": "busybox"}


def kind_of(name: str, group: str = "", version: str = "v1") -> Kind:
    kind = KINDS.by_gvk(group, version, name)
    assert kind is not None
    return kind


def made(name: str, group: str = "", **fields: Any) -> Object:
    kind = kind_of(name, group)
    metadata = {"name": "x", **({"namespace": "default"} if kind.resource.namespaced else {})}
    obj: Object = {"apiVersion": kind.resource.api_version, "kind": name, **deepcopy(fields)}
    obj["metadata"] = {**metadata, **deepcopy(fields.get("metadata") or {})}
    default(kind, obj)
    return obj


def problems(obj: Object, old: Object | None = None, subresource: str = "") -> list[str]:
    group, _, _ = obj["apiVersion"].rpartition("/")
    causes = validate(kind_of(obj["kind"], group), obj, old, subresource)
    return [f"{cause.field}: {cause.message}" for cause in causes]


def pod(**spec: Any) -> Object:
    return made("Pod", spec={"containers": [dict(CONTAINER)], **spec})


def container(**fields: Any) -> Object:
    return pod(containers=[{**CONTAINER, **fields}])


def job(template: Object | None = None, **spec: Any) -> Object:
    inner = {"restartPolicy": "Never", "containers": [dict(CONTAINER)], **(template or {})}
    return made("Job", "batch", spec={"template": {"spec": inner}, **spec})


def deployment(**spec: Any) -> Object:
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [dict(CONTAINER)]}}
    return made(
        "Deployment", "apps", spec={"selector": {"matchLabels": LABELS}, "template": template, **spec}
    )


def test_good_objects_have_no_problems() -> None:
    sidecar = {
        "name": "s",
        "image": "a",
        "restartPolicy": "Always",
        "readinessProbe": {"tcpSocket": {"port": 1}},
    }
    full = pod(
        initContainers=[sidecar],
        volumes=[{"name": "v", "emptyDir": {}}],
        tolerations=[{"operator": "Exists"}],
        topologySpreadConstraints=[
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
        ],
        containers=[
            {
                **CONTAINER,
                "ports": [{"containerPort": 80, "name": "http"}],
                "env": [{"name": "A B", "value": ""}],
                "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                "resources": {"limits": {"cpu": "1"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
            }
        ],
    )
    assert problems(full) == []
    assert problems(deployment()) == []
    assert problems(job(completions=3, completionMode="Indexed")) == []
    assert problems(made("Service", spec={"ports": [{"port": 80}], "selector": LABELS})) == []


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"name": ""}, "metadata.name: Required value: name or generateName is required"),
        ({"name": "A"}, 'metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of'),
        ({"labels": {"a": "b c"}}, 'metadata.labels: Invalid value: "b c": a valid label must be an empty string'),
        ({"annotations": {"a": "b" * 300_000}}, "metadata.annotations: Too long: may not be more than 262144 bytes"),
        ({"finalizers": ["x"]}, 'metadata.finalizers[0]: Invalid value: "x": name is neither a standard finalizer'),
        ({"ownerReferences": [{"kind": "A", "name": "b", "apiVersion": "v1"}]},
         "metadata.ownerReferences[0].uid: Required value: must not be empty"),
    ],
)  # fmt: skip
def test_metadata_is_checked(metadata: Object, problem: str) -> None:
    found = problems(made("ConfigMap", metadata=metadata))
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_names_follow_their_kinds_rules() -> None:
    assert "RFC 1123" in problems(made("Service", metadata={"name": "-a"}, spec={"ports": [{"port": 1}]}))[0]
    assert problems(made("Service", metadata={"name": "1a"}, spec={"ports": [{"port": 1}]})) == []
    assert "must not contain dots" in problems(made("Namespace", metadata={"name": "a.b"}))[0]
    assert problems(made("ClusterRole", "rbac.authorization.k8s.io", metadata={"name": "system:a"})) == []


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        (pod(containers=[]), "spec.containers: Required value"),
        (pod(restartPolicy="No"), 'spec.restartPolicy: Unsupported value: "No": supported values: "Always", "OnFailure", "Never"'),
        (container(image=""), "spec.containers[0].image: Required value"),
        (pod(containers=[CONTAINER, CONTAINER]), 'spec.containers[1].name: Duplicate value: "c"'),
        (container(ports=[{"containerPort": 0}]), "spec.containers[0].ports[0].containerPort: Invalid value: 0: must be between 1 and 65535, inclusive"),
        (container(volumeMounts=[{"name": "v", "mountPath": "/v"}]), 'spec.containers[0].volumeMounts[0].name: Not found: "v"'),
        (container(env=[{"name": "", "value": "x"}]), "spec.containers[0].env[0].name: Required value"),
        (container(env=[{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
         'spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'),
        (container(env=[{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.x"}}}]),
         'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x'),
        (container(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}}),
         'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'),
        (container(resources={"limits": {"example.com/gpu": "1"}, "requests": {"example.com/gpu": "2"}}),
         'spec.containers[0].resources.requests: Invalid value: "2": must be equal to example.com/gpu limit of 1'),
        (container(resources={"requests": {"memory": "-1"}}),
         'spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0'),
        (container(livenessProbe={"exec": {"command": ["a"]}, "successThreshold": 2}),
         "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"),
        (container(livenessProbe={"periodSeconds": 2}), "spec.containers[0].livenessProbe: Required value: must specify a handler type"),
        (pod(initContainers=[{"name": "i", "image": "a", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}]),
         "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always"),
        (pod(volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}]),
         "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"),
        (pod(volumes=[{"name": "v"}, {"name": "v"}]), 'spec.volumes[1].name: Duplicate value: "v"'),
        (pod(tolerations=[{"key": "a", "effect": "Perhaps"}]),
         'spec.tolerations[0].effect: Unsupported value: "Perhaps": supported values: "", "NoSchedule", "PreferNoSchedule", "NoExecute"'),
        (pod(nodeSelector={"a b": "c"}), 'spec.nodeSelector: Invalid value: "a b": name part must consist of'),
    ],
)  # fmt: skip
def test_a_pods_problem_is_named(obj: Object, problem: str) -> None:
    found = problems(obj)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_a_pods_image_may_change_but_not_its_command() -> None:
    old = pod()
    new = deepcopy(old)
    new["spec"]["containers"][0]["image"] = "other"
    new["spec"]["tolerations"] = [{"operator": "Exists"}]
    assert problems(new, old) == []
    new["spec"]["containers"][0]["command"] = ["sh"]
    assert problems(new, old) == [
        (
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
            'previously negative)\n+ containers[0].command: ["sh"]'
        )
    ]


def test_scheduling_gates_can_only_be_removed() -> None:
    old = pod(schedulingGates=[{"name": "a"}])
    assert problems(pod(), old) == []
    added = pod(schedulingGates=[{"name": "a"}, {"name": "b"}])
    assert "found new scheduling gate 'b'" in problems(added, old)[0]


def test_an_objects_identity_cannot_change() -> None:
    old = made("ConfigMap", metadata={"uid": "1"})
    new = made("ConfigMap", metadata={"uid": "2"})
    assert problems(new, old) == ['metadata.uid: Invalid value: "2": field is immutable']


def test_a_status_write_is_not_asked_about_the_spec() -> None:
    old = made("Pod", spec={"containers": []})
    assert problems(old, old, "status") == []
    assert problems(old, old)


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        (deployment(selector=None), "spec.selector: Required value"),
        (deployment(selector={"matchLabels": {"app": "b"}}),
         'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`'),
        (deployment(replicas=-1), "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (deployment(strategy={"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}}),
         'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'),
        (job({"restartPolicy": "Always"}), 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'),
        (job(completionMode="Indexed", parallelism=1), "spec.completions: Required value: when completion mode is Indexed"),
        (job(parallelism=-1), "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"),
        (job(maxFailedIndexes=1, completions=2, completionMode="Indexed"),
         "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"),
        (job(podFailurePolicy={"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [0]}}]}),
         "spec.podFailurePolicy.rules[0].onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"),
        (made("Service", spec={}), "spec.ports: Required value"),
        (made("Service", spec={"ports": [{"port": 1}, {"port": 2, "name": "b"}]}), "spec.ports[0].name: Required value"),
        (made("Service", spec={"type": "ExternalName"}), "spec.externalName: Required value"),
        (made("ConfigMap", data={"a b": "c"}), 'data[a b]: Invalid value: "a b": a valid config key must consist of'),
        (made("Secret", type="kubernetes.io/ssh-auth"), "data[ssh-privatekey]: Required value"),
        (made("PersistentVolumeClaim", spec={"accessModes": ["RWO"], "resources": {"requests": {"storage": "1Gi"}}}),
         'spec.accessModes: Unsupported value: "RWO": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'),
        (made("PersistentVolume", spec={"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}),
         "spec: Required value: must specify a volume type"),
        (made("PriorityClass", "scheduling.k8s.io", value=2_000_000_000),
         "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"),
        (made("Role", "rbac.authorization.k8s.io", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": []}]),
         "rules[0].verbs: Required value: verbs must contain at least one value"),
        (made("StorageClass", "storage.k8s.io"), "provisioner: Required value"),
        (made("Ingress", "networking.k8s.io", spec={}), "spec: Invalid value: []: either `defaultBackend` or `rules` must be specified"),
        (made("NetworkPolicy", "networking.k8s.io", spec={"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "x"}}]}]}),
         'spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "x": must be a valid CIDR value'),
        (made("ResourceQuota", spec={"hard": {"cpu": "-1"}}), 'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0'),
        (made("LimitRange", spec={"limits": [{"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}),
         'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1'),
        (made("PodDisruptionBudget", "policy", spec={"minAvailable": "x%"}),
         'spec.minAvailable: Invalid value: "x%": a valid percent string must be'),
    ],
)  # fmt: skip
def test_an_objects_problem_is_named(obj: Object, problem: str) -> None:
    found = problems(obj)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("old", "change", "problem"),
    [
        (deployment(), {"selector": {"matchLabels": LABELS, "matchExpressions": []}}, "spec.selector: Invalid value:"),
        (job(), {"completions": 5}, "spec.completions: Invalid value: 5: field is immutable"),
        (job(), {"completionMode": "Indexed", "completions": 1}, 'spec.completionMode: Invalid value: "Indexed": field is immutable'),
        (made("Service", spec={"clusterIP": "10.0.0.1", "ports": [{"port": 1}]}), {"clusterIP": "10.0.0.2"},
         'spec.clusterIPs[0]: Invalid value: ["10.0.0.1"]: may not change once set'),
    ],
)  # fmt: skip
def test_an_immutable_field_is_named(old: Object, change: Object, problem: str) -> None:
    new = deepcopy(old)
    new["spec"].update(change)
    found = problems(new, old)
    assert len(found) == 1, found
    assert found[0].startswith(problem)


def test_a_jobs_template_may_change_where_it_is_scheduled_while_it_is_suspended() -> None:
    old = job(suspend=True)
    new = deepcopy(old)
    new["spec"]["suspend"] = False
    new["spec"]["template"]["spec"]["nodeSelector"] = {"a": "b"}
    assert problems(new, old) == []
    old["spec"]["suspend"] = False
    assert problems(new, old)[0].startswith("spec.template: Invalid value: ")
    assert problems(new, old)[0].endswith(": field is immutable")


def test_a_templates_labels_are_checked() -> None:
    labels = {"app": "a", "long": "b" * 64}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [CONTAINER]}}
    assert problems(deployment(template=template))[0].startswith("spec.template.labels: Invalid value: ")


def test_an_immutable_config_map_keeps_its_data() -> None:
    old = made("ConfigMap", immutable=True, data={"a": "1"})
    new = made("ConfigMap", immutable=True, data={"a": "2"})
    assert problems(new, old) == ["data: Forbidden: field is immutable when `immutable` is set"]


def test_mounts_of_a_stateful_set_may_be_of_its_claim_templates() -> None:
    container = {**CONTAINER, "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    storage = {"resources": {"requests": {"storage": "1Gi"}}}
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], **storage}}
    spec = {"selector": {"matchLabels": LABELS}, "template": template, "serviceName": "x"}
    assert problems(made("StatefulSet", "apps", spec={**spec, "volumeClaimTemplates": [claim]})) == []
    (problem,) = problems(made("StatefulSet", "apps", spec=spec))
    assert problem == 'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"'
