"""`launch`: from a function to a job; `attach`: from a job's name to its handle."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubelab import portal
from kubelab.client import (
    CLUSTER_TRAINING_RUNTIMES,
    CONFIG_MAPS,
    JAX_JOBS,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    SERVICES,
    STORAGE_CLASSES,
    TRAIN_JOBS,
    TRAINING_RUNTIMES,
    Client,
    Object,
    Resource,
)
from kubelab.errors import AlreadyExistsError, ApiError, NotFoundError
from kubelab.quantities import Quantity
from kubelab.training import builders
from kubelab.training.commit import commit_of
from kubelab.training.errors import LaunchError
from kubelab.training.handle import TrainJob
from kubelab.training.indexed_job import headless_service
from kubelab.training.pod.context import steps_of
from kubelab.training.request import (
    JobRequest,
    Kind,
    check,
    check_function,
    check_mapping,
    default_name,
    name_of,
)
from kubelab.training.shipping import archive

DEFAULT_RESOURCES: Mapping[str, Quantity] = {"cpu": 1, "memory": "1Gi"}
DEFAULT_CHECKPOINT_EVERY = 50
_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def launch(
    client: Client,
    namespace: str,
    fn: Callable[..., object],
    *,
    name: str | None = None,
    num_nodes: int = 2,
    args: Mapping[str, Any] | None = None,
    resources: Mapping[str, Quantity] | None = None,
    checkpoint_every: int | None = DEFAULT_CHECKPOINT_EVERY,
    kind: Kind = "TrainJob",
    env: Mapping[str, str] | None = None,
    volumes: Mapping[str, Object] | None = None,
    image: str | None = None,
    max_restarts: int = 3,
) -> TrainJob:
    """Create a job that runs ``fn`` on several workers, and return its handle.

    Parameters
    ----------
    client : Client
        The cluster's API.
    namespace : str
        Where the job goes.
    fn : callable
        An ordinary function; it travels by value with the helpers and local modules it uses.
    name : str, optional
        Made from the function's name unless given.
    num_nodes : int
        Workers, each in a pod of its own.
    args : mapping, optional
        Keyword arguments of ``fn``; they keep their types.
    resources : mapping, optional
        What each worker requests and is limited to; 1 CPU and 1Gi of memory unless given.
    checkpoint_every : int or None
        Steps between checkpoints; None for a job without a volume.
    kind : {"TrainJob", "JAXJob", "Job"}
        Kubeflow Trainer's object, the training operator's, or Kubernetes' own Indexed Job, which a TrainJob
        becomes on a cluster without Trainer.
    env : mapping, optional
        Further environment variables.
    volumes : mapping, optional
        What the workers read from: a path in the pod, and the source of a Kubernetes volume.
    image : str, optional
        The cluster's JAX runtime's image unless given.
    max_restarts : int
        How often the workers start again after one was lost; a JAXJob's only with checkpoints. A
        function that raises is not run again.

    Raises
    ------
    LaunchError
        If an option is wrong or the function cannot travel; nothing was created.
    ApiError
        If the cluster refuses it; what was created is deleted.
    """
    args = check_mapping("args", args, '{"lr": 3e-3}')
    env = check_mapping("env", env, '{"XLA_FLAGS": "..."}')
    volumes = check_mapping("volumes", volumes, '{"/mnt/data": {"hostPath": {"path": "/data"}}}')
    resources = check_mapping("resources", resources, '{"cpu": 1, "memory": "1Gi"}')
    values = check_function(fn, args)
    request = check(
        JobRequest(
            name=default_name(fn, secrets.token_hex(2)) if name is None else name,
            namespace=namespace,
            function=name_of(fn),
            kind=kind,
            num_nodes=num_nodes,
            resources={**DEFAULT_RESOURCES, **resources},
            checkpoint_every=0 if checkpoint_every is None else checkpoint_every,
            max_restarts=max_restarts,
            image=image or "",
            env={variable: str(value) for variable, value in env.items()},
            volumes=volumes,
            steps=steps_of(values),
            commit=commit_of(Path.cwd()),
        )
    )
    shipped = archive(fn, args)
    request = replace(request, args_json=shipped.args_json)
    created = portal.run(create(client, request, shipped.content))
    return TrainJob(client, created["kind"], request.namespace, request.name, created["metadata"]["uid"])


def attach(client: Client, namespace: str, name: str) -> TrainJob:
    """Return the handle of a job that exists.

    Raises
    ------
    NotFoundError
        If there is no TrainJob, JAXJob or Indexed Job that kubelab made of that name.
    """
    return portal.run(_attach(client, namespace, name))


async def create(client: Client, request: JobRequest, content: bytes) -> Object:
    """Create a job's objects: all of them exist afterwards, or none.

    Raises
    ------
    LaunchError
        If the cluster has Trainer without its JAX runtime, no place for checkpoints, or a job of that name.
    ApiError
        If the cluster refuses an object.
    """
    (request, base), _ = await asyncio.gather(fit(client, request), _check_storage(client, request))
    owned = [(CONFIG_MAPS, builders.code_config_map(request, content))]
    if request.checkpoint_every:
        owned.append((PERSISTENT_VOLUME_CLAIMS, builders.checkpoint_claim(request)))
    if request.kind == "Job":
        owned.append((SERVICES, headless_service(request)))
    if base is not None:
        await ensure_runtime(
            client, builders.restarting_runtime(base, request.max_restarts, request.namespace)
        )
    try:
        return await create_owning(client, builders.resource_of(request.kind), builders.build(request), owned)
    except AlreadyExistsError as error:
        raise _taken(request) from error


async def fit(client: Client, request: JobRequest) -> tuple[JobRequest, Object | None]:
    """Return the request as the cluster can take it, with Trainer's runtime for JAX where it is a TrainJob.

    Raises
    ------
    LaunchError
        If the cluster has Trainer without its JAX runtime.
    """
    base = await _base_runtime(client, request)
    if request.kind == "TrainJob" and base is None:
        request = replace(request, kind="Job")
    if request.kind == "TrainJob":
        return request, base
    image = request.image or (builders.runtime_image(base) if base else "") or builders.DEFAULT_IMAGE
    return replace(request, image=image), None


async def create_owning(
    client: Client, resource: Resource, body: Object, owned: Sequence[tuple[Resource, Object]]
) -> Object:
    """Create an object and what goes when it goes: all of them exist afterwards, or none.

    Raises
    ------
    ApiError
        If the cluster refuses one of them.
    """
    namespace = body["metadata"]["namespace"]
    created: list[tuple[Resource, str]] = []
    try:
        for each, part in owned:
            await client.create(each, part)
            created.append((each, part["metadata"]["name"]))
        owner = await client.create(resource, body)
    except BaseException:
        for each, name in created:
            await client.delete(each, name, namespace)
        raise
    await asyncio.gather(
        *(client.patch(each, name, builders.owned_by(owner), namespace) for each, name in created)
    )
    return owner


async def _base_runtime(client: Client, request: JobRequest) -> Object | None:
    """Return Trainer's runtime for JAX; None where it is not needed, or where there is no Trainer."""
    if request.kind != "TrainJob" and request.image:
        return None
    try:
        return await client.get(CLUSTER_TRAINING_RUNTIMES, builders.BASE_RUNTIME)
    except NotFoundError:
        if request.kind == "TrainJob" and await serves(client, TRAIN_JOBS, request.namespace):
            raise LaunchError(builders.base_runtime_missing()) from None
        return None


async def serves(client: Client, resource: Resource, namespace: str) -> bool:
    """Return whether the cluster has a kind of object."""
    try:
        await client.list(resource, namespace, limit=1)
    except NotFoundError:
        return False
    return True


async def _check_storage(client: Client, request: JobRequest) -> None:
    if not request.checkpoint_every:
        return
    try:
        classes = (await client.list(STORAGE_CLASSES)).items
    except ApiError:  # not every user may look: then the claim itself tells
        return
    if not any((each["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true" for each in classes):
        raise LaunchError(builders.storage_class_missing())


async def ensure_runtime(client: Client, runtime: Object) -> None:
    """Create a TrainingRuntime unless it is there."""
    meta = runtime["metadata"]
    try:
        await client.get(TRAINING_RUNTIMES, meta["name"], meta["namespace"])
    except NotFoundError:
        with contextlib.suppress(AlreadyExistsError):
            await client.create(TRAINING_RUNTIMES, runtime)


def _taken(request: JobRequest) -> LaunchError:
    return LaunchError(
        f"there is already a job {request.name!r} in namespace {request.namespace!r}. Choose another name, "
        f"or delete it first: cluster.job({request.name!r}).stop()."
    )


async def _attach(client: Client, namespace: str, name: str) -> TrainJob:
    missing: NotFoundError | None = None
    for resource in (TRAIN_JOBS, JAX_JOBS, JOBS):
        try:
            job = await client.get(resource, name, namespace)
        except NotFoundError as error:
            missing = missing or error
            continue
        if resource != JOBS or is_launched(job):
            return TrainJob(client, resource.kind, namespace, name, job["metadata"]["uid"])
    raise missing or NotFoundError({"code": 404, "message": f'jobs.batch "{name}" not found'})


def is_launched(job: Object) -> bool:
    """Return whether kubelab made a Job for a function."""
    return builders.FUNCTION in (job["metadata"].get("annotations") or {})
