"""Patch: JSON, merge, strategic merge and server-side apply, chosen by the Content-Type."""

from __future__ import annotations

import copy
from typing import Any

from kubelab.client import Object
from kubelab.engine.apiserver.apply import server_side_apply
from kubelab.engine.apiserver.bodies import check_place, check_type, checked, go_type, parse
from kubelab.engine.apiserver.decoding import wrong_type
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.patches import json_patch, merge_patch
from kubelab.engine.apiserver.requests import JSON, Reply, Request, Target, invalid_options
from kubelab.engine.apiserver.schemas import schema_of
from kubelab.engine.apiserver.status import bad_request, failure, not_found, unsupported_media_type
from kubelab.engine.apiserver.strategic import strategic_merge_patch
from kubelab.engine.apiserver.writing import Writer, Written, write_options
from kubelab.engine.apiserver.yaml_documents import parse_yaml, repeated_keys
from kubelab.errors import ApiError

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"


class Patcher:
    """Answers patches."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    async def patch(self, request: Request, target: Target) -> Reply:
        """Change part of an object, or apply a configuration to it."""
        write_options(request, "PatchOptions")
        if _media(request) == APPLY_PATCH:
            return await self._apply(request, target)
        if "force" in request.query:
            message = "Forbidden: may not be specified for non-apply patch"
            raise invalid_options("PatchOptions", "FieldValueForbidden", "force", message)
        _check_media(request, target.kind)
        objects = self.writer.objects
        stored = objects.latest(target.kind, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        old = objects.parse(target.kind, stored)
        new = patched(request, target.kind, objects.parse(target.kind, stored))
        check_type(target.kind, new)
        new, warnings = checked(request, target.kind, new)
        check_place(target, new)
        written = await self.writer.replace(request, target, stored, old, new)
        return self.writer.answer(request, target, written, warnings)

    async def _apply(self, request: Request, target: Target) -> Reply:
        applied = _applied(request, target)
        named = bool(applied["metadata"].get("name"))
        kind, objects = target.kind, self.writer.objects
        stored = objects.latest(kind, target.key)
        live = None if stored is None else objects.parse(kind, stored)
        new = server_side_apply(
            kind,
            live,
            applied,
            manager=request.query["fieldManager"],
            force=request.flag("force"),
            now=self.writer.clock.now(),
            subresource=target.subresource,
        )
        if stored is None or live is None:
            if target.subresource:
                raise not_found(target.resource, target.name)
            if not named:
                problem = "was undeterminable: name must be provided"
                raise bad_request(f"the name of the object ({target.name} based on URL) {problem}")
            check_place(target, new)
            created = await self.writer.insert(
                kind, new, user=request.user, dry=write_options(request, "PatchOptions")
            )
            return self.writer.answer(request, target, Written(created, created=True))
        if new is live:
            return self.writer.answer(request, target, Written(stored))
        check_place(target, new)
        written = await self.writer.replace(
            request, target, stored, objects.parse(kind, stored), copy.deepcopy(new), applied=True
        )
        return self.writer.answer(request, target, written)


def patched(request: Request, kind: Kind, document: Object) -> Object:
    """Return a document after the request's patch, which must not be an apply.

    Parameters
    ----------
    request : Request
        The patch.
    kind : Kind
        Whose structure a strategic merge follows.
    document : dict
        What to patch; may be changed in place.

    Raises
    ------
    ApiError
        400, 415 or 422 if the patch is malformed, of an unknown type, or does not fit.
    """
    _check_media(request, kind)
    media, patch = _media(request), _patch(request.body)
    if media == STRATEGIC_MERGE_PATCH:
        return strategic_merge_patch(document, patch, schema_of(kind))
    return merge_patch(document, patch) if media == MERGE_PATCH else json_patch(document, patch)


def _patch(body: bytes) -> Any:
    try:
        return parse(body, JSON)
    except ApiError:
        raise bad_request("invalid JSON patch") from None


def _check_media(request: Request, kind: Kind) -> None:
    plain = (JSON_PATCH, MERGE_PATCH)
    if _media(request) in plain or (kind.custom is None and _media(request) == STRATEGIC_MERGE_PATCH):
        return
    if kind.custom is None:  # refused by go-restful, in other words
        raise failure(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    raise unsupported_media_type([*plain, APPLY_PATCH])


def _applied(request: Request, target: Target) -> Object:
    if not request.query.get("fieldManager"):
        message = "Required value: is required for apply patch"
        raise invalid_options("PatchOptions", "FieldValueRequired", "fieldManager", message)
    applied = _manifest(request)
    resource = target.resource
    version, name = applied.get("apiVersion") or "", applied.get("kind") or ""
    if name != resource.kind or version != resource.api_version:
        shown = version if "/" in version else f"/{version}"
        raise bad_request(f"invalid object type: {shown}, Kind={name}")
    check_type(target.kind, applied)
    wrong = wrong_type(target.kind, applied)
    if wrong:
        raise bad_request(wrong)
    return applied  # unknown fields are for the apply itself to refuse, whatever fieldValidation says


def _manifest(request: Request) -> Object:
    """Return the object in YAML; an empty one where there is nothing."""
    applied = parse_yaml(request.body)
    if applied is not None and not isinstance(applied, dict):
        problem = f"json: cannot unmarshal {go_type(applied)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding patch: error unmarshaling JSON: while decoding JSON: {problem}")
    told = repeated_keys(request.body) if request.query.get("fieldValidation") == "Strict" else ""
    if told:
        raise bad_request(f"error strict decoding patch: error converting YAML to JSON: {told}")
    return applied or {}


def _media(request: Request) -> str:
    return request.content_type.partition(";")[0].strip()
