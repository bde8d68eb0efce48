"""Which form an Accept header asks for: JSON or YAML, whole objects, a ``Table``, or metadata alone.

Two parts of upstream refuse with 406, each in its own words: go-restful for a media type that no answer of
the kind has, and ``endpoints/handlers/negotiation`` for a transformation that is not known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from kubelab.engine.apiserver.requests import JSON, Request, Target
from kubelab.engine.apiserver.status import failure
from kubelab.errors import ApiError

TABLE = "Table"
METADATA = "PartialObjectMetadata"
METADATA_LIST = "PartialObjectMetadataList"

_YAML = "application/yaml"
_PROTOBUF = "application/vnd.kubernetes.protobuf"
PRODUCED = (JSON, _YAML, _PROTOBUF)
_SHOWN = {METADATA_LIST: METADATA}
_STREAMED = (f"{JSON};stream=watch", f"{_PROTOBUF};stream=watch")


class Form(NamedTuple):
    """How an answer looks: ``kind`` is empty for whole objects, ``shown`` is what each of them looks like."""

    kind: str = ""
    yaml: bool = False
    shown: str = ""


class _Clause(NamedTuple):
    media: str
    parameters: dict[str, str]
    quality: float


def check_acceptable(request: Request, target: Target) -> None:
    """Refuse, before anything is done, what could not be answered.

    Raises
    ------
    ApiError
        406 if the client can read no form of the answer.
    """
    many = not target.name and request.method in {"GET", "DELETE"}
    form = _form(
        request.accept, listed=many and request.method == "GET", custom=target.kind.custom is not None
    )
    if many and request.flag("watch"):
        if form.yaml:
            raise _none_of(_STREAMED)
    elif (form.kind == METADATA_LIST and not many) or (form.kind == METADATA and many):
        resource = target.resource
        group = resource.group.partition(".")[0] or "core"
        go_type = "unstructured.Unstructured" if target.kind.custom else f"{group}.{resource.kind}"
        found = "a list" if many else "not a list"
        said = f"you requested {form.kind}, but the requested object is {found} (*{go_type}{'List' * many})"
        raise failure(406, "NotAcceptable", said)


def check_produced(accept: str, produced: Sequence[str]) -> None:
    """Refuse a client that can read none of some media types.

    Raises
    ------
    ApiError
        406 that names them.
    """
    media = {part.partition(";")[0].strip() for part in accept.split(",")}
    if accept and not media & {"*/*", *produced}:
        said = f"406: Not Acceptable\n\nAvailable representations: {', '.join(produced)}"
        raise failure(406, "NotAcceptable", said, {})


@lru_cache(256)
def form_of(accept: str) -> Form:
    """Return the form that an Accept header asks for; whole objects in JSON where none can be served.

    A client that wants protobuf alone gets JSON: it goes by the Content-Type.
    """
    return next(_forms(accept), Form())


@lru_cache(256)
def _form(accept: str, *, listed: bool, custom: bool) -> Form:
    if not custom:
        check_produced(accept, (*PRODUCED, *_STREAMED) if listed else PRODUCED)
    form = next(_forms(accept), None)
    if form is None:
        raise _none_of(PRODUCED)
    return form


def _none_of(served: Sequence[str]) -> ApiError:
    said = f"only the following media types are accepted: {', '.join(served)}"
    return failure(406, "NotAcceptable", said)


def _forms(accept: str) -> Iterator[Form]:
    """Yield the forms that can be served, best first."""
    if not accept:
        yield Form()
    for clause in sorted(_clauses(accept), key=lambda each: -each.quality):
        kind = clause.parameters.get("as", "")
        wanted = {clause.parameters.get("g", ""), clause.parameters.get("v", "")}
        if kind not in {"", TABLE, METADATA, METADATA_LIST} or (kind and wanted != {"meta.k8s.io", "v1"}):
            continue
        if clause.media in {JSON, _YAML, "*/*", "application/*"}:
            yield Form(kind, clause.media == _YAML, _SHOWN.get(kind, kind))
        elif clause.media == _PROTOBUF and kind != TABLE:
            yield Form(kind, shown=_SHOWN.get(kind, kind))


def _clauses(accept: str) -> Iterator[_Clause]:
    for part in accept.split(","):
        media, *rest = (piece.strip() for piece in part.split(";"))
        parameters = dict(piece.split("=", 1) for piece in rest if "=" in piece)
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            quality = 0.0
        yield _Clause(media, parameters, quality)
