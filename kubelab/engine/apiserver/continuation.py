"""Continue tokens: where the next page of a list begins.

Upstream: apiserver's ``pkg/storage/continue.go`` (Kubernetes 1.37).
"""

from __future__ import annotations

import base64
import posixpath
import re

import orjson

from kubelab.engine.apiserver.collection import Key
from kubelab.engine.apiserver.status import bad_request

_FORM = "meta.k8s.io/v1"
_STRANGE = re.compile(r"[^-_A-Za-z0-9]")


class _TokenError(Exception):
    """Why a text is no token."""


def token_of(version: int, last: Key) -> str:
    """Return the token that continues after a key, at a version; -1 for whatever is there by then."""
    document = {"v": _FORM, "rv": version, "start": "/".join(last) + "\0"}
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=").decode()


def position(token: str) -> tuple[int, Key]:
    """Return the version and the key that a token stands for.

    Raises
    ------
    ApiError
        400 if it is not a token.
    """
    try:
        return _decoded(token)
    except _TokenError as error:
        problem = f"continue key is not valid: {error}"
        raise bad_request(f"invalid continue token: {problem}") from None


def _decoded(token: str) -> tuple[int, Key]:
    strange = _STRANGE.search(token)
    if strange or len(token) % 4 == 1:
        at = strange.start() if strange else len(token)
        raise _TokenError(f"illegal base64 data at input byte {at}")
    try:
        document = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except ValueError as error:
        raise _TokenError(str(error)) from None
    if not isinstance(document, dict):
        raise _TokenError("the token is not an object")
    form, version, start = document.get("v", ""), document.get("rv", 0), document.get("start", "")
    for name, value, type_, go_type in (("rv", version, int, "int64"), ("start", start, str, "string")):
        if type(value) is not type_:  # true is an int in Python
            found = "string" if isinstance(value, str) else "number"
            field = f"Go struct field continueToken.{name} of type {go_type}"
            raise _TokenError(f"json: cannot unmarshal {found} into {field}")
    if form != _FORM:
        raise _TokenError(f"server does not recognize this encoded version {form}")
    if not version:
        raise _TokenError(f"incorrect encoded start resourceVersion (version {_FORM})")
    if not start:
        raise _TokenError(f"encoded start key empty (version {_FORM})")
    rooted = start if start.startswith("/") else f"/{start}"
    if rooted.startswith("//") or posixpath.normpath(rooted) != rooted:
        raise _TokenError(start)
    namespace, _, name = start.rstrip("\0").partition("/")
    return version, (namespace, name)
