"""``meta/v1`` DeleteOptions, from a request's body and its query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kubelab.client import Object
from kubelab.engine.apiserver.bodies import not_an_object, parse
from kubelab.engine.apiserver.decoding import wrong_type_in
from kubelab.engine.apiserver.requests import Request, invalid_options
from kubelab.engine.apiserver.status import bad_request
from kubelab.engine.apiserver.validation.causes import shown

_DEFINITION = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"

BACKGROUND = "Background"
FOREGROUND = "Foreground"
ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a deletion asks for; ``propagation`` is empty where the kind's default applies."""

    grace_period_s: int | None = None
    propagation: str = ""
    uid: str = ""
    resource_version: str = ""
    dry_run: bool = False

    @staticmethod
    def of(request: Request) -> DeleteOptions:
        """Read the options from the body, or from the query where there is none.

        Raises
        ------
        ApiError
            400 if they are malformed, 422 if they contradict each other.
        """
        given = _body(request) if request.body else _query(request)
        preconditions = given.get("preconditions") or {}
        return DeleteOptions(
            given.get("gracePeriodSeconds"),
            _propagation(given),
            preconditions.get("uid") or "",
            preconditions.get("resourceVersion") or "",
            _is_dry(given.get("dryRun") or [], "DeleteOptions"),
        )


def dry_run(request: Request, options_kind: str) -> bool:
    """Return whether nothing is to be kept.

    Raises
    ------
    ApiError
        422 for any value but ``All``.
    """
    return "dryRun" in request.query and _is_dry(request.values("dryRun"), options_kind)


def _is_dry(values: Sequence[str], options_kind: str) -> bool:
    if set(values) - {"All"}:
        message = f'Unsupported value: {shown(list(values))}: supported values: "All"'
        raise invalid_options(options_kind, "FieldValueNotSupported", "dryRun", message)
    return bool(values)


def _query(request: Request) -> Object:
    """Return the options that a query gives; upstream reads it only where there is no body."""
    given: Object = {"gracePeriodSeconds": request.integer("gracePeriodSeconds")}
    if "propagationPolicy" in request.query:
        given["propagationPolicy"] = request.query["propagationPolicy"]
    if "orphanDependents" in request.query:
        given["orphanDependents"] = request.flag("orphanDependents")
    given["dryRun"] = list(request.values("dryRun"))
    return given


def _body(request: Request) -> Object:
    body = parse(request.body, request.content_type)
    if not isinstance(body, dict):
        raise bad_request(not_an_object(body))
    kind = body.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        version = body.get("apiVersion", "")
        raise bad_request(
            f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    problem = wrong_type_in(_DEFINITION, body)
    if problem:
        named = "DeleteOptions.propagationPolicy of type "
        raise bad_request(problem.replace(f"{named}string", f"{named}v1.DeletionPropagation"))
    return body


def _propagation(given: Object) -> str:
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    if policy is not None and orphan is not None:
        message = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        raise invalid_options("DeleteOptions", "FieldValueInvalid", "propagationPolicy", message)
    if policy not in {None, BACKGROUND, FOREGROUND, ORPHAN}:
        message = (
            f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        )
        raise invalid_options("DeleteOptions", "FieldValueNotSupported", "propagationPolicy", message)
    if orphan is None:
        return policy or ""
    return ORPHAN if orphan else BACKGROUND
