"""Server-side apply: merge what a manager wants, take away what it no longer wants, refuse conflicts.

The steps are those of structured-merge-diff's ``merge/update.go`` and of apimachinery's
``pkg/util/managedfields`` (Kubernetes 1.37), so that the same manifests give the same objects, managed fields
and sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.apiserver import last_applied, managedfields, merging, metadata, typed
from kubelab.engine.apiserver.conflicts import ApplyConflict, Conflict
from kubelab.engine.apiserver.fieldsets import FieldSet, tree
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.managedfields import Managed, Manager, Managers
from kubelab.engine.apiserver.schemas import Schema, schema_of
from kubelab.engine.apiserver.status import bad_request, conflict, failure, invalid

BEFORE_FIRST_APPLY = "before-first-apply"
_KUBECTL = "kubectl"

# What the server sets; an applied null does not clear it.
_SERVER_SET = ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds")


def server_side_apply(
    kind: Kind,
    live: Object | None,
    applied: Object,
    *,
    manager: str,
    force: bool,
    now: datetime,
    subresource: str = "",
) -> Object:
    """Return the object after a manager applied its configuration; the live one itself if nothing changes.

    Parameters
    ----------
    kind : Kind
        The kind in the version of the request.
    live : dict or None
        The object as it is, in that version; None if it does not exist.
    applied : dict
        What the manager wants, and nothing else.
    manager : str
        The field manager.
    force : bool
        Whether to take fields that other managers have.
    now : datetime
        When it happens.
    subresource : str, optional
        ``status`` for an apply to it.

    Raises
    ------
    ApplyConflict
        If other managers have fields that would change, unless forced.
    ApiError
        400 if the configuration carries managed fields, 500 (as upstream) if it does not fit the schema.
    """
    if (applied.get("metadata") or {}).get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    run = _Apply(kind, schema_of(kind), applied, manager, rfc3339(now), subresource)
    run.check(live)
    base = _without_managed_fields(live) if live is not None else {}
    managers = run.managers_of(live, base)
    try:
        merged, after = run.merge(base, managers, force=force)
    except ApplyConflict as error:
        if manager != _KUBECTL or not last_applied.explains(run.schema, base, error.conflicts):
            raise
        merged, after = run.merge(base, managers, force=True)
    if manager == _KUBECTL:
        last_applied.renew(merged, applied)
    if live is not None and merged == base and run.same(managers, after):
        return live
    entries = managedfields.encode(run.stamp(after))
    if entries:
        merged["metadata"] = {**merged["metadata"], "managedFields": entries}
    return merged


@dataclass(frozen=True, slots=True)
class _Apply:
    kind: Kind
    schema: Schema
    applied: Object
    manager: str
    time: str
    subresource: str

    @property
    def version(self) -> str:
        return self.kind.resource.api_version

    @property
    def applier(self) -> Manager:
        return managedfields.manager_of(self.manager, "Apply", self.version, self.subresource)

    def check(self, live: Object | None) -> None:
        """Refuse a configuration that does not fit the schema, or is meant for another object."""
        given, resource = self.applied.get("metadata") or {}, self.kind.resource
        uid, name = given.get("uid"), str(given.get("name", ""))
        if uid and live is None:
            gone = f"the provided object specified uid {uid}, and no existing object was found"
            raise conflict(resource, name, f"uid mismatch: {gone}")
        if uid and live is not None and uid != live["metadata"].get("uid"):
            raise invalid(resource, name, [metadata.immutable_uid(uid)])
        try:
            typed.check(self.applied, self.schema)
        except typed.StructureError as error:
            group_version = f"{resource.group}/{resource.version}, Kind={resource.kind}"
            place = f"{given.get('namespace', '')}/{name}; {group_version}"
            raise failure(500, "", f"failed to create typed patch object ({place}): {error}") from None

    def managers_of(self, live: Object | None, base: Object) -> Managers:
        """Return who manages the live object; before its first apply, kubectl and one other."""
        if live is None:
            return {}
        entries = live["metadata"].get("managedFields")
        managers = managedfields.served(self.kind, managedfields.decode(entries))
        if managers:
            return managers
        change = managedfields.compared(self.kind, {}, base, self.subresource)
        by_kubectl = last_applied.fields(self.schema, base) & change.added
        shares = {last_applied.MANAGER: by_kubectl, BEFORE_FIRST_APPLY: change.added - by_kubectl}
        return {
            managedfields.manager_of(name, "Update", self.version, self.subresource): Managed(
                frozenset(fields), self.version, self.time
            )
            for name, fields in shares.items()
            if fields
        }

    def merge(self, live: Object, managers: Managers, *, force: bool) -> tuple[Object, Managers]:
        """Return the object and its managers after the apply."""
        wanted = managedfields.managed_part(
            self.kind, typed.field_set(self.applied, self.schema), self.subresource
        )
        before = managers.get(self.applier)
        after = {
            **managers,
            self.applier: Managed(wanted, self.version, before.time if before else self.time),
        }
        merged = merging.merge(live, self.applied, self.schema)
        if before is not None and before.fields:
            merged = self._pruned(merged, before.fields, after)
        merged = self._settled(merged, live)
        return merged, self._without_losses(live, merged, after, force=force)

    def same(self, before: Managers, after: Managers) -> bool:
        """Whether nothing changed in who manages what."""
        return {manager: managed.fields for manager, managed in before.items()} == {
            manager: managed.fields for manager, managed in after.items()
        }

    def stamp(self, managers: Managers) -> Managers:
        """Set the applier's time to now."""
        own = managers.get(self.applier)
        if own is None:
            return managers
        return {**managers, self.applier: Managed(own.fields, self.version, self.time)}

    def _pruned(self, merged: Object, before: FieldSet, after: Managers) -> Object:
        """Take away what this manager applied before and no longer does, unless others have it."""
        schema = self.schema
        owned: FieldSet = frozenset().union(*(managed.fields for managed in after.values()))
        if before <= owned:
            return merged
        last, owned = (typed.with_named_parents(fields, schema) for fields in (before, owned))
        pruned = _removed(merged, last, schema)
        everything = typed.with_named_parents(typed.field_set(merged, schema), schema)
        pruned = _removed(merged, everything - (_named(pruned, schema) | owned), schema)
        return _removed(merged, (everything - _named(pruned, schema)) & last, schema)

    def _without_losses(self, live: Object, merged: Object, managers: Managers, *, force: bool) -> Managers:
        """Return the managers after this change.

        Raises
        ------
        ApplyConflict
            If another manager has a field that changed, unless forced.
        """
        change = managedfields.compared(self.kind, live, merged, self.subresource)
        taken = frozenset(change.added | change.modified)
        conflicts = [
            Conflict(manager, path)
            for manager, managed in managers.items()
            if manager != self.applier
            for path in managed.fields & taken
        ]
        if conflicts and not force:
            raise ApplyConflict(conflicts)
        return managedfields.lose(
            managers, lambda manager: frozenset() if manager == self.applier else taken | change.removed
        )

    def _settled(self, merged: Object, live: Object) -> Object:
        """Return the object with what the server set; built-in kinds keep no nulls."""
        result: Object = merged if self.kind.custom is not None else _without_nulls(merged)
        metadata = {**(result.get("metadata") or {})}
        for name in _SERVER_SET:
            metadata.pop(name, None)
            if name in (live.get("metadata") or {}):
                metadata[name] = live["metadata"][name]
        return {**result, "metadata": metadata}


def _removed(obj: Object, paths: FieldSet, schema: Schema) -> Object:
    rest = merging.without(obj, tree(paths), schema)
    return {} if rest is merging.ABSENT else rest


def _named(obj: Object, schema: Schema) -> FieldSet:
    return typed.with_named_parents(typed.field_set(obj, schema), schema)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _without_managed_fields(obj: Object) -> Object:
    metadata = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    return {**obj, "metadata": metadata}
