"""What a new cluster holds: namespaces, custom kinds, the JAX runtime, classes and roles.

`bootstrap` may run at every start. It creates what is missing, and renews what an older version of
kubelab made; what a user changed is left alone.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from datetime import timedelta

import orjson

from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    NAMESPACES,
    PRIORITY_CLASSES,
    SERVICE_ACCOUNTS,
    SERVICES,
    STORAGE_CLASSES,
    Client,
    Object,
    Resource,
)
from kubelab.clock import Clock, rfc3339
from kubelab.engine.controllers.conditions import is_true
from kubelab.engine.crds import definitions
from kubelab.engine.roles import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, role_bindings, roles
from kubelab.errors import AlreadyExistsError, InvalidError, KubelabError, NotFoundError

NAMESPACE_NAMES = ("default", "kube-system", "kube-public", "kube-node-lease", "kubeflow-system")
TRAINER_VERSION = "v2.3.0"
JAX_IMAGE = "nvcr.io/nvidia/jax:25.10-py3"
API_SERVICES = Resource("apiregistration.k8s.io", "v1", "apiservices", "APIService", namespaced=False)
LOCAL_CLASS = "local"
LOCAL_PROVISIONER = "kubelab.dev/local"
MADE_FROM = "kubelab.dev/made-from"
"""An annotation: the digest of what an object was made from, to see that a newer version differs."""

Item = tuple[Resource, Object]
_LONGEST_WAIT = timedelta(seconds=10)
_WAIT_S = 0.005


class NotEstablishedError(KubelabError):
    """The API server accepted a CustomResourceDefinition but does not serve it."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"the API server does not serve {name}. See `kubectl describe crd {name}` for the reason."
        )


async def bootstrap(client: Client, clock: Clock) -> None:
    """Create what every cluster has.

    Raises
    ------
    NotEstablishedError
        If the custom kinds are not served.
    """
    custom_kinds = [(CUSTOM_RESOURCE_DEFINITIONS, definition) for definition in definitions()]
    await _ensure_all(client, [*_namespaces(), *custom_kinds])
    for _, definition in custom_kinds:
        await _established(client, clock, definition["metadata"]["name"])
    await _ensure_all(client, [*_runtimes(), *_classes(), *_shared(), *_roles()])
    await _ensure_metrics(client, clock)


async def _ensure_metrics(client: Client, clock: Clock) -> None:
    """Say that metrics are served, where clients look for it: in the server itself, so without a Service."""
    name = "v1beta1.metrics.k8s.io"
    service = _object(API_SERVICES, name)
    service["spec"] = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    try:
        created = await client.create(API_SERVICES, service)
    except AlreadyExistsError:
        return
    available = {
        "type": "Available",
        "status": "True",
        "reason": "Local",
        "message": "Local APIServices are always available",
        "lastTransitionTime": rfc3339(clock.now()),
    }
    await client.update(
        API_SERVICES, {**created, "status": {"conditions": [available]}}, subresource="status"
    )


async def _ensure_all(client: Client, items: Iterable[Item]) -> None:
    await asyncio.gather(*(_ensure(client, resource, obj) for resource, obj in items))


async def _ensure(client: Client, resource: Resource, obj: Object) -> None:
    digest = hashlib.sha256(orjson.dumps(obj, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
    meta = obj["metadata"]
    meta["annotations"] = {**(meta.get("annotations") or {}), MADE_FROM: digest}
    try:
        await client.create(resource, obj)
    except (AlreadyExistsError, InvalidError) as refusal:  # a Service's address is refused first
        try:
            existing = await client.get(resource, meta["name"], meta.get("namespace"))
        except NotFoundError:
            raise refusal from None
        made_from = (existing["metadata"].get("annotations") or {}).get(MADE_FROM)
        if made_from not in (None, digest):
            await _renew(client, resource, obj)


async def _renew(client: Client, resource: Resource, obj: Object) -> None:
    """Bring an object to what this version makes; one with immutable fields is made anew."""
    name, namespace = obj["metadata"]["name"], obj["metadata"].get("namespace")
    try:
        await client.patch(resource, name, obj, namespace)
    except InvalidError:
        await client.delete(resource, name, namespace)
        await client.create(resource, obj)


async def _established(client: Client, clock: Clock, name: str) -> None:
    deadline = clock.now() + _LONGEST_WAIT
    while True:
        definition = await client.get(CUSTOM_RESOURCE_DEFINITIONS, name)
        if is_true((definition.get("status") or {}).get("conditions"), "Established"):
            return
        if clock.now() > deadline:
            raise NotEstablishedError(name)
        await asyncio.sleep(_WAIT_S)


def _namespaces() -> list[Item]:
    return [(NAMESPACES, _object(NAMESPACES, name)) for name in NAMESPACE_NAMES]


def _runtimes() -> list[Item]:
    return [(CLUSTER_TRAINING_RUNTIMES, jax_distributed())]


def jax_distributed() -> Object:
    """Return the runtime of Kubeflow Trainer for JAX, whose workers restart together.

    Upstream's (manifests/base/runtimes/jax_distributed.yaml) says nothing of failures. A lost process
    of a distributed JAX program cannot come back alone, so here a pod is not restarted, its Job has no
    back-off, and the JobSet restarts as a whole, three times at most.
    """
    container = {"name": "node", "image": JAX_IMAGE}
    pod = {"restartPolicy": "Never", "containers": [container]}
    job = {
        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
    runtime = _object(CLUSTER_TRAINING_RUNTIMES, "jax-distributed")
    runtime["metadata"]["labels"] = {"trainer.kubeflow.org/framework": "jax"}
    runtime["spec"] = {
        "mlPolicy": {"numNodes": 1, "jax": {}},
        "template": {
            "spec": {
                "failurePolicy": {"maxRestarts": 3},
                "replicatedJobs": [{"name": "node", "template": job}],
            }
        },
    }
    return runtime


def _classes() -> list[Item]:
    """Return the default StorageClass, and the PriorityClasses that upstream reserves."""
    local = {
        **_object(STORAGE_CLASSES, LOCAL_CLASS),
        "provisioner": LOCAL_PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    local["metadata"]["annotations"] = {"storageclass.kubernetes.io/is-default-class": "true"}
    # pkg/apis/scheduling/v1/helpers.go
    reserved = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
    priorities = [{**_object(PRIORITY_CLASSES, name), "value": value} for name, value in reserved.items()]
    return [(STORAGE_CLASSES, local), *((PRIORITY_CLASSES, priority) for priority in priorities)]


def _shared() -> list[Item]:
    """Return the API server's Service, what pods run as, and what Kubeflow's SDK asks the version of.

    The controllers give every namespace its ServiceAccount; this one is for pods made before they run.
    """
    account = _object(SERVICE_ACCOUNTS, "default", "default")
    service = _object(SERVICES, "kubernetes", "default")
    service["metadata"]["labels"] = {"component": "apiserver", "provider": "kubernetes"}
    service["spec"] = {
        "clusterIP": "10.96.0.1",
        "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
    }
    public = _object(CONFIG_MAPS, "kubeflow-trainer-public", "kubeflow-system")
    public["data"] = {"kubeflow_trainer_version": TRAINER_VERSION}
    return [(SERVICE_ACCOUNTS, account), (SERVICES, service), (CONFIG_MAPS, public)]


def _roles() -> list[Item]:
    return [
        *((CLUSTER_ROLES, role) for role in roles()),
        *((CLUSTER_ROLE_BINDINGS, binding) for binding in role_bindings()),
    ]


def _object(resource: Resource, name: str, namespace: str = "") -> Object:
    meta = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": meta}
