"""``metadata.managedFields``: who manages which fields, and how ordinary writes change that.

The rules are those of apimachinery's ``pkg/util/managedfields`` (Kubernetes 1.37). An object has managed
fields only from its first server-side apply on: plain writes to other objects cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.apiserver.fieldsets import FieldSet, Path, from_fields_v1, to_fields_v1
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.merging import Comparison, compare
from kubelab.engine.apiserver.schemas import schema_of

MAX_UPDATE_MANAGERS = 10  # DefaultMaxUpdateManagers
ANCIENT_MANAGER = "ancient-changes"

# Fields that nobody manages: stripSet in stripmeta.go.
_UNMANAGED: FieldSet = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        ("f:metadata", "f:name"),
        ("f:metadata", "f:namespace"),
        ("f:metadata", "f:creationTimestamp"),
        ("f:metadata", "f:selfLink"),
        ("f:metadata", "f:uid"),
        ("f:metadata", "f:clusterName"),
        ("f:metadata", "f:generation"),
        ("f:metadata", "f:managedFields"),
        ("f:metadata", "f:resourceVersion"),
    }
)


@dataclass(frozen=True, slots=True)
class Manager:
    """Whose fields, by which operation, in which version, of which subresource."""

    name: str
    operation: str
    api_version: str
    subresource: str = ""

    @property
    def applies(self) -> bool:
        """Whether the fields come from server-side apply."""
        return self.operation == "Apply"


@dataclass(frozen=True, slots=True)
class Managed:
    """The fields of one manager, in the version in which it wrote them, and when they last changed."""

    fields: FieldSet
    api_version: str
    time: str


Managers = dict[Manager, Managed]


def manager_of(name: str, operation: str, api_version: str, subresource: str = "") -> Manager:
    """Return the identity of a manager; one that applies is the same in every version."""
    return Manager(name, operation, "" if operation == "Apply" else api_version, subresource)


def decode(entries: Any) -> Managers:
    """Return what ``metadata.managedFields`` says; nothing for a list that does not follow its schema."""
    managers: Managers = {}
    for entry in entries or []:
        if entry.get("operation") not in ("Apply", "Update") or entry.get("fieldsType") != "FieldsV1":
            return {}
        version = entry.get("apiVersion", "")
        manager = manager_of(
            entry.get("manager", ""), entry["operation"], version, entry.get("subresource", "")
        )
        try:
            fields = from_fields_v1(entry.get("fieldsV1") or {})
        except ValueError:
            return {}
        managers[manager] = Managed(fields, version, entry.get("time") or "")
    return managers


def served(kind: Kind, managers: Managers) -> Managers:
    """Return the managers without those that wrote in a version which a CRD no longer serves."""
    if kind.custom is None:
        return managers
    spec = kind.custom["spec"]
    versions = {f"{spec['group']}/{version['name']}" for version in spec["versions"] if version.get("served")}
    return {manager: managed for manager, managed in managers.items() if managed.api_version in versions}


def encode(managers: Managers) -> list[Object]:
    """Return the entries of ``metadata.managedFields``: applies first, then updates by time."""

    def order(item: tuple[Manager, Managed]) -> tuple[str, str, str, str, str]:
        manager, managed = item
        return (manager.operation, managed.time, manager.name, managed.api_version, manager.subresource)

    return [_entry(manager, managed) for manager, managed in sorted(managers.items(), key=order)]


def track_update(  # noqa: PLR0917 - the order in which the server's parts agreed to call it
    kind: Kind, old: Object, new: Object, manager: str, now: datetime, subresource: str = ""
) -> None:
    """Record in the new object who manages what after an ordinary write, if its fields are managed at all.

    Parameters
    ----------
    kind : Kind
        The kind in the version of the write.
    old, new : dict
        The object before and after; ``new["metadata"]["managedFields"]`` is set in place.
    manager : str
        The field manager of the write.
    now : datetime
        When it happens.
    subresource : str, optional
        ``status`` or ``scale`` for a write to one.
    """
    metadata = new["metadata"]
    given = metadata.pop("managedFields", None)
    managers = decode(old["metadata"].get("managedFields"))
    if not subresource and given is not None:
        if given in ([], [{}]):  # an explicit reset
            return
        managers = decode(given) or managers
    managers = served(kind, managers)
    if not managers:
        return
    writer = manager_of(manager, "Update", kind.resource.api_version, subresource)
    change = compared(kind, old, new, subresource)
    entries = encode(_capped(after_update(managers, change, writer, rfc3339(now))))
    if entries:
        metadata["managedFields"] = entries


def differ_only_in_time(old: Object, new: Object) -> bool:
    """Whether two objects are the same but for the times in their managed fields: no reason to write."""
    return _without_times(old) == _without_times(new)


def after_update(managers: Managers, change: Comparison, writer: Manager, time: str) -> Managers:
    """Return the managers after an ordinary write: it takes what it changes, nobody keeps what is gone."""
    taken = frozenset(change.added | change.modified)
    result = lose(managers, lambda _: taken | change.removed)
    if not taken:
        return result
    before = result.get(writer)
    fields = taken | before.fields if before else taken
    return {**result, writer: Managed(fields, writer.api_version, time)}


def compared(kind: Kind, old: Object, new: Object, subresource: str) -> Comparison:
    """Return what a write changes, of the fields that are managed through this resource."""
    change = compare(_plain(old), _plain(new), schema_of(kind))
    return Comparison(
        *(
            set(managed_part(kind, frozenset(paths), subresource))
            for paths in (change.added, change.modified, change.removed)
        )
    )


def managed_part(kind: Kind, fields: FieldSet, subresource: str) -> FieldSet:
    """Return the fields that a write to this resource can manage at all.

    ``status`` belongs to its subresource, everything else to the main resource, as the ``GetResetFields`` of
    upstream's strategies say.
    """
    fields -= _UNMANAGED
    if "status" not in kind.subresources or subresource not in ("", "status"):
        return fields
    return frozenset(path for path in fields if _writable(path, kind, subresource))


def lose(managers: Managers, lost: Callable[[Manager], FieldSet | set[Path]]) -> Managers:
    """Return the managers without the fields that each loses; one with none left is dropped."""
    result: Managers = {}
    for manager, managed in managers.items():
        gone = lost(manager)
        fields = managed.fields - gone if gone else managed.fields
        if fields:
            result[manager] = replace(managed, fields=fields)
    return result


def _writable(path: Path, kind: Kind, subresource: str) -> bool:
    if not subresource:
        return path[0] != "f:status"
    return path[0] == "f:status" or (path[0] == "f:metadata" and kind.custom is None)


def _plain(obj: Object) -> Object:
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key != "managedFields"}
    return {**obj, "metadata": metadata}


def _without_times(obj: Object) -> Object:
    entries = obj["metadata"].get("managedFields") or []
    timeless = [{key: value for key, value in entry.items() if key != "time"} for entry in entries]
    return {**obj, "metadata": {**obj["metadata"], "managedFields": timeless}}


def _capped(managers: Managers) -> Managers:
    """Fold the oldest updates into one entry once there are more than ten of them."""
    updates = sorted((one for one in managers if not one.applies), key=lambda one: managers[one].time)
    if len(updates) <= MAX_UPDATE_MANAGERS:
        return managers
    surplus = updates[: len(updates) - MAX_UPDATE_MANAGERS + 1]
    result = {manager: managed for manager, managed in managers.items() if manager not in surplus}
    for manager in surplus:
        ancient = Manager(ANCIENT_MANAGER, "Update", manager.api_version)
        old, before = managers[manager], result.get(ancient)
        fields = old.fields | before.fields if before else old.fields
        result[ancient] = Managed(fields, old.api_version, max(old.time, before.time if before else ""))
    return result


def _entry(manager: Manager, managed: Managed) -> Object:
    entry: Object = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": managed.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(managed.fields),
    }
    if managed.time:
        entry["time"] = managed.time
    if manager.subresource:
        entry["subresource"] = manager.subresource
    return entry
