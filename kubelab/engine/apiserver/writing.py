"""Create, update and patch: each builds on the latest state, and is answered once it is durable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kubelab.client import Object
from kubelab.clock import Clock, rfc3339
from kubelab.engine.apiserver import metadata, strategies
from kubelab.engine.apiserver.admission import Admission
from kubelab.engine.apiserver.authorization import Authorizer
from kubelab.engine.apiserver.bodies import check_place, decode
from kubelab.engine.apiserver.collection import Stored
from kubelab.engine.apiserver.defaults import default
from kubelab.engine.apiserver.deletion import is_finished
from kubelab.engine.apiserver.deletion_options import dry_run
from kubelab.engine.apiserver.escalation import RBAC, check_grant
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.managedfields import differ_only_in_time, track_update
from kubelab.engine.apiserver.metadata import Names
from kubelab.engine.apiserver.objects import Objects
from kubelab.engine.apiserver.presentation import Presentation
from kubelab.engine.apiserver.requests import FieldError, Reply, Request, Target, User, invalid_options
from kubelab.engine.apiserver.status import (
    already_exists,
    conflict,
    failure,
    invalid,
    method_not_allowed,
    not_found,
)
from kubelab.engine.apiserver.validation import validate

_NAME_ATTEMPTS = 8
"""How many generated names are tried (upstream: RetryGenerateName)."""

_MANAGER_LENGTH = 128
"""Upstream: FieldManagerMaxLength."""


@dataclass(frozen=True, slots=True)
class Written:
    """The outcome of a write."""

    stored: Stored
    created: bool = False


class Writer:
    """Answers creations and updates."""

    def __init__(
        self, objects: Objects, clock: Clock, names: Names, admission: Admission, authorizer: Authorizer
    ) -> None:
        self.objects = objects
        self.clock = clock
        self.names = names
        self.admission = admission
        self.authorizer = authorizer

    async def create(self, request: Request, target: Target) -> Reply:
        """Create the object in the body."""
        kind = target.kind
        dry = write_options(request, "CreateOptions")
        if kind.resource.namespaced and not target.namespace:
            raise method_not_allowed()
        obj, warnings = decode(request, kind)
        if obj["metadata"].get("resourceVersion"):
            raise failure(500, "", "resourceVersion should not be set on objects to be created")
        check_place(target, obj)
        obj["metadata"].pop("managedFields", None)
        stored = await self.insert(kind, obj, user=request.user, dry=dry)
        return self.answer(request, target, Written(stored, created=True), warnings)

    async def insert(self, kind: Kind, obj: Object, *, user: User | None = None, dry: bool = False) -> Stored:
        """Create an object that was decoded and put in its place; without a user, for the server itself.

        Raises
        ------
        ApiError
            403, 404, 409 or 422 if it may not be created.
        """
        meta = obj["metadata"]
        if kind.custom is not None and "deletionTimestamp" in kind.custom["metadata"]:
            raise failure(
                405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating"
            )
        generated = not meta.get("name") and bool(meta.get("generateName"))
        metadata.prepare_create(kind, meta, rfc3339(self.clock.now()), self.names.uid())
        if generated:
            self._choose_name(kind, meta)
        metadata.require_name(kind, meta)
        self.admission.check_namespace(kind, meta)
        default(kind, obj)
        self.admission.create(kind, obj)
        strategies.prepare_create(kind, obj)
        self._validate(kind, obj)
        if user is not None:
            self._check_grant(user, kind, obj)
        self.admission.check_create(kind, obj)
        key = (meta.get("namespace", ""), meta["name"])
        taken = self.objects.latest(kind, key)
        if taken is not None:
            going = "deletionTimestamp" in taken.object()["metadata"]
            raise already_exists(kind.resource, meta["name"], going=going)
        if dry:
            return self.objects.dry(obj)
        return await self.objects.commit(kind, key, obj)

    async def update(self, request: Request, target: Target) -> Reply:
        """Replace an object with the one in the body."""
        write_options(request, "UpdateOptions")
        new, warnings = decode(request, target.kind)
        check_place(target, new)
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            return await self._create_instead(request, target, new, warnings)
        if not new["metadata"].get("resourceVersion") and not strategies.allows_unconditional_update(
            target.kind
        ):
            message = "Invalid value: 0: must be specified for an update"
            cause = FieldError("FieldValueInvalid", message, "metadata.resourceVersion")
            raise invalid(replace(target.resource, kind=target.resource.plural), target.name, [cause])
        if not _resets_managers(new):
            new["metadata"].pop("managedFields", None)
        old = self.objects.parse(target.kind, stored)
        written = await self.replace(request, target, stored, old, new)
        return self.answer(request, target, written, warnings)

    async def replace(
        self,
        request: Request,
        target: Target,
        stored: Stored,
        old: Object,
        new: Object,
        *,
        applied: bool = False,
    ) -> Written:
        """Write ``new`` over ``old``, which was parsed from the latest ``stored``.

        ``applied`` says that managedFields are already those of a server-side apply.

        Raises
        ------
        ApiError
            409 or 422 if it may not be written.
        """
        kind, subresource = target.kind, target.subresource
        metadata.prepare_update(kind, new, old, patched=request.method == "PATCH")
        if not applied and "managedFields" not in new["metadata"] and "managedFields" in old["metadata"]:
            new["metadata"]["managedFields"] = old["metadata"]["managedFields"]
        strategies.prepare_update(kind, new, old, subresource)
        default(kind, new)
        self.admission.update(kind, new, old, subresource)
        self._validate(kind, new, old, subresource)
        self.admission.check_update(kind, new, old, subresource)
        if subresource != "status":
            metadata.count_generation(kind, new, old)
        if new.get("rules") != old.get("rules") or new.get("subjects") != old.get("subjects"):
            self._check_grant(request.user, kind, new)
        if new == old or (applied and differ_only_in_time(old, new)):
            return Written(stored)
        if not applied and old["metadata"].get("managedFields"):
            track_update(kind, old, new, field_manager(request), self.clock.now(), subresource)
        if write_options(request, "UpdateOptions"):
            return Written(self.objects.dry(new))
        return Written(await self.objects.commit(kind, target.key, new, delete=is_finished(kind, new)))

    async def change(self, request: Request, target: Target, edit: Callable[[Object], None]) -> Written:
        """Apply an edit to the latest state of an object.

        Raises
        ------
        ApiError
            404 if it does not exist, and what `replace` raises.
        """
        stored = self.objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        new = self.objects.parse(target.kind, stored)
        edit(new)
        return await self.replace(request, target, stored, self.objects.parse(target.kind, stored), new)

    def answer(
        self, request: Request, target: Target, written: Written, warnings: tuple[str, ...] = ()
    ) -> Reply:
        """Return the written object in the form that was asked for."""
        body = Presentation(target.kind, request, self.clock).one(written.stored)
        return Reply(201 if written.created else 200, body, warnings=warnings)

    async def _create_instead(
        self, request: Request, target: Target, new: Object, warnings: tuple[str, ...]
    ) -> Reply:
        if target.subresource or not strategies.allows_create_on_update(target.kind):
            raise not_found(target.resource, target.name)
        if new["metadata"].get("resourceVersion"):
            raise conflict(target.resource, target.name)
        self.authorizer.check(replace(request, method="POST"), target)  # it also needs the right to create
        dry = write_options(request, "UpdateOptions")
        stored = await self.insert(target.kind, new, user=request.user, dry=dry)
        return self.answer(request, target, Written(stored, created=True), warnings)

    def _check_grant(self, user: User, kind: Kind, obj: Object) -> None:
        if kind.resource.group == RBAC:
            check_grant(self.authorizer, user, kind, obj)

    def _choose_name(self, kind: Kind, meta: Object) -> None:
        for _ in range(_NAME_ATTEMPTS):
            meta["name"] = self.names.generate(meta["generateName"])
            if self.objects.latest(kind, (meta.get("namespace", ""), meta["name"])) is None:
                return

    def _validate(self, kind: Kind, obj: Object, old: Object | None = None, subresource: str = "") -> None:
        causes = validate(kind, obj, old, subresource)
        if causes:
            raise invalid(kind.resource, obj["metadata"]["name"], causes)


def write_options(request: Request, options_kind: str) -> bool:
    """Check the options of a write; return whether it is a dry run.

    Raises
    ------
    ApiError
        422 if one is not a known value.
    """
    if not request.query:
        return False
    level = request.query.get("fieldValidation", "")
    if level not in {"", "Ignore", "Warn", "Strict"}:
        message = f'Unsupported value: "{level}": supported values: "", "Ignore", "Strict", "Warn"'
        raise invalid_options(options_kind, "FieldValueNotSupported", "fieldValidation", message)
    if len(request.query.get("fieldManager", "")) > _MANAGER_LENGTH:
        message = f"Too long: may not be more than {_MANAGER_LENGTH} bytes"
        raise invalid_options(options_kind, "FieldValueTooLong", "fieldManager", message)
    return dry_run(request, options_kind)


def field_manager(request: Request) -> str:
    """Return who is recorded for a write: as told, or the first word of the User-Agent."""
    return request.query.get("fieldManager") or request.user_agent.partition("/")[0] or "unknown"


def _resets_managers(obj: Object) -> bool:
    """Tell whether a client asks to forget the managers, with one empty entry or none."""
    given = obj["metadata"].get("managedFields")
    return given is not None and all(not entry for entry in given)
