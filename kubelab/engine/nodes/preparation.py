"""Makes a pod ready to be supervised: its volumes, its names, its plan."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from kubelab.client import CONFIG_MAPS, SECRETS, Client, Object, Resource
from kubelab.engine.nodes import volumes
from kubelab.engine.nodes.environment import Sources, references
from kubelab.engine.nodes.names import hostname_of
from kubelab.engine.nodes.node_context import NodeContext
from kubelab.engine.nodes.planning import PlanContext, make_plan
from kubelab.errors import NotFoundError


def pod_directory(pod: Object, node: NodeContext) -> Path:
    """Return ``pods/<uid>``."""
    return node.state_dir / "pods" / str(pod["metadata"]["uid"])


async def prepare(pod: Object, node: NodeContext, start_time: str) -> None:
    """Resolve everything that the pod names and write its plan.

    Raises
    ------
    VolumeError, ConfigurationError
        If something that it names is not there yet.
    """
    directory = pod_directory(pod, node)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    namespace = pod["metadata"]["namespace"]
    context = PlanContext(
        node=node.name,
        directory=directory,
        sources=await _sources(pod, node),
        volumes=await prepare_volumes(pod, node),
        isolation=node.isolation,
        start_time=start_time,
        address_of=lambda name: node.hosts.address_of_name(namespace, name),
        compilation_cache=cache_directory(node.state_dir),
        back_off_s=node.back_off_s,
    )
    plan = make_plan(pod, context)
    node.hosts.write(pod, directory)
    (directory / "hostname").write_text(f"{hostname_of(pod)}\n")
    if not (directory / "control").exists():
        os.mkfifo(directory / "control", 0o600)
    plan.save(directory)


async def prepare_volumes(pod: Object, node: NodeContext, *, only_projected: bool = False) -> dict[str, Path]:
    """Make the pod's volumes ready, or renew those whose files come from API objects.

    Returns
    -------
    dict of str to Path
        Each volume's host path.
    """
    address = node.hosts.address_for(pod)
    context = volumes.VolumeContext(
        node.client, pod_directory(pod, node), address, node.host_address, node.allocatable, node.ca_file
    )
    paths = {}
    for volume in pod["spec"].get("volumes") or []:
        if only_projected and not volumes.is_projected(volume):
            continue
        if "persistentVolumeClaim" in volume:
            await node.claim(pod)
        paths[volume["name"]] = await volumes.prepare(pod, volume, context)
    return paths


async def _sources(pod: Object, node: NodeContext) -> Sources:
    config_maps, secrets = references(pod)
    namespace = pod["metadata"]["namespace"]
    found = await _existing(node.client, SECRETS, secrets, namespace)
    return Sources(
        pod=pod,
        address=node.hosts.address_for(pod),
        host_address=node.host_address,
        allocatable=node.allocatable,
        config_maps=await _existing(node.client, CONFIG_MAPS, config_maps, namespace),
        secrets={name: {"kind": "Secret", **secret} for name, secret in found.items()},
    )


async def _existing(client: Client, resource: Resource, names: set[str], namespace: str) -> dict[str, Object]:
    found = {}
    for name in names:
        with contextlib.suppress(NotFoundError):
            found[name] = await client.get(resource, name, namespace)
    return found


def cache_directory(state_dir: Path) -> Path:
    """Return where JAX keeps what it compiled: beside the clusters' states, for all of them."""
    private = state_dir.parent / ".cache"
    path = private / "jax"
    if not path.exists():
        private.mkdir(mode=0o700, exist_ok=True)
        path.mkdir(exist_ok=True)
        path.chmod(0o777)  # pods may run as other users; the folder above it is the user's alone
    return path
