"""Delete and deletecollection: preconditions, grace, finalizers, propagation.

An object with finalizers, and a pod that a node still runs, only get a ``deletionTimestamp``; who put the
finalizer there, or the node, finishes. After upstream's ``registry/rest/delete.go`` and
``registry/generic/registry/store.go``.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import orjson

from kubelab.client import Object
from kubelab.clock import Clock, parse_rfc3339, rfc3339
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.deletion_options import BACKGROUND, FOREGROUND, ORPHAN, DeleteOptions
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.list_options import ListOptions
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.presentation import Presentation
from kubelab.engine.apiserver.reading import Reader
from kubelab.engine.apiserver.requests import Reply, Request, Target, reply
from kubelab.engine.apiserver.status import conflict, forbidden, method_not_allowed, not_found, success

ORPHAN_FINALIZER = "orphan"
FOREGROUND_FINALIZER = "foregroundDeletion"

_IMMORTAL = ("default", "kube-system", "kube-public")
_BY_DEGREES = frozenset({"Pod", "Namespace"})
_ORPHANED_BY_DEFAULT = frozenset({"Job", "ReplicationController"})
_DELETED_OBJECT_RETURNED = frozenset(
    {"Pod", "PodTemplate", "PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "Service",
     "ServiceAccount"}
)  # fmt: skip
_JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove "
    "them or set propagationPolicy=Orphan to suppress this warning"
)
_BATCH = 256
_MOST_GRACE_S = 2**31 - 1  # decades; the end of what is longer has no timestamp


class Deleter:
    """Answers deletions."""

    def __init__(self, objects: Objects, clock: Clock) -> None:
        self.objects = objects
        self.clock = clock
        self.reader = Reader(objects.store, clock)

    async def delete(self, request: Request, target: Target) -> Reply:
        """Delete one object, or mark it for deletion."""
        options = DeleteOptions.of(request)
        stored, finished = await self.remove(target.kind, target.key, options)
        warnings = _warnings(target.kind, options)
        if finished and target.resource.kind not in _DELETED_OBJECT_RETURNED:
            uid = stored.object()["metadata"]["uid"]
            return reply(success(target.resource, target.name, uid), warnings=warnings)
        return Reply(200, Presentation(target.kind, request, self.clock).one(stored), warnings=warnings)

    async def remove(self, kind: Kind, key: Key, options: DeleteOptions) -> tuple[Stored, bool]:
        """Return the object as deleted or marked, and whether it is gone.

        Raises
        ------
        ApiError
            404 if it does not exist, 409 if a precondition fails, 403 if it may not be deleted.
        """
        stored = self.objects.latest(kind, key)
        if stored is None:
            raise not_found(kind.resource, key[1])
        obj = self.objects.parse(kind, stored)
        _check(kind, obj, options)
        before = orjson.dumps(obj)
        finished = self._mark(kind, obj, options)
        if options.dry_run:
            return self.objects.dry(obj), finished
        if not finished and orjson.dumps(obj) == before:
            return stored, False
        return await self.objects.commit(kind, key, obj, delete=finished), finished

    async def delete_collection(self, request: Request, target: Target) -> Reply:
        """Delete what the selectors match, and return it as it was, as a list."""
        if target.resource.namespaced and not target.namespace:
            raise method_not_allowed()
        options, chosen = DeleteOptions.of(request), ListOptions.of(request)
        found, metadata = await self.reader.page(target, chosen)
        for start in range(0, len(found), _BATCH):
            part = found[start : start + _BATCH]
            await asyncio.gather(*(self._remove(target.kind, key, options) for key, _ in part))
        presentation = Presentation(target.kind, request, self.clock)
        pieces = presentation.many((stored for _, stored in found), metadata)
        return Reply(200, pieces=pieces, warnings=_warnings(target.kind, options))

    async def _remove(self, kind: Kind, key: Key, options: DeleteOptions) -> None:
        if self.objects.latest(kind, key) is not None:
            await self.remove(kind, key, options)

    def _mark(self, kind: Kind, obj: Object, options: DeleteOptions) -> bool:
        """Mark an object in place for deletion; return whether nothing keeps it any longer.

        What nothing keeps goes unmarked, unless it is of a kind that ends by degrees.
        """
        metadata, by_degrees = obj["metadata"], kind.custom is None and kind.resource.kind in _BY_DEGREES
        if metadata.get("deletionGracePeriodSeconds"):
            if not self._hasten(metadata, options):
                return False
        elif by_degrees and "deletionTimestamp" not in metadata:
            self._begin(kind, obj, options)
        _set_finalizers(kind, metadata, options)
        if "deletionTimestamp" in metadata:
            return is_finished(kind, obj)
        if metadata.get("finalizers"):
            self._begin(kind, obj, options)
            return False
        return True

    def _begin(self, kind: Kind, obj: Object, options: DeleteOptions) -> None:
        metadata = obj["metadata"]
        is_pod = kind.custom is None and kind.resource.kind == "Pod"
        grace_s = pod_grace_s(obj, options.grace_period_s) if is_pod else 0
        metadata["deletionTimestamp"] = rfc3339(self.clock.now() + timedelta(seconds=grace_s))
        metadata["deletionGracePeriodSeconds"] = grace_s
        if "generation" in metadata:
            metadata["generation"] += 1
        if kind.custom is None and kind.resource.kind == "Namespace":
            obj.setdefault("status", {})["phase"] = "Terminating"

    def _hasten(self, metadata: Object, options: DeleteOptions) -> bool:
        """Shorten the grace of an object under deletion; return whether that was asked for."""
        grace_s, wanted_s = metadata["deletionGracePeriodSeconds"], options.grace_period_s
        if wanted_s is None or wanted_s >= grace_s:
            return False
        wanted_s = 1 if wanted_s < 0 else wanted_s
        begun = parse_rfc3339(metadata["deletionTimestamp"]) - timedelta(seconds=grace_s)
        now, end = self.clock.now(), begun + timedelta(seconds=wanted_s)
        metadata["deletionTimestamp"] = rfc3339(max(now, end))
        metadata["deletionGracePeriodSeconds"] = min(wanted_s, 1) if end < now else wanted_s
        return True


def is_finished(kind: Kind, obj: Object) -> bool:
    """Tell whether an object under deletion has neither finalizers nor grace left."""
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if (
        kind.custom is None
        and kind.resource.kind == "Namespace"
        and (obj.get("spec") or {}).get("finalizers")
    ):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def pod_grace_s(pod: Object, wanted_s: int | None) -> int:
    """Return how long a pod may take to end (upstream: ``podStrategy.CheckGracefulDelete``)."""
    spec = pod["spec"]
    grace_s = spec.get("terminationGracePeriodSeconds", 30) if wanted_s is None else wanted_s
    if not spec.get("nodeName") or (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}:
        return 0
    return 1 if grace_s < 0 else min(int(grace_s), _MOST_GRACE_S)


def _check(kind: Kind, obj: Object, options: DeleteOptions) -> None:
    metadata, resource = obj["metadata"], kind.resource
    name = metadata["name"]
    by_kind = replace(resource, plural=resource.kind)  # upstream names the kind here
    if options.uid and options.uid != metadata["uid"]:
        problem = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({metadata['uid']}). The object might have been deleted and then recreated"
        )
        raise conflict(by_kind, name, problem)
    if options.resource_version and options.resource_version != metadata["resourceVersion"]:
        problem = (
            f"the ResourceVersion in the precondition ({options.resource_version}) does not match the "
            f"ResourceVersion in record ({metadata['resourceVersion']}). The object might have been modified"
        )
        raise conflict(by_kind, name, problem)
    if resource.kind == "Namespace" and kind.custom is None and name in _IMMORTAL:
        raise forbidden(resource, name, "this namespace may not be deleted")


def _set_finalizers(kind: Kind, metadata: Object, options: DeleteOptions) -> None:
    present = metadata.get("finalizers") or []
    kept = [each for each in present if each not in {ORPHAN_FINALIZER, FOREGROUND_FINALIZER}]
    propagation = options.propagation or _default_propagation(kind, present)
    if propagation == ORPHAN:
        kept.append(ORPHAN_FINALIZER)
    elif propagation == FOREGROUND:
        kept.append(FOREGROUND_FINALIZER)
    if set(kept) == set(present):
        return
    if kept:
        metadata["finalizers"] = kept
    else:
        metadata.pop("finalizers", None)


def _default_propagation(kind: Kind, finalizers: list[str]) -> str:
    if ORPHAN_FINALIZER in finalizers:
        return ORPHAN
    if FOREGROUND_FINALIZER in finalizers:
        return FOREGROUND
    orphans = kind.custom is None and kind.resource.kind in _ORPHANED_BY_DEFAULT
    return ORPHAN if orphans else BACKGROUND


def _warnings(kind: Kind, options: DeleteOptions) -> tuple[str, ...]:
    preserved = kind.custom is None and kind.resource.kind == "Job" and not options.propagation
    return (_JOB_WARNING,) if preserved else ()
