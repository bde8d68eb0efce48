"""How objects are shown: as they are, as a ``Table`` for kubectl, or as metadata only.

Chosen by the Accept header, ``application/json;as=Table;v=v1;g=meta.k8s.io``. Plain objects are the
stored bytes; nothing is encoded again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from kubelab.client import Object
from kubelab.clock import Clock
from kubelab.engine.apiserver import conversion
from kubelab.engine.apiserver.collection import Stored
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.negotiation import METADATA, METADATA_LIST, TABLE, form_of
from kubelab.engine.apiserver.requests import Request
from kubelab.engine.apiserver.status import bad_request
from kubelab.engine.apiserver.validation.causes import shown


class Presentation:
    """The form in which one request wants the objects of a kind."""

    def __init__(self, kind: Kind, request: Request, clock: Clock) -> None:
        self.kind = kind
        self.form = form_of(request.accept).shown
        self.include_object = request.query.get("includeObject") or "Metadata"
        if self.form == TABLE and self.include_object not in {"Metadata", "Object", "None"}:
            said = (
                f"Invalid value: {shown(self.include_object)}: must be 'Metadata', 'Object', 'None', or empty"
            )
            raise bad_request(f"Unable to convert to Table as requested: includeObject: {said}")
        self.clock = clock
        self._plain = not self.form and kind.storage == kind.resource
        self._columns_sent = False

    def one(self, stored: Stored) -> bytes:
        """Return an object's JSON."""
        if self._plain:
            return stored.body
        return orjson.dumps(
            self.show([self._served(stored)], {}) if self.form == TABLE else self._item(stored)
        )

    def show(self, objects: Sequence[Object], metadata: Object) -> Object:
        """Return objects as a table."""
        from kubelab.engine.apiserver.tables import table

        shown = table(self.kind, objects, self.clock.now(), include_object=self.include_object)
        if metadata:
            shown["metadata"] = metadata
        return shown

    def many(self, items: Iterable[Stored], metadata: Object) -> list[bytes]:
        """Return a list's JSON in pieces."""
        if self.form == TABLE:
            return [orjson.dumps(self.show([self._served(item) for item in items], metadata))]
        bodies = (item.body if self._plain else orjson.dumps(self._item(item)) for item in items)
        pieces = [self._head(metadata)]
        for body in bodies:
            pieces += (body, b",")
        if len(pieces) > 1:
            pieces.pop()
        pieces.append(b"]}")
        return pieces

    def event(self, type: str, stored: Stored) -> bytes:
        """Return one line of a watch."""
        if self._plain:
            body = stored.body
        elif self.form == TABLE:
            body = self._table_event(stored)
        else:
            body = orjson.dumps(self._item(stored))
        return b'{"type":"%b","object":%b}\n' % (type.encode(), body)

    def bookmark(self, version: int, annotations: dict[str, str] | None = None) -> bytes:
        """Return the line of a watch that says how far it has come."""
        metadata: Object = {"resourceVersion": str(version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        resource = self.kind.resource
        marker: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        if self.form == TABLE:
            marker = {**self.show([], {}), "metadata": metadata}
        elif self.form:
            marker |= {"kind": METADATA, "apiVersion": "meta.k8s.io/v1"}
        elif self.kind.definition == "io.k8s.api.core.v1.Pod":
            marker |= {"spec": {"containers": None}, "status": {}}
        return orjson.dumps({"type": "BOOKMARK", "object": marker}) + b"\n"

    def _head(self, metadata: Object) -> bytes:
        resource = self.kind.resource
        head: Object = {"kind": self.kind.list_kind, "apiVersion": resource.api_version, "metadata": metadata}
        if self.form:
            head |= {"kind": METADATA_LIST, "apiVersion": "meta.k8s.io/v1"}
        elif self.kind.custom is not None:
            head["metadata"] = {"continue": "", **metadata}
        return orjson.dumps(head)[:-1] + b',"items":['

    def _served(self, stored: Stored) -> Object:
        return conversion.from_storage(self.kind, stored.object())

    def _item(self, stored: Stored) -> Object:
        obj = self._served(stored)
        if not self.form:
            return obj
        return {"kind": METADATA, "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}

    def _table_event(self, stored: Stored) -> bytes:
        shown = self.show([self._served(stored)], {})
        if self._columns_sent:
            shown["columnDefinitions"] = None
        self._columns_sent = True
        return orjson.dumps(shown)
