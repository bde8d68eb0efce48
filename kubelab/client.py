"""One small API protocol: the verbs of Kubernetes over any transport.

`Client` speaks to an API server through a `Transport`: over HTTP (`kubelab.http`, any kubeconfig) or
in process (inside the embedded server). Objects are plain JSON dictionaries, as on the wire.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import orjson

from kubelab.errors import ApiError

Object = dict[str, Any]
PatchType = Literal["json", "merge", "strategic", "apply"]

_PATCH_MEDIA = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind is served: its group, version and plural."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """``v1`` for the core group, else ``group/version``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(
        self, namespace: str | None = None, name: str | None = None, subresource: str | None = None
    ) -> str:
        """Return the URL path of the collection or of one object."""
        parts = ["/apis", self.group, self.version] if self.group else ["/api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/".join(parts)


PODS = Resource("", "v1", "pods", "Pod")
SERVICES = Resource("", "v1", "services", "Service")
ENDPOINTS = Resource("", "v1", "endpoints", "Endpoints")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
EVENTS = Resource("", "v1", "events", "Event")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
PERSISTENT_VOLUME_CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
PERSISTENT_VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
JOBS = Resource("batch", "v1", "jobs", "Job")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
STORAGE_CLASSES = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
RESOURCE_QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")
HORIZONTAL_AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
PRIORITY_CLASSES = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
JOB_SETS = Resource("jobset.x-k8s.io", "v1alpha2", "jobsets", "JobSet")
TRAIN_JOBS = Resource("trainer.kubeflow.org", "v1alpha1", "trainjobs", "TrainJob")
TRAINING_RUNTIMES = Resource("trainer.kubeflow.org", "v1alpha1", "trainingruntimes", "TrainingRuntime")
CLUSTER_TRAINING_RUNTIMES = Resource(
    "trainer.kubeflow.org",
    "v1alpha1",
    "clustertrainingruntimes",
    "ClusterTrainingRuntime",
    namespaced=False,
)
JAX_JOBS = Resource("kubeflow.org", "v1", "jaxjobs", "JAXJob")
EXPERIMENTS = Resource("kubeflow.org", "v1beta1", "experiments", "Experiment")
SUGGESTIONS = Resource("kubeflow.org", "v1beta1", "suggestions", "Suggestion")
TRIALS = Resource("kubeflow.org", "v1beta1", "trials", "Trial")
_AUTOSCALING = ("autoscaling.kubelab.dev", "v1alpha1")
NODE_GROUPS = Resource(*_AUTOSCALING, "nodegroups", "NodeGroup", namespaced=False)
NODE_GROUP_SETS = Resource(*_AUTOSCALING, "nodegroupsets", "NodeGroupSet", namespaced=False)
CLUSTER_AUTOSCALERS = Resource(*_AUTOSCALING, "clusterautoscalers", "ClusterAutoscaler", namespaced=False)
SCALING_DECISIONS = Resource(*_AUTOSCALING, "scalingdecisions", "ScalingDecision", namespaced=False)
INSTANCE_SCORES = Resource(*_AUTOSCALING, "instancescores", "InstanceScore", namespaced=False)
_VERTICAL = ("autoscaling.k8s.io", "v1")
VERTICAL_POD_AUTOSCALERS = Resource(*_VERTICAL, "verticalpodautoscalers", "VerticalPodAutoscaler")
VERTICAL_POD_AUTOSCALER_CHECKPOINTS = Resource(
    *_VERTICAL, "verticalpodautoscalercheckpoints", "VerticalPodAutoscalerCheckpoint"
)
POD_METRICS = Resource("metrics.k8s.io", "v1beta1", "pods", "PodMetrics")
METER_READINGS = Resource("costs.kubelab.dev", "v1alpha1", "meterreadings", "MeterReading", namespaced=False)
CHAOS_EXPERIMENTS = Resource("chaos.kubelab.dev", "v1alpha1", "chaosexperiments", "ChaosExperiment")


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer, read whole."""

    status: int
    body: bytes
    content_type: str = "application/json"


class Transport(Protocol):
    """How a request reaches an API server."""

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        content_type: str = "application/json",
    ) -> Response:
        """Send one request and return its answer, whatever its status."""
        ...

    def stream(self, method: str, path: str, query: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """Yield the body of a long answer in chunks as they arrive; raise `ApiError` if it is refused."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A page of a collection, with the version to watch from."""

    items: list[Object]
    resource_version: str
    continue_token: str = ""


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """One change: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``, and the object after it."""

    type: str
    object: Object


class Client:
    """The verbs of the Kubernetes API; every method may raise `ApiError`.

    Parameters
    ----------
    transport : Transport
        How requests travel.
    field_manager : str
        Who the writes are recorded as in ``managedFields``.
    cluster : str
        What the cluster is called here.
    folder : Path, optional
        The private folder on this machine for what is kept of the cluster.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        field_manager: str = "kubelab",
        cluster: str = "",
        folder: Path | None = None,
    ) -> None:
        self.transport = transport
        self.field_manager = field_manager
        self.cluster = cluster
        self.folder = folder

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object:
        """Return one object."""
        return await self._json("GET", resource.path(namespace, name))

    async def read(self, path: str) -> Object:
        """Return what is served at a path that is no resource, such as ``/version`` and ``/apis``."""
        return await self._json("GET", path)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        """Return a collection; all namespaces where none is named."""
        query = _given(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=str(limit) if limit else "",
            **{"continue": continue_token},
        )
        body = await self._json("GET", resource.path(namespace), query)
        meta = body.get("metadata", {})
        return ObjectList(body.get("items") or [], meta.get("resourceVersion", ""), meta.get("continue", ""))

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncGenerator[WatchEvent, None]:
        """Yield changes after a version until the server ends the stream.

        Raises
        ------
        ExpiredError
            If the version is too old: list again.
        """
        query = _given(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        async with aclosing(_lines(self.transport.stream("GET", resource.path(namespace), query))) as lines:
            async for line in lines:
                event = orjson.loads(line)
                if event["type"] == "ERROR":
                    raise ApiError.of(event["object"])
                yield WatchEvent(event["type"], event["object"])

    async def create(
        self,
        resource: Resource,
        body: Object,
        namespace: str | None = None,
        *,
        subresource_of: str = "",
        subresource: str = "",
    ) -> Object:
        """Create an object, or with ``subresource_of`` post to a subresource such as ``binding``."""
        namespace = namespace or (body.get("metadata") or {}).get("namespace")
        path = resource.path(namespace, subresource_of or None, subresource or None)
        return await self._json("POST", path, {"fieldManager": self.field_manager}, body)

    async def update(self, resource: Resource, body: Object, *, subresource: str = "") -> Object:
        """Replace an object; `ConflictError` if its resourceVersion is stale."""
        meta = body["metadata"]
        path = resource.path(meta.get("namespace"), meta["name"], subresource or None)
        return await self._json("PUT", path, {"fieldManager": self.field_manager}, body)

    async def patch(
        self,
        resource: Resource,
        name: str,
        patch: Any,
        namespace: str | None = None,
        *,
        type: PatchType = "merge",
        subresource: str = "",
        force: bool = False,
        dry_run: bool = False,
    ) -> Object:
        """Change part of an object; ``type="apply"`` is server-side apply, and a dry run changes nothing."""
        query = _given(
            fieldManager=self.field_manager,
            force="true" if force else "",
            dryRun="All" if dry_run else "",
        )
        path = resource.path(namespace, name, subresource or None)
        return await self._json("PATCH", path, query, patch, _PATCH_MEDIA[type])

    async def delete(
        self,
        resource: Resource,
        name: str,
        namespace: str | None = None,
        *,
        propagation: Literal["Background", "Foreground", "Orphan", ""] = "",
        grace_period_seconds: int | None = None,
        uid: str = "",
    ) -> Object:
        """Delete an object; returns it, or a ``Status`` once it is gone."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if propagation:
            options["propagationPolicy"] = propagation
        if grace_period_seconds is not None:
            options["gracePeriodSeconds"] = grace_period_seconds
        if uid:
            options["preconditions"] = {"uid": uid}
        return await self._json("DELETE", resource.path(namespace, name), {}, options)

    async def logs(
        self,
        name: str,
        namespace: str,
        *,
        container: str = "",
        follow: bool = False,
        tail_lines: int | None = None,
        timestamps: bool = False,
        previous: bool = False,
    ) -> AsyncGenerator[str, None]:
        """Yield a container's log lines, without their newlines."""
        query = _given(
            container=container,
            follow="true" if follow else "",
            tailLines="" if tail_lines is None else str(tail_lines),
            timestamps="true" if timestamps else "",
            previous="true" if previous else "",
        )
        async with aclosing(
            _lines(self.transport.stream("GET", PODS.path(namespace, name, "log"), query))
        ) as lines:
            async for line in lines:
                yield line.decode(errors="replace")

    async def close(self) -> None:
        """Close the transport."""
        await self.transport.close()

    async def _json(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        data = None if body is None else orjson.dumps(body)
        response = await self.transport.request(method, path, query or {}, data, content_type)
        if response.status >= 400:
            raise refusal(response.status, response.body)
        document: Object = orjson.loads(response.body)
        return document


def refusal(status: int, body: bytes) -> ApiError:
    """Return the error of an answer: the server's ``Status``, or what a proxy before it said."""
    try:
        return ApiError.of(orjson.loads(body))
    except (orjson.JSONDecodeError, AttributeError):
        # A path that is not served at all is refused in plain text: its kind does not exist either.
        reason = "NotFound" if status == 404 else ""
        message = f"HTTP {status}: {body.decode(errors='replace')[:500]}"
        return ApiError.of({"code": status, "reason": reason, "message": message})


def _given(**query: str) -> dict[str, str]:
    return {key: value for key, value in query.items() if value}


async def _lines(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    rest = b""
    async with aclosing(chunks) as source:
        async for chunk in source:
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line
    if rest:
        yield rest
