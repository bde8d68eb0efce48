"""How volumes, claims, classes, ConfigMaps and Secrets are shown."""

from __future__ import annotations

from datetime import datetime

from kubelab.client import Object
from kubelab.engine.apiserver.printers.columns import (
    AGE,
    NONE,
    UNSET,
    Cell,
    Column,
    Printer,
    age,
    columns,
    integer,
    joined,
    name_of,
    section,
    text,
    wide,
)

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_BETA_CLASS = "volume.beta.kubernetes.io/storage-class"
_DEFAULT_CLASS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_DEFAULT_ATTRIBUTES_CLASS = ("volumeattributesclass.kubernetes.io/is-default-class",)


def _claim(obj: Object, now: datetime) -> list[Cell]:
    spec, status = section(obj, "spec"), section(obj, "status")
    bound = bool(spec.get("volumeName"))
    return [
        name_of(obj),
        _phase(obj),
        text(spec.get("volumeName")),
        text((status.get("capacity") or {}).get("storage"), "0") if bound else "",
        _access_modes(status) if bound else "",
        _class_name(obj),
        text(spec.get("volumeAttributesClassName"), UNSET),
        age(obj, now),
        text(spec.get("volumeMode"), UNSET),
    ]


def _volume(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    claim = spec.get("claimRef")
    return [
        name_of(obj),
        text((spec.get("capacity") or {}).get("storage"), "0"),
        _access_modes(spec),
        text(spec.get("persistentVolumeReclaimPolicy")),
        _phase(obj),
        f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else "",
        _class_name(obj),
        text(spec.get("volumeAttributesClassName"), UNSET),
        text(section(obj, "status").get("reason")),
        age(obj, now),
        text(spec.get("volumeMode"), UNSET),
    ]


def _phase(obj: Object) -> str:
    return (
        "Terminating" if obj["metadata"].get("deletionTimestamp") else section(obj, "status").get("phase", "")
    )


def _access_modes(holder: Object) -> str:
    given = holder.get("accessModes") or []
    return joined(short for mode, short in _MODES.items() if mode in given)


def _class_name(obj: Object) -> str:
    beta = (obj["metadata"].get("annotations") or {}).get(_BETA_CLASS)
    return text(beta if beta is not None else section(obj, "spec").get("storageClassName"))


def _marked(obj: Object, annotations: tuple[str, ...]) -> str:
    given = obj["metadata"].get("annotations") or {}
    default = any(given.get(annotation) == "true" for annotation in annotations)
    return name_of(obj) + (" (default)" if default else "")


def _storage_class(obj: Object, now: datetime) -> list[Cell]:
    return [
        _marked(obj, _DEFAULT_CLASS),
        text(obj.get("provisioner")),
        text(obj.get("reclaimPolicy"), "Delete"),
        text(obj.get("volumeBindingMode"), "Immediate"),
        bool(obj.get("allowVolumeExpansion")),
        age(obj, now),
    ]


def _attributes_class(obj: Object, now: datetime) -> list[Cell]:
    return [_marked(obj, _DEFAULT_ATTRIBUTES_CLASS), text(obj.get("driverName")), age(obj, now)]


def _attachment(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    return [
        name_of(obj),
        text(spec.get("attacher")),
        text((spec.get("source") or {}).get("persistentVolumeName")),
        text(spec.get("nodeName")),
        bool(section(obj, "status").get("attached")),
        age(obj, now),
    ]


def _csi_driver(obj: Object, now: datetime) -> list[Cell]:
    spec = section(obj, "spec")
    requests = spec.get("tokenRequests")
    return [
        name_of(obj),
        spec.get("attachRequired", True),
        spec.get("podInfoOnMount", False),
        spec.get("storageCapacity", False),
        UNSET if requests is None else joined(request.get("audience", "") for request in requests),
        spec.get("requiresRepublish", False),
        joined(spec.get("volumeLifecycleModes") or []) or NONE,
        age(obj, now),
    ]


def _csi_node(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), len(section(obj, "spec").get("drivers") or []), age(obj, now)]


def _config_map(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age(obj, now)]


def _secret(obj: Object, now: datetime) -> list[Cell]:
    return [name_of(obj), text(obj.get("type")), len(obj.get("data") or {}), age(obj, now)]


STORAGE: dict[tuple[str, str], Printer] = {
    ("", "ConfigMap"): Printer(columns("Data", AGE), _config_map),
    ("", "Secret"): Printer(columns("Type", "Data", AGE), _secret),
    ("", "PersistentVolumeClaim"): Printer(
        columns(
            "Status",
            "Volume",
            "Capacity",
            "Access Modes",
            "StorageClass",
            "VolumeAttributesClass",
            AGE,
            wide("VolumeMode"),
        ),
        _claim,
    ),
    ("", "PersistentVolume"): Printer(
        columns(
            "Capacity",
            "Access Modes",
            "Reclaim Policy",
            "Status",
            "Claim",
            "StorageClass",
            "VolumeAttributesClass",
            "Reason",
            AGE,
            wide("VolumeMode"),
        ),
        _volume,
    ),
    ("storage.k8s.io", "StorageClass"): Printer(
        columns(
            "Provisioner",
            "ReclaimPolicy",
            "VolumeBindingMode",
            "AllowVolumeExpansion",
            AGE,
        ),
        _storage_class,
    ),
    ("storage.k8s.io", "VolumeAttributesClass"): Printer(columns("DriverName", AGE), _attributes_class),
    ("storage.k8s.io", "VolumeAttachment"): Printer(
        columns(Column("Attacher", format="name"), "PV", "Node", Column("Attached", "boolean"), AGE),
        _attachment,
    ),
    ("storage.k8s.io", "CSIDriver"): Printer(
        columns(
            Column("AttachRequired", "boolean"),
            Column("PodInfoOnMount", "boolean"),
            Column("StorageCapacity", "boolean"),
            "TokenRequests",
            Column("RequiresRepublish", "boolean"),
            "Modes",
            AGE,
        ),
        _csi_driver,
    ),
    ("storage.k8s.io", "CSINode"): Printer(columns(integer("Drivers"), AGE), _csi_node),
}
