"""A pod's volumes, made ready as directories and files below ``pods/<uid>/volumes``.

Config maps, secrets, the downward API and projections are written as upstream's atomic writer does: files
are links through ``..data``, which is switched at once (kubernetes/pkg/volume/util/atomic_writer.go, v1.33).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kubelab.client import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    SECRETS,
    SERVICE_ACCOUNTS,
    Client,
    Object,
)
from kubelab.engine.nodes.environment import (
    ConfigurationError,
    containers_of,
    data_of,
    field_value,
    resource_value,
)
from kubelab.errors import KubelabError, NotFoundError

_ROOT_CA = "kube-root-ca.crt"
_PROJECTED = ("configMap", "secret", "downwardAPI", "projected")
_versions = itertools.count()


class VolumeError(KubelabError):
    """A volume cannot be made ready yet; the message is that of the ``FailedMount`` event."""

    def __init__(self, volume: str, cause: str) -> None:
        self.volume = volume
        super().__init__(f'MountVolume.SetUp failed for volume "{volume}" : {cause}')


@dataclass(frozen=True, slots=True)
class File:
    """One projected file: path within the volume, content, mode."""

    path: str
    content: bytes
    mode: int


@dataclass(frozen=True, slots=True)
class VolumeContext:
    """What volumes are made from besides the pod."""

    client: Client
    directory: Path
    address: str
    host_address: str
    allocatable: Mapping[str, str]
    ca_file: Path


def is_projected(volume: Object) -> bool:
    """Say whether the volume's files come from API objects, and so change with them."""
    return any(kind in volume for kind in _PROJECTED)


async def prepare(pod: Object, volume: Object, context: VolumeContext) -> Path:
    """Make a volume ready, or renew it, and return the host path to mount.

    Raises
    ------
    VolumeError
        If what it names does not exist, or is of a kind that this node cannot mount.
    """
    name: str = volume["name"]
    path = context.directory / "volumes" / name
    try:
        if is_projected(volume):
            write_atomically(path, await _files(pod, volume, context))
            return path
        if "hostPath" in volume:
            return await asyncio.to_thread(_host_path, volume)
        if claim := _claim_of(pod, volume):
            return await _claimed(pod, name, claim, context)
    except (ConfigurationError, NotFoundError, OSError) as error:
        raise VolumeError(name, str(error)) from error
    if "emptyDir" in volume:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        return path
    kinds = ", ".join(key for key in volume if key != "name") or "empty"
    raise VolumeError(name, f"this node cannot mount volumes of type {kinds}")


def write_atomically(directory: Path, files: list[File]) -> None:
    """Replace the visible files of a volume in one step.

    Raises
    ------
    ConfigurationError
        If a file would not be within the volume.
    """
    for file in files:
        _check_within(file.path)
    directory.mkdir(parents=True, exist_ok=True)
    current = directory / "..data"
    old = current.resolve() if current.is_symlink() else None
    if old is not None and _contents(old) == {file.path: file.content for file in files}:
        return
    fresh = directory / f"..{os.getpid()}_{next(_versions)}"
    for file in files:
        target = fresh / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    fresh.mkdir(exist_ok=True)
    link = directory / "..data_tmp"
    link.unlink(missing_ok=True)  # of a writer that was killed here
    link.symlink_to(fresh.name)
    link.replace(current)
    _link_names(directory, {Path(file.path).parts[0] for file in files})
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _check_within(path: str) -> None:
    parts = path.split("/")
    if not path or path.startswith(("/", "..")) or ".." in parts:
        raise ConfigurationError(
            f"invalid path {path!r}: it must be relative, must not contain '..' and must not start with it"
        )


def _contents(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def _link_names(directory: Path, names: set[str]) -> None:
    for name in names:
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    for entry in directory.iterdir():
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()


async def _files(pod: Object, volume: Object, context: VolumeContext) -> list[File]:
    if "projected" in volume:
        sources, mode = volume["projected"].get("sources") or [], volume["projected"].get("defaultMode")
    else:
        sources, mode = (
            [volume],
            next(volume[kind] or {} for kind in _PROJECTED if kind in volume).get("defaultMode"),
        )
    files = [file for source in sources for file in await _source_files(pod, source, mode or 0o644, context)]
    return list({file.path: file for file in files}.values())


async def _source_files(pod: Object, source: Object, mode: int, context: VolumeContext) -> list[File]:
    if "downwardAPI" in source:
        return _downward(pod, source["downwardAPI"] or {}, mode, context)
    if "serviceAccountToken" in source:
        return [await _token(pod, source["serviceAccountToken"], mode, context)]
    kind = "configMap" if "configMap" in source else "secret"
    if kind not in source:
        raise ConfigurationError(f"this node cannot project {', '.join(source)}")
    reference = source[kind]
    name = reference.get("name") or reference.get("secretName")
    data = await _data(pod, kind, name, reference, context)
    if not reference.get("items"):
        return [File(key, content, mode) for key, content in data.items()]
    return [_item(name, item, data, mode) for item in reference["items"] if _wanted(item, data, reference)]


def _wanted(item: Object, data: dict[str, bytes], reference: Object) -> bool:
    return item["key"] in data or not reference.get("optional")


def _item(name: str, item: Object, data: dict[str, bytes], mode: int) -> File:
    if item["key"] not in data:
        raise ConfigurationError(f"references non-existent config key: {item['key']} of {name}")
    return File(item["path"], data[item["key"]], item.get("mode") or mode)


async def _data(
    pod: Object, kind: str, name: str, reference: Object, context: VolumeContext
) -> dict[str, bytes]:
    namespace = pod["metadata"]["namespace"]
    try:
        resource = CONFIG_MAPS if kind == "configMap" else SECRETS
        found = await context.client.get(resource, name, namespace)
    except NotFoundError:
        if name == _ROOT_CA:
            return {"ca.crt": context.ca_file.read_bytes()}
        if reference.get("optional"):
            return {}
        raise ConfigurationError(f'{kind.lower()} "{name}" not found') from None
    return data_of({"kind": resource.kind, **found})


def _downward(pod: Object, downward: Object, mode: int, context: VolumeContext) -> list[File]:
    files = []
    for item in downward.get("items") or []:
        if ref := item.get("fieldRef"):
            text = field_value(pod, ref["fieldPath"], context.address, context.host_address)
        else:
            ref = item["resourceFieldRef"]
            text = resource_value(pod, containers_of(pod)[0], ref, context.allocatable)
        files.append(File(item["path"], text.encode(), item.get("mode") or mode))
    return files


async def _token(pod: Object, projection: Object, mode: int, context: VolumeContext) -> File:
    meta = pod["metadata"]
    request = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {
            "audiences": [projection["audience"]] if projection.get("audience") else [],
            "expirationSeconds": projection.get("expirationSeconds") or 3600,
            "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]},
        },
    }
    answer = await context.client.create(
        SERVICE_ACCOUNTS,
        request,
        meta["namespace"],
        subresource_of=pod["spec"].get("serviceAccountName") or "default",
        subresource="token",
    )
    return File(projection["path"], answer["status"]["token"].encode(), mode)


def _host_path(volume: Object) -> Path:
    path = Path(volume["hostPath"]["path"])
    kind = volume["hostPath"].get("type") or ""
    if kind == "DirectoryOrCreate":
        path.mkdir(parents=True, exist_ok=True)
    elif kind == "FileOrCreate" and not path.exists():
        path.touch()
    elif kind in {"Directory", "File"}:
        right = path.is_dir() if kind == "Directory" else path.is_file()
        if not right:
            what = "directory" if kind == "Directory" else "file"
            raise VolumeError(volume["name"], f"hostPath type check failed: {path} is not a {what}")
    if not path.exists():
        raise VolumeError(volume["name"], f"hostPath {path} does not exist on this machine")
    return path


def _claim_of(pod: Object, volume: Object) -> str:
    if "persistentVolumeClaim" in volume:
        return str(volume["persistentVolumeClaim"]["claimName"])
    return f"{pod['metadata']['name']}-{volume['name']}" if "ephemeral" in volume else ""


async def _claimed(pod: Object, name: str, claim_name: str, context: VolumeContext) -> Path:
    claim = await context.client.get(PERSISTENT_VOLUME_CLAIMS, claim_name, pod["metadata"]["namespace"])
    bound_to = claim["spec"].get("volumeName")
    if not bound_to or (claim.get("status") or {}).get("phase") != "Bound":
        raise VolumeError(name, f'persistentvolumeclaim "{claim_name}" is not bound')
    volume = await context.client.get(PERSISTENT_VOLUMES, bound_to)
    source = volume["spec"].get("hostPath") or volume["spec"].get("local")
    if not source:
        raise VolumeError(name, f'PersistentVolume "{bound_to}" is neither local nor hostPath')
    return await asyncio.to_thread(_host_path, {"name": name, "hostPath": source})
