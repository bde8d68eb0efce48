"""Objects as YAML that can be applied elsewhere: without what a server adds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from kubelab.client import Object

_SERVERS = (
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "ownerReferences",
    "finalizers",
    "selfLink",
    "namespace",
)
_TIES = frozenset(
    prefix + key for prefix in ("", "batch.kubernetes.io/") for key in ("controller-uid", "job-name")
)
_ALLOTTED = ("clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy", "sessionAffinity", "type")
_BOUND = ("volumeName", "volumeMode", "storageClassName")


def documents(objects: Iterable[Object]) -> str:
    """Return objects as YAML documents, as they were before a server stored them."""
    return "---\n".join(
        yaml.dump(plain(obj), Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)
        for obj in objects
    )


def plain(obj: Object) -> Object:
    """Return an object without status and without the metadata that a server sets."""
    copied = {key: value for key, value in obj.items() if key != "status"}
    copied["metadata"] = {key: value for key, value in obj["metadata"].items() if key not in _SERVERS}
    if obj.get("kind") == "PersistentVolumeClaim":
        copied["spec"] = {key: value for key, value in obj["spec"].items() if key not in _BOUND}
        annotations = copied["metadata"].pop("annotations", None) or {}
        kept = {key: value for key, value in annotations.items() if "kubernetes.io/" not in key}
        copied["metadata"] |= {"annotations": kept} if kept else {}
    if obj.get("kind") == "Job":
        copied["spec"] = _without_selector(obj["spec"])
    if obj.get("kind") == "Service":
        copied["spec"] = {key: value for key, value in obj["spec"].items() if key not in _ALLOTTED}
    if "runtimePatches" in (obj.get("spec") or {}):
        copied["spec"] = _without_times(obj["spec"])
    ordered = ("apiVersion", "kind", "metadata", "spec")
    return {key: copied[key] for key in (*ordered, *copied) if key in copied}


def _without_selector(spec: dict[str, Any]) -> dict[str, Any]:
    """Leave out what ties a Job to its own pods, which a new one is given anew."""
    template = dict(spec["template"])
    metadata = dict(template.get("metadata") or {})
    labels = metadata.get("labels") or {}
    metadata["labels"] = {key: value for key, value in labels.items() if key not in _TIES}
    kept = {key: value for key, value in spec.items() if key != "selector"}
    return {**kept, "template": {**template, "metadata": metadata}}


def _without_times(spec: dict[str, Any]) -> dict[str, Any]:
    patches = [
        {key: value for key, value in each.items() if key != "time"} for each in spec["runtimePatches"]
    ]
    return {**spec, "runtimePatches": patches}


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, as people write it."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True
