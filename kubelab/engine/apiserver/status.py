"""``Status`` objects: refusals worded as apimachinery's ``pkg/api/errors`` words them (Kubernetes 1.37)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import orjson

from kubelab.client import Object, Resource
from kubelab.errors import ApiError


class Cause(Protocol):
    """One reason why a field is not valid."""

    @property
    def reason(self) -> str:
        """Machine-readable reason, such as ``FieldValueRequired``."""
        ...

    @property
    def message(self) -> str:
        """What is wrong with the value."""
        ...

    @property
    def field(self) -> str:
        """Path of the field, such as ``spec.containers[0].name``."""
        ...


# Go's encoding/json keeps JSON harmless inside HTML.
_ESCAPED = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))


def failure(code: int, reason: str, message: str, details: Object | None = None) -> ApiError:
    """Return an error that answers with a ``Status`` of this code, reason and message."""
    status: Object = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        **({"reason": reason} if reason else {}),
        **({} if details is None else {"details": details}),
        "code": code,
    }
    return ApiError.of(status)


def encoded(status: Object) -> bytes:
    """Return a ``Status`` as upstream's encoder writes it, to the byte: some clients match on text."""
    body = orjson.dumps(status, option=orjson.OPT_APPEND_NEWLINE)
    for letter, escape in _ESCAPED:
        body = body.replace(letter, escape)
    return body


def success(resource: Resource, name: str, uid: str) -> Object:
    """Return the ``Status`` that answers a finished deletion."""
    details = _details(resource, name)
    details["uid"] = uid
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def not_found(resource: Resource, name: str) -> ApiError:
    """Return a 404 for an object."""
    message = f'{_qualified(resource)} "{name}" not found'
    return failure(404, "NotFound", message, _details(resource, name))


def no_such_path() -> ApiError:
    """Return a 404 for a path that nothing is served at."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Resource, name: str, *, going: bool = False) -> ApiError:
    """Return a 409 for a name that is taken, if only by an object on its way out."""
    message = f'{"object is being deleted: " * going}{_qualified(resource)} "{name}" already exists'
    return failure(409, "AlreadyExists", message, _details(resource, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(
    resource: Resource, name: str, problem: str = MODIFIED, causes: list[Object] | None = None
) -> ApiError:
    """Return a 409 for an object that is not what the request expected."""
    message = f'Operation cannot be fulfilled on {_qualified(resource)} "{name}": {problem}'
    return failure(409, "Conflict", message, _details(resource, name, causes))


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """Return a 422 that lists every invalid field."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    problems = [f"{cause.field}: {cause.message}" for cause in causes]
    told = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.kind
    details["causes"] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
    ]
    return failure(422, "Invalid", f'{kind} "{name}" is invalid: {told}', details)


def forbidden(resource: Resource, name: str, problem: str, causes: list[Object] | None = None) -> ApiError:
    """Return a 403 for something that may not be done."""
    subject = (
        f'{_qualified(resource)} "{name}" is forbidden' if name else f"{_qualified(resource)} is forbidden"
    )
    return failure(403, "Forbidden", f"{subject}: {problem}", _details(resource, name, causes))


def bad_request(message: str) -> ApiError:
    """Return a 400."""
    return failure(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """Return a 401."""
    return failure(401, "Unauthorized", "Unauthorized")


def method_not_allowed() -> ApiError:
    """Return a 405."""
    return failure(
        405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {}
    )


def verb_not_supported(verb: str, resource: Resource) -> ApiError:
    """Return a 405 in the words that custom kinds have for it."""
    message = f'{verb} is not supported on resources of kind "{_qualified(resource)}"'
    return failure(405, "MethodNotAllowed", message, _details(resource, ""))


def unsupported_media_type(accepted: Iterable[str]) -> ApiError:
    """Return a 415 that names what is accepted."""
    message = "the body of the request was in an unknown format - accepted media types include: " + ", ".join(
        accepted
    )
    return failure(415, "UnsupportedMediaType", message)


def upgrade_required() -> ApiError:
    """Return the 400 for exec and its like without a WebSocket (apimachinery's UpgradeAwareHandler)."""
    return bad_request("Upgrade request required")


def too_large(limit_bytes: int) -> ApiError:
    """Return a 413 for a body over the limit."""
    message = f"Request entity too large: limit is {limit_bytes}"
    return failure(413, "RequestEntityTooLarge", message, {})


def expired(message: str, continue_token: str = "") -> ApiError:
    """Return a 410; with a token that continues an inconsistent list where there is one."""
    error = failure(410, "Expired", message)
    if continue_token:
        error.status["metadata"]["continue"] = continue_token
    return error


def too_old(version: int, oldest: int) -> ApiError:
    """Return the 410 that ends a watch which cannot be resumed."""
    return expired(f"too old resource version: {version} ({oldest})")


def too_large_version(version: int, current: int) -> ApiError:
    """Return the 504 for a version that has not been reached."""
    message = f"Too large resource version: {version}, current: {current}"
    causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
    details = {"causes": causes, "retryAfterSeconds": 1}
    return failure(504, "Timeout", f"Timeout: {message}", details)


def too_many_requests(message: str, causes: list[Object]) -> ApiError:
    """Return a 429, as an eviction that a disruption budget forbids."""
    return failure(429, "TooManyRequests", message, {"causes": causes})


def internal(error: BaseException) -> ApiError:
    """Return the 500 for an error of our own."""
    message = f"Internal error occurred: {error}"
    return failure(500, "InternalError", message, {"causes": [{"message": str(error)}]})


def _qualified(resource: Resource) -> str:
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def _details(resource: Resource, name: str, causes: list[Object] | None = None) -> Object:
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    if causes:
        details["causes"] = causes
    return details
