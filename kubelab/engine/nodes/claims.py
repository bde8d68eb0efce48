"""Provisions PersistentVolumes for claims on the node's storage class: directories of the state directory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
from pathlib import Path

from kubelab.client import (
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    STORAGE_CLASSES,
    Client,
    Object,
)
from kubelab.engine.nodes.events import Recorder
from kubelab.errors import AlreadyExistsError, ApiError, ConflictError, NotFoundError
from kubelab.informer import Informer

logger = logging.getLogger(__name__)

PROVISIONER = "kubelab.dev/local"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"
_SELECTED = "volume.kubernetes.io/selected-node"
_BY = "pv.kubernetes.io/provisioned-by"


class Claims:
    """Binds claims to directories on this node.

    Parameters
    ----------
    directory : Path
        Where volumes are made; they outlive the pods.
    """

    def __init__(
        self,
        client: Client,
        claims: Informer,
        volumes: Informer,
        events: Recorder,
        *,
        node: str,
        directory: Path,
    ) -> None:
        self._client = client
        self._events = events
        self._node = node
        self._directory = directory
        self._locks: dict[str, asyncio.Lock] = {}
        self._changed: asyncio.Queue[tuple[Object | None, Object | None]] = asyncio.Queue()
        self._claims = claims
        self._volumes = volumes
        claims.subscribe(lambda old, new: self._changed.put_nowait((old, new)))
        volumes.subscribe(self._on_volume)

    async def run(self) -> None:
        """Serve claims that name this node or wait for none; reclaim volumes of deleted claims."""
        while True:
            old, new = await self._changed.get()
            try:
                if new is None and old is not None:
                    await self._reclaim(old)
                elif new is not None and not _is_bound(new):
                    await self._serve(new)
            except (ApiError, OSError) as error:
                logger.warning("claim %s: %s", (new or old or {}).get("metadata", {}).get("name"), error)

    def _on_volume(self, _old: Object | None, new: Object | None) -> None:
        """Look at a claim again whose volume was chosen for it by the scheduler or by hand."""
        reference = ((new or {}).get("spec") or {}).get("claimRef")
        if reference:
            claim = self._claims.get(reference.get("namespace", ""), reference["name"])
            if claim is not None and not _is_bound(claim):
                self._changed.put_nowait((None, claim))

    async def for_pod(self, pod: Object) -> None:
        """Provision what a pod of this node claims and does not have yet."""
        for volume in pod["spec"].get("volumes") or []:
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if not name:
                continue
            claim = await self._client.get(PERSISTENT_VOLUME_CLAIMS, name, pod["metadata"]["namespace"])
            if await self._class_of(claim):
                await self.provision(claim, self._node)

    async def provision(self, claim: Object, node: str) -> None:
        """Make a volume for a claim on a node and bind the two; does nothing if it is bound."""
        uid = claim["metadata"]["uid"]
        async with self._locks.setdefault(uid, asyncio.Lock()):
            meta = claim["metadata"]
            claim = await self._client.get(PERSISTENT_VOLUME_CLAIMS, meta["name"], meta["namespace"])
            if _is_bound(claim) or meta.get("deletionTimestamp"):
                return
            if claim["spec"].get("volumeName") and claim["spec"]["volumeName"] != f"pvc-{uid}":
                return
            storage_class = await self._class_of(claim)
            if storage_class is None:
                return
            volume = await self._create_volume(claim, storage_class, node)
            await self._bind(claim, volume)
            text = f"Successfully provisioned volume {volume['metadata']['name']}"
            self._events.record(
                {"kind": "PersistentVolumeClaim", **claim}, "Normal", "ProvisioningSucceeded", text
            )

    async def _serve(self, claim: Object) -> None:
        volume = await self._chosen_volume(claim)
        if volume is not None:
            await self._bind(claim, volume)
        elif node := await self._node_for(claim):
            await self.provision(claim, node)

    async def _chosen_volume(self, claim: Object) -> Object | None:
        """Return the existing volume whose claimRef names the claim, unless it is one of our making."""
        meta = claim["metadata"]
        page = await self._client.list(PERSISTENT_VOLUMES)
        for volume in page.items:
            reference = volume["spec"].get("claimRef") or {}
            same = (reference.get("namespace"), reference.get("name")) == (meta["namespace"], meta["name"])
            if same and reference.get("uid", meta["uid"]) == meta["uid"]:
                return volume
        return None

    async def _node_for(self, claim: Object) -> str:
        """Return the node to make a volume on now; empty if that is for others, or waits for a pod."""
        storage_class = None if claim["spec"].get("volumeName") else await self._class_of(claim)
        if storage_class is None:
            return ""
        selected = str((claim["metadata"].get("annotations") or {}).get(_SELECTED) or "")
        if selected and self._is_ours(selected):
            return selected
        return self._home() if storage_class.get("volumeBindingMode") == "Immediate" else ""

    async def _class_of(self, claim: Object) -> Object | None:
        """Return the claim's storage class if this node provisions it."""
        name = claim["spec"].get("storageClassName")
        if name is None:
            page = await self._client.list(STORAGE_CLASSES)
            default = [
                each
                for each in page.items
                if (each["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"
            ]
            found = default[0] if default else None
        elif not name:
            return None
        else:
            try:
                found = await self._client.get(STORAGE_CLASSES, name)
            except NotFoundError:
                return None
        ours = found and found.get("provisioner") == PROVISIONER
        return found if ours else None

    def _is_ours(self, node: str) -> bool:
        return node == self._node

    def _home(self) -> str:
        """Return the node for volumes that wait for no pod; empty if others make them."""
        return self._node

    def _make(self, name: str) -> Path:
        """Make a volume's directory."""
        path = self._directory / name
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        return path

    def _has_made(self, name: str) -> bool:
        return (self._directory / name).is_dir()

    async def _remove(self, name: str) -> None:
        await asyncio.to_thread(shutil.rmtree, self._directory / name, ignore_errors=True)

    async def _create_volume(self, claim: Object, storage_class: Object, node: str) -> Object:
        meta, spec = claim["metadata"], claim["spec"]
        name = f"pvc-{meta['uid']}"
        path = self._make(name)
        volume = {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name, "annotations": {_BY: PROVISIONER}},
            "spec": {
                "accessModes": spec.get("accessModes") or ["ReadWriteOnce"],
                "capacity": {"storage": spec["resources"]["requests"]["storage"]},
                "claimRef": {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "namespace": meta["namespace"],
                    "name": meta["name"],
                    "uid": meta["uid"],
                },
                "hostPath": {"path": str(path), "type": "DirectoryOrCreate"},
                "persistentVolumeReclaimPolicy": storage_class.get("reclaimPolicy") or "Delete",
                "storageClassName": storage_class["metadata"]["name"],
                "volumeMode": spec.get("volumeMode") or "Filesystem",
                "nodeAffinity": _on(node),
            },
        }
        try:
            created = await self._client.create(PERSISTENT_VOLUMES, volume)
        except AlreadyExistsError:
            created = await self._client.get(PERSISTENT_VOLUMES, name)
        return created

    async def _bind(self, claim: Object, volume: Object) -> None:
        meta = claim["metadata"]
        annotations = {
            "pv.kubernetes.io/bind-completed": "yes",
            "pv.kubernetes.io/bound-by-controller": "yes",
        }
        patch = {
            "metadata": {"uid": meta["uid"], "annotations": annotations},
            "spec": {
                "volumeName": volume["metadata"]["name"],
                "storageClassName": volume["spec"].get("storageClassName", ""),
            },
        }
        await self._client.patch(PERSISTENT_VOLUME_CLAIMS, meta["name"], patch, meta["namespace"])
        taken = {"status": {"phase": "Bound"}}
        await self._client.patch(PERSISTENT_VOLUMES, volume["metadata"]["name"], taken, subresource="status")
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        await self._client.patch(
            PERSISTENT_VOLUME_CLAIMS,
            meta["name"],
            {"status": status},
            meta["namespace"],
            subresource="status",
        )

    async def _reclaim(self, claim: Object) -> None:
        """Delete the volume of a deleted claim if that is its policy, else say that it is released."""
        name = claim["spec"].get("volumeName")
        if not name or not self._has_made(name):
            return
        with contextlib.suppress(NotFoundError, ConflictError):
            volume = await self._client.get(PERSISTENT_VOLUMES, name)
            if (volume["spec"].get("claimRef") or {}).get("uid") != claim["metadata"]["uid"]:
                return
            if volume["spec"].get("persistentVolumeReclaimPolicy") != "Delete":
                released = {"status": {"phase": "Released"}}
                await self._client.patch(PERSISTENT_VOLUMES, name, released, subresource="status")
                return
            await self._client.delete(PERSISTENT_VOLUMES, name)
            await self._remove(name)


def _is_bound(claim: Object) -> bool:
    return (claim.get("status") or {}).get("phase") == "Bound"


def _on(node: str) -> Object:
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"required": {"nodeSelectorTerms": [{"matchExpressions": [term]}]}}
