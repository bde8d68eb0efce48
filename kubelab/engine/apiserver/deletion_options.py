"""``meta/v1`` DeleteOptions, from a request's body and its query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubelab.engine.apiserver.bodies import decode_as
from kubelab.engine.apiserver.requests import TRUE, Request, invalid_options
from kubelab.engine.apiserver.status import bad_request

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
        """Read the options; those in the body win over the query's.

        Raises
        ------
        ApiError
            400 if they are malformed, 422 if they contradict each other.
        """
        body = _body(request)
        preconditions = body.get("preconditions") or {}
        grace = body.get("gracePeriodSeconds", request.integer("gracePeriodSeconds"))
        return DeleteOptions(
            grace,
            _propagation(request, body),
            preconditions.get("uid") or "",
            preconditions.get("resourceVersion") or "",
            dry_run(request, "DeleteOptions", body.get("dryRun")),
        )


def dry_run(request: Request, options_kind: str, in_body: list[str] | None = None) -> bool:
    """Return whether nothing is to be kept.

    Raises
    ------
    ApiError
        422 for any value but ``All``.
    """
    value = request.query.get("dryRun") or "".join(in_body or [])
    if value not in {"", "All"}:
        message = f'Unsupported value: ["{value}"]: supported values: "All"'
        raise invalid_options(options_kind, "FieldValueNotSupported", "dryRun", message)
    return bool(value)


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        return {}
    body = decode_as("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", request)
    kind = body.get("kind") or "DeleteOptions"
    if kind != "DeleteOptions":
        version = body.get("apiVersion", "")
        raise bad_request(
            f'no kind "{kind}" is registered for version "{version}" in scheme "pkg/runtime/scheme.go:111"'
        )
    return body


def _propagation(request: Request, body: dict[str, Any]) -> str:
    policy = body.get("propagationPolicy") or request.query.get("propagationPolicy") or ""
    orphan = body.get("orphanDependents")
    if orphan is None and "orphanDependents" in request.query:
        orphan = request.query["orphanDependents"] in TRUE
    if policy and orphan is not None:
        message = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        raise invalid_options("DeleteOptions", "FieldValueInvalid", "propagationPolicy", message)
    if policy not in {"", BACKGROUND, FOREGROUND, ORPHAN}:
        message = (
            f'Unsupported value: "{policy}": supported values: "Foreground", "Background", "Orphan", "nil"'
        )
        raise invalid_options("DeleteOptions", "FieldValueNotSupported", "propagationPolicy", message)
    if orphan is None:
        return str(policy)
    return ORPHAN if orphan else BACKGROUND
