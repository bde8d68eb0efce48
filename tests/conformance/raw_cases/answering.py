"""In which form answers come: YAML, tables, metadata alone, and what cannot be served."""

from __future__ import annotations

from tests.conformance.cases import CRDS, DEPLOYMENTS, JOB_SETS, MAPS, PODS, config_map, deployment, pod
from tests.conformance.raw import TABLE, Call

YAML = "application/yaml"
_PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
_ACCEPTED = (
    "",
    "*/*",
    "application/*",
    "text/*",
    "text/html",
    "text/plain",
    "application/xml",
    "text/html,application/json",
    "text/html,*/*;q=0.1",
    "application/json;q=0",
    "application/json;charset=utf-8",
    "application/json;pretty=1",
    "application/json; as=Table",
    "application/json;as=Table;v=v1",
    "application/json;as=Table;v=v2;g=meta.k8s.io",
    "application/json;as=Table;v=v1;g=nope",
    "application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    "application/json;as=Nope;v=v1;g=meta.k8s.io",
    "application/json;as=Nope;v=v1;g=meta.k8s.io,application/json",
    "application/json;as=PartialObjectMetadata",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "nonsense",
    ";",
    "application/json;stream=watch",
)

_KINDS = {
    "/api/v1": (
        "configmaps,endpoints,events,limitranges,namespaces,nodes,persistentvolumeclaims,persistentvolumes,pods,"
        "podtemplates,replicationcontrollers,resourcequotas,secrets,serviceaccounts,services"
    ),
    "/apis/apps/v1": "controllerrevisions,daemonsets,deployments,replicasets,statefulsets",
    "/apis/batch/v1": "cronjobs,jobs",
    "/apis/autoscaling/v1": "horizontalpodautoscalers",
    "/apis/autoscaling/v2": "horizontalpodautoscalers",
    "/apis/events.k8s.io/v1": "events",
    "/apis/networking.k8s.io/v1": "ingressclasses,ingresses,networkpolicies",
    "/apis/policy/v1": "poddisruptionbudgets",
    "/apis/rbac.authorization.k8s.io/v1": "clusterrolebindings,clusterroles,rolebindings,roles",
    "/apis/storage.k8s.io/v1": (
        "csidrivers,csinodes,csistoragecapacities,storageclasses,volumeattachments,volumeattributesclasses"
    ),
    "/apis/apiextensions.k8s.io/v1": "customresourcedefinitions",
    "/apis/scheduling.k8s.io/v1": "priorityclasses",
    "/apis/coordination.k8s.io/v1": "leases",
    "/apis/node.k8s.io/v1": "runtimeclasses",
    "/apis/discovery.k8s.io/v1": "endpointslices",
    "/apis/trainer.kubeflow.org/v1alpha1": "clustertrainingruntimes,trainingruntimes,trainjobs",
    "/apis/kubeflow.org/v1beta1": "experiments,suggestions,trials",
}

CASES: dict[str, list[Call]] = {
    "accepted forms": [
        Call("POST", MAPS, config_map(k="v")),
        *(Call("GET", f"{MAPS}/a", accept=each) for each in _ACCEPTED),
        *(Call("GET", MAPS, accept=each) for each in _ACCEPTED),
        Call("POST", MAPS, config_map("b"), accept=_PARTIAL),
        Call("POST", MAPS, config_map("c"), accept="text/html"),
        Call("GET", f"{MAPS}/c"),
        Call("DELETE", f"{MAPS}/b", accept="text/html"),
        Call("DELETE", f"{MAPS}/b", accept=_PARTIAL),
        Call("GET", f"{MAPS}/none", accept="text/html"),
        Call("GET", f"{MAPS}/none", accept=TABLE),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1", accept="text/html"),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1", accept=_PARTIAL),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1", accept=TABLE),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1", accept=f"{_PARTIAL},text/html"),
        Call("GET", MAPS, accept=_PARTIAL),
        Call("GET", "/api", accept="text/html"),
        Call("GET", "/apis/apps/v1", accept="text/html"),
        Call("GET", "/version", accept="text/html"),
    ],
    "yaml": [
        Call("POST", MAPS, "metadata: {name: a}\ndata:\n  k: v\n", YAML, YAML),
        Call("POST", MAPS, "metadata: {name: b}\ndata:\n  k: 1\n", YAML, YAML),
        Call("POST", MAPS, "metadata: {name: b\n", YAML, YAML),
        Call("POST", MAPS, "metadata: {name: b}\nnope: x\n", YAML, YAML),
        Call("POST", f"{MAPS}?fieldValidation=Strict", "metadata: {name: s}\nnope: x\n", YAML),
        Call(
            "POST",
            f"{MAPS}?fieldValidation=Strict",
            "metadata: {name: s}\ndata: {a: x, a: z}\n",
            YAML,
        ),
        Call("GET", f"{MAPS}/a", accept=YAML),
        Call("GET", f"{MAPS}/none", accept=YAML),
        Call("GET", MAPS, accept=YAML),
        Call("GET", f"{MAPS}/a", accept=f"{YAML};as=Table;v=v1;g=meta.k8s.io"),
        Call("GET", f"{MAPS}?watch=1&timeoutSeconds=1", accept=YAML),
        Call("DELETE", f"{MAPS}/a", accept=YAML),
        Call("POST", MAPS, "metadata: {name: b}\ndata: {a: y}\n", YAML),
        Call("POST", MAPS, "metadata: {name: b}\ndata: {on: x}\n", YAML),
        Call("GET", f"{CRDS}/none", accept=YAML),
        Call("GET", JOB_SETS, accept=YAML),
        Call("GET", JOB_SETS, accept="text/html"),
        Call("GET", f"{JOB_SETS}/none", accept=f"{_PARTIAL}"),
    ],
    "columns": [
        Call("GET", f"{group}/{plural}?labelSelector=nobody%3Dhas", accept=TABLE)
        for group, plurals in _KINDS.items()
        for plural in plurals.split(",")
    ],
    "tables": [
        Call("POST", PODS, pod()),
        Call("POST", PODS, pod("b", nodeName="n")),
        Call("POST", DEPLOYMENTS, deployment()),
        Call("GET", PODS, accept=TABLE),
        Call("GET", f"{PODS}/a?includeObject=None", accept=TABLE),
        Call("GET", f"{PODS}/a?includeObject=Object", accept=TABLE),
        Call("GET", f"{PODS}/a?includeObject=Nope", accept=TABLE),
        Call("GET", f"{PODS}?limit=1&includeObject=None", accept=TABLE),
        Call("GET", f"{PODS}?watch=1&timeoutSeconds=1&includeObject=None", accept=TABLE),
        Call("GET", DEPLOYMENTS, accept=TABLE),
        Call("GET", f"{MAPS}?labelSelector=a%3Db", accept=TABLE),
        Call("GET", f"{CRDS}/jobsets.jobset.x-k8s.io?includeObject=None", accept=TABLE),
        Call("GET", f"{JOB_SETS}?includeObject=None", accept=TABLE),
        Call("GET", "/api/v1/namespaces/{ns}?includeObject=None", accept=TABLE),
        Call("DELETE", f"{PODS}/a?includeObject=None", accept=TABLE),
        Call("DELETE", f"{DEPLOYMENTS}/a", accept=TABLE),
    ],
}
