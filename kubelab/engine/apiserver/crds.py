"""CustomResourceDefinitions: which kinds they serve, and the conditions that say so.

Several versions of one definition share one storage identity and convert as strategy ``None`` does: only
the apiVersion changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kubelab.client import Object, Resource
from kubelab.clock import rfc3339
from kubelab.engine.apiserver.definitions import JsonSchema
from kubelab.engine.apiserver.kinds import Kind

if TYPE_CHECKING:
    from kubelab.engine.apiserver.kinds import Kinds


def served_kinds(crd: Object) -> list[Kind]:
    """Return one kind for each served version, by upstream's order of versions (v2, v1, v1beta1, ...)."""
    versions = [version for version in crd["spec"]["versions"] if version.get("served")]
    return [_kind_of(crd, version) for version in sorted(versions, key=lambda v: version_priority(v["name"]))]


def schema_of_version(crd: Object, version: str) -> JsonSchema:
    """Return the structural schema of one version; ``{}`` where it has none."""
    for candidate in crd["spec"]["versions"]:
        if candidate["name"] == version:
            schema: JsonSchema = (candidate.get("schema") or {}).get("openAPIV3Schema") or {}
            return schema
    return {}


def storage_version(crd: Object) -> str:
    """Return the version that objects are stored in."""
    return next(str(version["name"]) for version in crd["spec"]["versions"] if version.get("storage"))


def version_priority(version: str) -> tuple[int, int, int, str]:
    """Return a key that sorts versions as upstream does: stable, beta, alpha; newest first."""
    import re

    match = re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", version)
    if match is None:
        return (3, 0, 0, version)
    major, stage, minor = match.groups()
    return ({None: 0, "beta": 1, "alpha": 2}[stage], -int(major), -int(minor or 0), "")


def set_status(crd: Object, kinds: Kinds, now: datetime) -> None:
    """Write ``status``: the accepted names, the stored versions, and NamesAccepted and Established.

    Parameters
    ----------
    crd : dict
        A valid, defaulted definition; changed in place.
    kinds : Kinds
        What is served, with or without this definition.
    now : datetime
        Time of a condition's change.
    """
    status = crd.setdefault("status", {})
    conflict = _conflict(crd, kinds)
    accepted = ("True", "NoConflicts", "no conflicts found") if conflict is None else ("False", *conflict)
    _set_condition(status, "NamesAccepted", accepted, now)
    if conflict is None:
        established = ("True", "InitialNamesAccepted", "the initial names have been accepted")
        status["acceptedNames"] = dict(crd["spec"]["names"])
    else:
        established = ("False", "NotAccepted", "not all names are accepted")
        status.setdefault("acceptedNames", {"plural": "", "kind": ""})
    _set_condition(status, "Established", established, now)
    stored = status.setdefault("storedVersions", [])
    if storage_version(crd) not in stored:
        stored.append(storage_version(crd))


def _kind_of(crd: Object, version: Object) -> Kind:
    spec = crd["spec"]
    names = spec["names"]
    namespaced = spec["scope"] == "Namespaced"
    return Kind(
        resource=Resource(
            spec["group"], version["name"], names["plural"], names["kind"], namespaced=namespaced
        ),
        singular=names.get("singular") or names["kind"].lower(),
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=tuple(sorted(version.get("subresources") or {})),
        definition="",
        list_kind=names.get("listKind") or f"{names['kind']}List",
        storage=Resource(
            spec["group"], storage_version(crd), names["plural"], names["kind"], namespaced=namespaced
        ),
        custom=crd,
    )


def _conflict(crd: Object, kinds: Kinds) -> tuple[str, str] | None:
    """Return the reason and message of the first name that another kind of the group has."""
    group, names = crd["spec"]["group"], crd["spec"]["names"]
    wanted = {
        "Plural": [names["plural"]],
        "Singular": [names.get("singular") or names["kind"].lower()],
        "ShortNames": names.get("shortNames") or [],
        "Kind": [names["kind"]],
        "ListKind": [names.get("listKind") or f"{names['kind']}List"],
    }
    own = crd["metadata"]["name"]
    others = [kind for kind in kinds.all() if kind.resource.group == group and _crd_name(kind) != own]
    resources = {name for k in others for name in (k.resource.plural, k.singular, *k.short_names)}
    types = {name for kind in others for name in (kind.resource.kind, kind.list_kind)}
    for field, values in wanted.items():
        taken = types if field.endswith("Kind") else resources
        for value in values:
            if value in taken:
                return f"{field}Conflict", f'"{value}" is already in use'
    return None


def _crd_name(kind: Kind) -> str:
    return str(kind.custom["metadata"]["name"]) if kind.custom else ""


def _set_condition(status: Object, type_: str, value: tuple[str, str, str], now: datetime) -> None:
    conditions = status.setdefault("conditions", [])
    condition = next((c for c in conditions if c.get("type") == type_), None)
    if condition is None:
        condition = {"type": type_}
        conditions.append(condition)
    if condition.get("status") != value[0]:
        condition["lastTransitionTime"] = rfc3339(now)
    condition["status"], condition["reason"], condition["message"] = value


def set_terminating(crd: Object, now: datetime) -> None:
    """Write the condition of a definition whose objects are being deleted."""
    message = "CustomResource deletion is in progress"
    value = ("True", "InstanceDeletionInProgress", message)
    _set_condition(crd.setdefault("status", {}), "Terminating", value, now)
