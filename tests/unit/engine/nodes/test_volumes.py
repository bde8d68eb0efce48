"""Volumes whose files come from the API, and claims on local directories."""

from __future__ import annotations

from pathlib import Path

from kubelab.client import (
    CONFIG_MAPS,
    PERSISTENT_VOLUME_CLAIMS,
    PERSISTENT_VOLUMES,
    SERVICE_ACCOUNTS,
    STORAGE_CLASSES,
    Object,
)
from kubelab.engine.nodes.claims import PROVISIONER
from kubelab.engine.nodes.volumes import File, write_atomically
from kubelab.errors import NotFoundError

from .conftest import NODE, Lab

_META = {"namespace": "default"}


def test_files_are_replaced_at_once(tmp_path: Path) -> None:
    write_atomically(tmp_path, [File("a", b"1", 0o644), File("d/b", b"2", 0o600)])
    open_before = (tmp_path / "..data").resolve()
    write_atomically(tmp_path, [File("a", b"3", 0o644)])
    assert (tmp_path / "a").read_text() == "3"
    assert not (tmp_path / "d").exists()
    assert not open_before.exists()


def test_a_writer_that_was_killed_in_the_middle_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "..data_tmp").symlink_to("..gone")
    write_atomically(tmp_path, [File("a", b"1", 0o644)])
    assert (tmp_path / "a").read_bytes() == b"1"


def test_unchanged_files_are_left_alone(tmp_path: Path) -> None:
    write_atomically(tmp_path, [File("a", b"1", 0o644)])
    before = (tmp_path / "..data").resolve()
    write_atomically(tmp_path, [File("a", b"1", 0o644)])
    assert (tmp_path / "..data").resolve() == before


async def test_projected_volume_has_token_ca_and_items(one_lab: Lab) -> None:
    client = one_lab.client
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot", **_META}}
    await client.create(SERVICE_ACCOUNTS, account)
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "map", **_META}}
    await client.create(CONFIG_MAPS, {**body, "data": {"k": "v", "other": "w"}})
    sources = [
        {"serviceAccountToken": {"path": "token", "audience": "them", "expirationSeconds": 600}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"configMap": {"name": "map", "items": [{"key": "k", "path": "sub/k"}]}},
    ]
    _, lines = await one_lab.run(
        "projected",
        "sh",
        "-c",
        "cd /var/run/secrets/test; cut -d. -f1-3 token | tr . '\\n' | wc -l; cat ca.crt; echo; cat sub/k",
        volumeMounts=[{"name": "all", "mountPath": "/var/run/secrets/test"}],
        spec={"serviceAccountName": "robot", "volumes": [{"name": "all", "projected": {"sources": sources}}]},
    )
    assert lines == ["3", "certificate", "v"]


async def _claim(lab: Lab, name: str, **spec: object) -> Object:
    body = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, **_META},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, **spec},
    }
    return await lab.client.create(PERSISTENT_VOLUME_CLAIMS, body)


async def test_claim_is_provisioned_for_its_pod_and_reclaimed_after_it(one_lab: Lab) -> None:
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local"},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    await one_lab.client.create(STORAGE_CLASSES, storage_class)
    await _claim(one_lab, "data", storageClassName="local")
    mounted = {
        "volumeMounts": [{"name": "data", "mountPath": "/data-test"}],
        "spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]},
    }
    await one_lab.run("writer", "sh", "-c", "echo kept > /data-test/x", **mounted)
    mounted["spec"] = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    mounted["volumeMounts"] = [{"name": "data", "mountPath": "/data-test"}]
    _, lines = await one_lab.run("reader", "cat", "/data-test/x", **mounted)
    assert lines == ["kept"]
    claim = await one_lab.client.get(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    assert claim["status"]["phase"] == "Bound"
    volume = await one_lab.client.get(PERSISTENT_VOLUMES, claim["spec"]["volumeName"])
    assert NODE in str(volume["spec"]["nodeAffinity"])
    await one_lab.client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "default")
    path = Path(volume["spec"]["hostPath"]["path"])

    async def gone() -> bool:
        try:
            await one_lab.client.get(PERSISTENT_VOLUMES, volume["metadata"]["name"])
        except NotFoundError:
            return True
        return False

    await one_lab.until(gone, "the volume to be reclaimed")
    await one_lab.until(lambda: not path.exists(), "its directory to be gone")


async def test_claim_is_bound_to_the_volume_that_names_it(one_lab: Lab) -> None:
    await _claim(one_lab, "chosen", storageClassName="")
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "by-hand"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": str(one_lab.state_dir)},
            "claimRef": {"name": "chosen", **_META},
        },
    }
    await one_lab.client.create(PERSISTENT_VOLUMES, volume)

    async def bound() -> bool:
        claim = await one_lab.client.get(PERSISTENT_VOLUME_CLAIMS, "chosen", "default")
        return bool(claim["spec"].get("volumeName") == "by-hand" and claim["status"]["phase"] == "Bound")

    await one_lab.until(bound, "the claim to be bound")
