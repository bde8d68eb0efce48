"""Requests whose answers the engines must agree on, to the byte where they are refusals."""

from __future__ import annotations

from typing import Any

from tests.conformance.raw import APPLY, JSON_PATCH, MERGE, STRATEGIC, TABLE, Call

NS = "/api/v1/namespaces/{ns}"
PODS = f"{NS}/pods"
MAPS = f"{NS}/configmaps"
JOBS = "/apis/batch/v1/namespaces/{ns}/jobs"
JOB_SETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/{ns}/jobsets"
TRAIN_JOBS = "/apis/trainer.kubeflow.org/v1alpha1/namespaces/{ns}/trainjobs"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{ns}/deployments"
SERVICES = f"{NS}/services"
ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{ns}/roles"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def pod(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A small pod."""
    container = {"name": "main", "image": "busybox"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"automountServiceAccountToken": False, "containers": [container], **spec},
    }


def config_map(name: str = "a", **data: str) -> dict[str, Any]:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def job(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A Job."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox"}]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template, **spec},
    }


def job_set(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A JobSet of one replicated Job."""
    jobs = [{"name": "w", "template": {"spec": job()["spec"]}}]
    return {
        "apiVersion": "jobset.x-k8s.io/v1alpha2",
        "kind": "JobSet",
        "metadata": {"name": name},
        "spec": {"replicatedJobs": jobs, **spec},
    }


def train_job(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A TrainJob."""
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "TrainJob",
        "metadata": {"name": name},
        "spec": {"runtimeRef": {"name": "jax-distributed"}, **spec},
    }


def deployment(name: str = "a", **spec: Any) -> dict[str, Any]:
    """A Deployment."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "main", "image": "busybox"}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template, **spec},
    }


def crd(plural: str, schema: dict[str, Any], **version: Any) -> dict[str, Any]:
    """A CustomResourceDefinition."""
    served = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": schema}},
        **version,
    }
    kind = plural.removesuffix("s").capitalize()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.conformance.dev"},
        "spec": {
            "group": "conformance.dev",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [served],
        },
    }


def _container(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "main", "image": "busybox", **fields}]


def _sized(requests: Any, limits: Any, name: str = "a", **spec: Any) -> dict[str, Any]:
    """A pod that asks for resources."""
    return pod(name, containers=_container(resources={"requests": requests, "limits": limits}), **spec)


def _resize(name: str = "a", *, container: Any = None, **resources: Any) -> Call:
    """A change of its container's resources."""
    changed = {"name": "main", "resources": resources, **(container or {})}
    return Call("PATCH", f"{PODS}/{name}/resize", {"spec": {"containers": [changed]}}, STRATEGIC)


def _more(**requests: str) -> dict[str, Any]:
    return {"name": "first", "image": "busybox", "resources": {"requests": requests}}


def _node(name: str, **allocatable: str) -> dict[str, Any]:
    """A node with everything that upstream writes, if only as empty."""
    info = "machineID systemUUID bootID kernelVersion osImage containerRuntimeVersion kubeletVersion"
    names = [*info.split(), "kubeProxyVersion", "operatingSystem", "architecture"]
    status = {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": dict.fromkeys(names, "")}
    return {"metadata": {"name": name}, "spec": {}, "status": {**status, "allocatable": allocatable}}


def _policy(resource: str, restart: str = "RestartContainer") -> dict[str, str]:
    return {"resourceName": resource, "restartPolicy": restart}


CASES: dict[str, list[Call]] = {
    "verbs": [
        Call("GET", f"{MAPS}/none"),
        Call("POST", MAPS, config_map(k="v")),
        Call("POST", MAPS, config_map(k="v")),
        Call("GET", f"{MAPS}/a"),
        Call("PUT", f"{MAPS}/a", config_map(k="w")),
        Call("PUT", f"{MAPS}/b", config_map("a")),
        Call("PUT", f"{MAPS}/none", config_map("none")),
        Call("PUT", f"{MAPS}/a", {**config_map(), "metadata": {"name": "a", "resourceVersion": "1"}}),
        Call("PUT", f"{MAPS}/a", {**config_map(), "metadata": {"name": "a", "resourceVersion": "x"}}),
        Call("PUT", f"{MAPS}/a", {**config_map(), "metadata": {"name": "a", "uid": "other"}}),
        Call("DELETE", f"{MAPS}/a"),
        Call("DELETE", f"{MAPS}/a"),
        Call("POST", f"{MAPS}/a", config_map()),
        Call("PATCH", MAPS, {}, MERGE),
        Call("PUT", MAPS, config_map()),
        Call("GET", "/api/v1/namespaces/{ns}/nothings"),
        Call("GET", "/apis/nothing.dev/v1/things"),
        Call("GET", "/apis/batch/v9/jobs"),
        Call("GET", "/nothing"),
        Call("GET", f"{MAPS}/a/status"),
        Call("GET", f"{PODS}/a/nothing"),
        Call("DELETE", "/api/v1/namespaces/none"),
        Call("GET", "/api/v1/namespaces/none/pods/a"),
        Call("POST", "/api/v1/namespaces/none/configmaps", config_map()),
        Call("DELETE", f"{MAPS}?labelSelector=app%3Dnone"),
    ],
    "bodies": [
        Call("POST", MAPS, "{"),
        Call("POST", MAPS, ""),
        Call("POST", MAPS, "[]"),
        Call("POST", MAPS, '"text"'),
        Call("POST", MAPS, {}),
        Call("POST", MAPS, {"kind": "ConfigMap"}),
        Call("POST", MAPS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}),
        Call("POST", MAPS, {"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "a"}}),
        Call("POST", MAPS, {**config_map(), "metadata": {"name": "a", "namespace": "other"}}),
        Call("POST", MAPS, {**config_map(), "data": {"k": 1}}),
        Call("POST", MAPS, {**config_map(), "data": []}),
        Call("POST", MAPS, {**config_map(), "metadata": []}),
        Call("POST", MAPS, {**config_map(), "metadata": {"name": 7}}),
        Call("POST", MAPS, {**config_map(), "metadata": {"name": "a", "labels": {"a": 1}}}),
        Call("POST", MAPS, config_map(), "text/plain"),
        Call("POST", MAPS, config_map(), accept="text/plain"),
        Call("POST", f"{MAPS}?fieldValidation=Strict", {**config_map("s"), "nope": 1}),
        Call("POST", f"{MAPS}?fieldValidation=Strict", '{"metadata":{"name":"d","name":"e"}}'),
        Call("POST", f"{MAPS}?fieldValidation=Nope", config_map("n")),
        Call("POST", f"{MAPS}?dryRun=All", config_map("dry")),
        Call("POST", f"{MAPS}?dryRun=Some", config_map("dry")),
        Call("GET", f"{MAPS}/dry"),
        Call("POST", PODS, {**pod(), "spec": {"containers": [{"name": 3, "image": "x"}]}}),
        Call("POST", PODS, {**pod(), "spec": {"containers": {"name": "x"}}}),
        Call("POST", PODS, {**pod(), "spec": {"containers": [], "terminationGracePeriodSeconds": "x"}}),
        Call("POST", PODS, pod(containers=_container(ports=[{"containerPort": "80"}]))),
        Call("POST", PODS, pod(containers=_container(resources={"limits": {"cpu": "a"}}))),
        Call("POST", PODS, pod(containers=_container(resources={"limits": {"cpu": True}}))),
        Call("POST", f"{PODS}?fieldValidation=Strict", pod(containers=_container(nope=1))),
    ],
    "names": [
        Call("POST", MAPS, config_map("Upper")),
        Call("POST", MAPS, config_map("a_b")),
        Call("POST", MAPS, config_map("a" * 254)),
        Call("POST", MAPS, config_map("")),
        Call("POST", MAPS, {**config_map(), "data": {"a/b": "x"}}),
        Call("POST", MAPS, {**config_map(), "data": {"x": "1"}, "binaryData": {"x": "YQ=="}}),
        Call("POST", MAPS, {**config_map(), "binaryData": {"x": "not base64!"}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "labels": {"-bad": "x"}}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "labels": {"ok": "bad value"}}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "labels": {"ok": "x" * 64}}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "annotations": {"a b": ""}}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "finalizers": ["nope"]}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "ownerReferences": [{"name": "x"}]}}),
        Call("POST", MAPS, {"metadata": {"name": "l", "resourceVersion": "5"}}),
        Call("POST", MAPS, {"metadata": {"generateName": "Bad_"}}),
        Call("POST", "/api/v1/namespaces", {"metadata": {"name": "a.b"}}),
        Call("POST", SERVICES, {"metadata": {"name": "1a"}, "spec": {"ports": [{"port": 80}]}}),
        Call("POST", PODS, pod("A")),
    ],
    "pods": [
        Call("POST", PODS, pod()),
        Call("GET", f"{PODS}/a"),
        Call("GET", f"{PODS}/a", accept=TABLE),
        Call("POST", PODS, pod("b", containers=[])),
        Call("POST", PODS, {**pod("b"), "spec": {}}),
        Call("POST", PODS, pod("b", containers=[{"name": "main"}])),
        Call("POST", PODS, pod("b", containers=[{"image": "x"}])),
        Call("POST", PODS, pod("b", containers=[*_container(), *_container()])),
        Call("POST", PODS, pod("b", restartPolicy="Sometimes")),
        Call("POST", PODS, pod("b", dnsPolicy="Never")),
        Call("POST", PODS, pod("b", containers=_container(imagePullPolicy="Maybe"))),
        Call("POST", PODS, pod("b", containers=_container(ports=[{"containerPort": 0}]))),
        Call("POST", PODS, pod("b", containers=_container(ports=[{"containerPort": 70000}]))),
        Call("POST", PODS, pod("b", containers=_container(env=[{"name": ""}]))),
        Call(
            "POST", PODS, pod("b", containers=_container(env=[{"name": "A", "value": "b", "valueFrom": {}}]))
        ),
        Call("POST", PODS, pod("b", containers=_container(volumeMounts=[{"name": "v", "mountPath": "/v"}]))),
        Call("POST", PODS, pod("b", volumes=[{"name": "v"}, {"name": "v"}])),
        Call("POST", PODS, pod("b", volumes=[{"name": "v", "emptyDir": {}, "hostPath": {"path": "/"}}])),
        Call(
            "POST",
            PODS,
            pod("b", containers=_container(resources={"requests": {"cpu": 2}, "limits": {"cpu": 1}})),
        ),
        Call("POST", PODS, pod("b", containers=_container(resources={"limits": {"memory": "-1"}}))),
        Call("POST", PODS, pod("b", containers=_container(resources={"limits": {"nope": "1"}}))),
        Call("POST", PODS, pod("b", containers=_container(livenessProbe={}))),
        Call(
            "POST",
            PODS,
            pod("b", containers=_container(livenessProbe={"httpGet": {"port": 0}, "periodSeconds": -1})),
        ),
        Call("POST", PODS, pod("b", tolerations=[{"key": "a", "operator": "Exists", "value": "x"}])),
        Call("POST", PODS, pod("b", nodeSelector={"a b": "c"})),
        Call("POST", PODS, pod("b", activeDeadlineSeconds=0)),
        Call("POST", PODS, pod("b", terminationGracePeriodSeconds=-1)),
        Call("POST", PODS, pod("b", priorityClassName="none")),
        Call("POST", PODS, pod("b", serviceAccountName="none")),
        Call("POST", PODS, pod("b", hostname="Bad_Host")),
        Call("POST", PODS, pod("b", initContainers=[{"name": "main", "image": "x"}])),
        Call("POST", PODS, pod("b", schedulingGates=[{"name": "a"}])),
        Call("POST", PODS, pod("c", overhead={"cpu": "1"})),
        Call("POST", PODS, pod("d", ephemeralContainers=_container())),
        Call("PUT", f"{PODS}/a", pod(containers=_container(command=["x"]))),
        Call("PATCH", f"{PODS}/a", {"spec": {"containers": _container(image="other")}}, STRATEGIC),
        Call("PATCH", f"{PODS}/a", {"spec": {"nodeName": "x"}}, MERGE),
        Call("PATCH", f"{PODS}/a", {"spec": {"restartPolicy": "Never"}}, MERGE),
        Call("PATCH", f"{PODS}/a", {"spec": {"activeDeadlineSeconds": 5}}, MERGE),
        Call("PATCH", f"{PODS}/a", {"spec": {"activeDeadlineSeconds": 9}}, MERGE),
        Call("POST", f"{PODS}/a/binding", {"target": {}}),
        Call("POST", f"{PODS}/none/binding", {"target": {"kind": "Node", "name": "n"}}),
        Call(
            "POST", f"{PODS}/a/binding", {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n"}}
        ),
        Call(
            "POST", f"{PODS}/a/binding", {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "m"}}
        ),
        Call("POST", f"{PODS}/b/eviction", {"metadata": {"name": "none"}}),
        Call("GET", f"{PODS}/none/log"),
        Call("GET", f"{PODS}/b/log"),
        Call("GET", f"{PODS}/b/log?container=x"),
        Call("GET", f"{PODS}/b/log?tailLines=-1"),
        Call("GET", f"{PODS}/b/log?tailLines=x"),
        Call("DELETE", f"{PODS}/b?propagationPolicy=Nope"),
        Call("DELETE", f"{PODS}/b?gracePeriodSeconds=x"),
        Call("DELETE", f"{PODS}/b", {"preconditions": {"uid": "other"}}),
        Call("DELETE", f"{PODS}/b", {"preconditions": {"resourceVersion": "1"}}),
        Call("DELETE", f"{PODS}/b"),
        Call("DELETE", f"{PODS}/a"),
        Call("GET", f"{PODS}/a"),
        Call("DELETE", f"{PODS}/a?gracePeriodSeconds=0"),
        Call("GET", f"{PODS}/a"),
    ],
    "selectors": [
        Call("POST", MAPS, {"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}}}),
        Call("POST", MAPS, {"metadata": {"name": "b", "labels": {"x": "2"}}}),
        *(
            Call("GET", f"{MAPS}?labelSelector={each}")
            for each in (
                "x",
                "!x",
                "x%3D1",
                "x!%3D1",
                "x+in+(1,2)",
                "x+notin+(1)",
                "x>1",
                "x%3D1,y%3D2",
                "x==2",
            )
        ),
        *(
            Call("GET", f"{MAPS}?labelSelector={each}")
            for each in ("x+in+1", "x+in+()", "%3D", "a+b", "x%3D-", "x>a", "(x)", ",", "x,,y", "-x%3D1")
        ),
        Call("GET", f"{MAPS}?fieldSelector=metadata.name%3Da"),
        Call("GET", f"{MAPS}?fieldSelector=metadata.name!%3Da"),
        Call("GET", f"{MAPS}?fieldSelector=data.k%3Da"),
        Call("GET", f"{MAPS}?fieldSelector=metadata.name"),
        Call("GET", f"{PODS}?fieldSelector=spec.nope%3Da"),
        Call("GET", f"{PODS}?fieldSelector=status.phase%3DRunning,spec.nodeName!%3Dx"),
        Call("GET", f"{JOBS}?fieldSelector=spec.parallelism%3D1"),
        Call("GET", f"{JOB_SETS}?fieldSelector=spec.suspend%3Dtrue"),
        Call("GET", f"{MAPS}?limit=x"),
        Call("GET", f"{MAPS}?limit=-1"),
        Call("GET", f"{MAPS}?limit=1&continue=nope"),
        Call("GET", f"{MAPS}?resourceVersion=x"),
        Call("GET", f"{MAPS}?resourceVersion=0"),
        Call("GET", f"{MAPS}?resourceVersionMatch=Exact"),
        Call("GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=Nope"),
        Call("GET", f"{MAPS}?resourceVersion=0&resourceVersionMatch=Exact"),
        Call("GET", f"{MAPS}?resourceVersion=99999999"),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=x"),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1&sendInitialEvents=true"),
        Call("GET", f"{MAPS}?watch=maybe&timeoutSeconds=1"),
        Call("GET", MAPS, accept="application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
        Call("GET", f"{MAPS}/a", accept="application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
        Call("GET", MAPS, accept=TABLE),
        Call("GET", MAPS, accept="application/json;as=Nothing;v=v1;g=meta.k8s.io"),
        Call("GET", MAPS, accept="text/html"),
    ],
    "patches": [
        Call("POST", MAPS, config_map(k="v", l="w")),
        Call("PATCH", f"{MAPS}/a", {"data": {"k": None, "m": "x"}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"data": None}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"data": {"k": 1}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"data": "x"}, MERGE),
        Call("PATCH", f"{MAPS}/a", "{", MERGE),
        Call("PATCH", f"{MAPS}/a", "[]", MERGE),
        Call("PATCH", f"{MAPS}/a", '"x"', MERGE),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"name": "other"}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"namespace": "other"}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"uid": "other"}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"resourceVersion": "1"}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"kind": "Pod"}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"apiVersion": "v9"}, MERGE),
        Call("PATCH", f"{MAPS}/none", {}, MERGE),
        Call("PATCH", f"{MAPS}/a", {}, "text/plain"),
        Call("PATCH", f"{MAPS}/a", {}, "application/json"),
        Call("PATCH", f"{MAPS}/a", [{"op": "add", "path": "/data", "value": {"z": "1"}}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "replace", "path": "/data/none", "value": "1"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "remove", "path": "/data/none"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "test", "path": "/data/z", "value": "2"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "test", "path": "/data/none", "value": "2"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "move", "from": "/data/z", "path": "/data/y"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "copy", "from": "/data/none", "path": "/data/y"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "nope", "path": "/data"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "add", "path": "data", "value": "1"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", [{"op": "add", "value": "1"}], JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", {}, JSON_PATCH),
        Call("PATCH", f"{MAPS}/a", "{", JSON_PATCH),
        Call("POST", DEPLOYMENTS, deployment()),
        Call(
            "PATCH",
            f"{DEPLOYMENTS}/a",
            {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "x"}]}}}},
            STRATEGIC,
        ),
        Call(
            "PATCH",
            f"{DEPLOYMENTS}/a",
            {"spec": {"template": {"spec": {"containers": [{"name": "main", "$patch": "delete"}]}}}},
            STRATEGIC,
        ),
        Call(
            "PATCH",
            f"{DEPLOYMENTS}/a",
            {"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}},
            STRATEGIC,
        ),
        Call("PATCH", f"{DEPLOYMENTS}/a", {"spec": {"$patch": "nope"}}, STRATEGIC),
        Call("PATCH", f"{DEPLOYMENTS}/a", {"spec": {"selector": {"matchLabels": {"x": "y"}}}}, STRATEGIC),
        Call("PATCH", f"{DEPLOYMENTS}/a", {"spec": {"replicas": "x"}}, STRATEGIC),
        Call("PATCH", f"{DEPLOYMENTS}/a", {"spec": {"replicas": -1}}, STRATEGIC),
        Call("GET", f"{DEPLOYMENTS}/a/scale"),
        Call("PATCH", f"{DEPLOYMENTS}/a/scale", {"spec": {"replicas": 3}}, MERGE),
        Call("PATCH", f"{DEPLOYMENTS}/a/scale", {"spec": {"replicas": -3}}, MERGE),
        Call("PATCH", f"{JOB_SETS}/none", {}, STRATEGIC),
    ],
    "apply": [
        Call("PATCH", f"{MAPS}/a?fieldManager=one", config_map(k="v"), APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=two", config_map(k="w"), APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=two&force=true", config_map(k="w"), APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one", config_map(l="x"), APPLY),
        Call("GET", f"{MAPS}/a"),
        Call("PATCH", f"{MAPS}/a", config_map(k="v"), APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one&force=maybe", config_map(k="v"), APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one&force=true", config_map(k="v"), MERGE),
        Call("PATCH", f"{MAPS}/a?fieldManager=one", {"data": {}}, APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one", config_map("other"), APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one", {**config_map(), "kind": "Pod"}, APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one", {**config_map(), "nope": 1}, APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager=one", "a: [", APPLY),
        Call("PATCH", f"{MAPS}/a?fieldManager={'x' * 129}", config_map(), APPLY),
        Call("PATCH", f"{DEPLOYMENTS}/d?fieldManager=one", deployment("d", replicas=2), APPLY),
        Call("PATCH", f"{DEPLOYMENTS}/d?fieldManager=two", deployment("d", replicas=3), APPLY),
        Call("PATCH", f"{DEPLOYMENTS}/d/scale?fieldManager=hpa", {"spec": {"replicas": 5}}, MERGE),
        Call("PATCH", f"{DEPLOYMENTS}/d?fieldManager=one", deployment("d", replicas=2), APPLY),
        Call("PATCH", f"{JOB_SETS}/a?fieldManager=one", job_set(), APPLY),
        Call("PATCH", f"{JOB_SETS}/a?fieldManager=two", job_set(suspend=True), APPLY),
        Call("PATCH", f"{JOB_SETS}/a?fieldManager=one", job_set(suspend=False), APPLY),
    ],
    "finalizers": [
        Call("POST", MAPS, {"metadata": {"name": "a", "finalizers": ["conformance.dev/wait"]}}),
        Call("DELETE", f"{MAPS}/a"),
        Call("GET", f"{MAPS}/a"),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": ["conformance.dev/more"]}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"labels": {"a": "b"}}}, MERGE),
        Call("PATCH", f"{MAPS}/a", {"metadata": {"finalizers": None}}, MERGE),
        Call("GET", f"{MAPS}/a"),
        Call("POST", MAPS, config_map("o")),
        Call("DELETE", f"{MAPS}/o?propagationPolicy=Foreground"),
        Call("GET", f"{MAPS}/o"),
        Call("POST", MAPS, config_map("p")),
        Call("DELETE", f"{MAPS}/p", {"propagationPolicy": "Orphan", "orphanDependents": True}),
        Call("DELETE", f"{MAPS}/p", {"kind": "Pod", "apiVersion": "v1"}),
        Call("DELETE", f"{MAPS}/p", {"dryRun": ["All"]}),
        Call("DELETE", MAPS),
    ],
    "jobs": [
        Call("POST", JOBS, job()),
        Call("GET", f"{JOBS}/a", accept=TABLE),
        Call("POST", JOBS, job("b", completions=-1)),
        Call("POST", JOBS, job("b", parallelism=-1, backoffLimit=-1)),
        Call("POST", JOBS, job("b", completionMode="Indexed")),
        Call("POST", JOBS, job("b", completionMode="Nope")),
        Call("POST", JOBS, job("b", manualSelector=True)),
        Call("POST", JOBS, job("b", selector={"matchLabels": {"a": "b"}})),
        Call("POST", JOBS, job("b", backoffLimitPerIndex=1)),
        Call("POST", JOBS, job("b", podFailurePolicy={"rules": [{"action": "Nope"}]})),
        Call("POST", JOBS, job("b", successPolicy={"rules": []})),
        Call("POST", JOBS, job("b", ttlSecondsAfterFinished=-1)),
        Call("POST", JOBS, job("b", podReplacementPolicy="Nope")),
        Call("POST", JOBS, job("b", managedBy="nope")),
        Call("POST", JOBS, {**job("b"), "spec": {}}),
        Call("POST", JOBS, {**job("b"), "spec": {"template": {"spec": {"containers": _container()}}}}),
        Call("PATCH", f"{JOBS}/a", {"spec": {"completions": 5}}, MERGE),
        Call("PATCH", f"{JOBS}/a", {"spec": {"parallelism": 5}}, MERGE),
        Call("PATCH", f"{JOBS}/a", {"spec": {"template": {"spec": {"restartPolicy": "OnFailure"}}}}, MERGE),
        Call("PATCH", f"{JOBS}/a/status", {"status": {"active": -1}}, MERGE),
        Call("PATCH", f"{JOBS}/a", {"spec": {"suspend": True}}, MERGE),
        Call("DELETE", f"{JOBS}/a"),
    ],
    "job sets": [
        Call("POST", JOB_SETS, job_set()),
        Call("GET", f"{JOB_SETS}/a"),
        Call("GET", JOB_SETS, accept=TABLE),
        Call("POST", JOB_SETS, job_set("B")),
        Call("POST", JOB_SETS, job_set("b" * 60)),
        Call("POST", JOB_SETS, job_set("b", suspend="yes")),
        Call("POST", JOB_SETS, job_set("b", successPolicy={"operator": "Most"})),
        Call("POST", JOB_SETS, job_set("b", failurePolicy={"rules": [{"name": "x"}]})),
        Call("POST", JOB_SETS, job_set("b", replicatedJobs=[{"name": "w"}])),
        Call("POST", JOB_SETS, job_set("b", ttlSecondsAfterFinished=-1)),
        Call("POST", JOB_SETS, job_set("b", replicatedJobs=[*job_set()["spec"]["replicatedJobs"]] * 2)),
        Call("POST", f"{JOB_SETS}?fieldValidation=Strict", job_set("b", nope=1)),
        Call("POST", JOB_SETS, job_set("c", nope=1)),
        Call("PATCH", f"{JOB_SETS}/a", {"spec": {"network": {"subdomain": "x"}}}, MERGE),
        Call("PATCH", f"{JOB_SETS}/a", {"spec": {"suspend": True}}, STRATEGIC),
        Call("PATCH", f"{JOB_SETS}/a/status", {"status": {"restarts": "x"}}, MERGE),
        Call("PATCH", f"{JOB_SETS}/a/status", {"status": {"restarts": 1}, "spec": {"suspend": True}}, MERGE),
        Call("PUT", f"{JOB_SETS}/a", job_set()),
        Call("POST", TRAIN_JOBS, train_job()),
        Call("POST", TRAIN_JOBS, train_job("B")),
        Call("POST", TRAIN_JOBS, train_job("b", trainer={"numNodes": "x"})),
        Call("POST", TRAIN_JOBS, train_job("b", managedBy="me")),
        Call("PATCH", f"{TRAIN_JOBS}/a", {"spec": {"runtimeRef": {"name": "other"}}}, MERGE),
        Call("GET", TRAIN_JOBS, accept=TABLE),
        Call("DELETE", f"{JOB_SETS}/a"),
    ],
    "definitions": [
        Call("POST", CRDS, {**crd("gadgets", {}), "metadata": {"name": "wrong"}}),
        Call("POST", CRDS, crd("gadgets", {"spec": {"type": "nope"}})),
        Call("POST", CRDS, crd("gadgets", {"spec": {}})),
        Call("POST", CRDS, crd("gadgets", {"spec": {"type": "array"}})),
        Call("POST", CRDS, crd("gadgets", {"spec": {"type": "string", "default": 1}})),
        Call("POST", CRDS, crd("gadgets", {}, storage=False)),
        Call("POST", CRDS, crd("gadgets", {}, name="V1")),
        Call(
            "POST",
            CRDS,
            crd("gadgets", {"spec": {"type": "object", "x-kubernetes-validations": [{"rule": "self.x +"}]}}),
        ),
        Call(
            "POST",
            CRDS,
            crd(
                "gadgets", {"spec": {"type": "object", "x-kubernetes-validations": [{"rule": "self.x > 1"}]}}
            ),
        ),
        Call("DELETE", f"{CRDS}/none.conformance.dev"),
    ],
    "strategies": [
        Call("POST", DEPLOYMENTS, deployment("s")),
        Call(
            "PATCH",
            f"{DEPLOYMENTS}/s/status",
            {"metadata": {"labels": {"st": "x"}}, "spec": {"replicas": 9}, "status": {"replicas": 2}},
            MERGE,
        ),
        Call("PATCH", f"{DEPLOYMENTS}/s", {"metadata": {"annotations": {"a": "b"}}}, MERGE),
        Call("PATCH", f"{DEPLOYMENTS}/s", {"metadata": {"labels": {"a": "b"}}}, MERGE),
        Call("PATCH", f"{DEPLOYMENTS}/s/status", {"metadata": {"annotations": {"a": "c"}}}, MERGE),
        Call("POST", MAPS, config_map("f")),
        Call("PATCH", f"{MAPS}/f", {"metadata": {"finalizers": ["foo"]}}, MERGE),
        Call("PATCH", f"{MAPS}/f", {"metadata": {"finalizers": ["a.b/foo"]}}, MERGE),
        Call("PUT", ROLES + "/new", {"metadata": {"name": "new"}, "rules": []}),
        Call("PUT", f"{MAPS}/missing", config_map("missing")),
    ],
    "services": [
        Call("POST", SERVICES, {"metadata": {"name": "a"}, "spec": {}}),
        Call("POST", SERVICES, {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 0}]}}),
        Call("POST", SERVICES, {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 1}, {"port": 2}]}}),
        Call("POST", SERVICES, {"metadata": {"name": "a"}, "spec": {"type": "Nope", "ports": [{"port": 1}]}}),
        Call(
            "POST", SERVICES, {"metadata": {"name": "a"}, "spec": {"clusterIP": "x", "ports": [{"port": 1}]}}
        ),
        Call("POST", SERVICES, {"metadata": {"name": "h"}, "spec": {"clusterIP": "None"}}),
        Call("PATCH", f"{SERVICES}/h", {"spec": {"clusterIP": "10.96.3.4"}}, MERGE),
        Call("DELETE", f"{SERVICES}/h"),
    ],
    "resizes": [
        Call("POST", "/api/v1/nodes", _node("resizes", cpu="4", memory="4Gi")),
        Call("POST", PODS, _sized({"cpu": "1", "memory": "1Gi"}, {"cpu": "2", "memory": "2Gi"})),
        Call("GET", f"{PODS}/a/resize"),
        Call("GET", f"{PODS}/none/resize"),
        Call("PATCH", f"{PODS}/none/resize", {}, MERGE),
        Call("POST", f"{PODS}/a/resize", {}),
        Call("DELETE", f"{PODS}/a/resize"),
        _resize(requests={"cpu": "1500m"}),
        _resize(requests={"cpu": "1500m"}),
        _resize(limits={"memory": "3072Mi"}),
        _resize(requests={"cpu": "3"}),
        _resize(requests={"cpu": "-1"}),
        _resize(requests={"cpu": "2", "memory": "3Gi"}),
        _resize(requests={"cpu": None}),
        _resize(requests={"cpu": None}, limits={"memory": None}),
        _resize(requests={"ephemeral-storage": "1Gi"}),
        _resize(requests={"nope": "1"}),
        _resize(requests={"cpu": "1", "example.com/gpu": "1"}, limits={"example.com/gpu": "1"}),
        _resize(container={"image": "other"}),
        _resize(container={"resizePolicy": [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]}),
        _resize(container={"name": "other", "image": "x"}),
        Call("PATCH", f"{PODS}/a/resize", {"metadata": {"labels": {"a": "b"}}}, MERGE),
        Call("PATCH", f"{PODS}/a/resize", {"spec": {"activeDeadlineSeconds": 5}}, MERGE),
        Call("PATCH", f"{PODS}/a/resize", {"status": {"phase": "Running"}}, MERGE),
        Call("PATCH", f"{PODS}/a/resize", {"spec": {"containers": []}}, MERGE),
        Call("PATCH", f"{PODS}/a/resize", {"spec": {"containers": _container(name="b")}}, MERGE),
        Call("PATCH", f"{PODS}/a", {"spec": {"containers": [_more(cpu="1")]}}, STRATEGIC),
        Call("PUT", f"{PODS}/a/resize", _sized({"cpu": "1"}, {"cpu": "2"})),
        Call("PUT", f"{PODS}/a/resize", _sized({"cpu": "1", "memory": "1Gi"}, {"cpu": "2", "memory": "2Gi"})),
        Call("PUT", f"{PODS}/none/resize", _sized({"cpu": "1"}, {"cpu": "2"}, "none")),
        Call("GET", f"{PODS}/a"),
        Call("POST", PODS, _sized({"cpu": "1"}, {}, "n", nodeName="resizes")),
        _resize("n", requests={"cpu": "3"}),
        _resize("n", requests={"cpu": "5", "memory": "5Gi"}),
        _resize("n", requests={"cpu": "2", "memory": "5Gi"}),
        Call("PATCH", f"{PODS}/n/resize", {"spec": {"resources": {"requests": {"cpu": "4"}}}}, MERGE),
        Call(
            "POST",
            PODS,
            _sized({"cpu": "1"}, {}, "init", nodeName="resizes", initContainers=[_more(cpu="1")]),
        ),
        Call("PATCH", f"{PODS}/init/resize", {"spec": {"initContainers": [_more(cpu="2")]}}, STRATEGIC),
        Call("POST", PODS, _sized({"cpu": "1"}, {}, "lost", nodeName="none")),
        _resize("lost", requests={"cpu": "2"}),
        Call("POST", PODS, pod("best")),
        _resize("best", requests={"cpu": "2"}),
        Call("POST", PODS, _sized({"cpu": "1"}, {"cpu": "1", "memory": "1Gi"}, "sure")),
        _resize("sure", requests={"memory": "2Gi"}, limits={"memory": "2Gi"}),
        _resize("sure", requests={"memory": "1Gi"}),
        Call("POST", PODS, pod("p", containers=_container(resizePolicy=[_policy("disk", "NotRequired")]))),
        Call("POST", PODS, pod("p", containers=_container(resizePolicy=[_policy("cpu", "Sometimes")]))),
        Call("POST", PODS, pod("p", containers=_container(resizePolicy=[_policy("cpu"), _policy("cpu")]))),
        Call(
            "POST",
            PODS,
            pod("p", containers=_container(resizePolicy=[_policy("cpu")]), restartPolicy="Never"),
        ),
        Call("POST", PODS, pod("p", initContainers=[{**_more(cpu="1"), "resizePolicy": [_policy("cpu")]}])),
        Call("POST", PODS, pod("m", os={"name": "windows"})),
        Call("PATCH", f"{PODS}/m/resize", {}, MERGE),
    ],
}
