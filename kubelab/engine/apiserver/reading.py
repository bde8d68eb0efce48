"""Get and list: pages, selectors, and the resource version a reader asks for."""

from __future__ import annotations

import asyncio
import base64
import operator
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from kubelab.client import Object
from kubelab.clock import Clock
from kubelab.engine.apiserver.collection import Collection, Key, Stored
from kubelab.engine.apiserver.presentation import Presentation
from kubelab.engine.apiserver.requests import Reply, Request, Target, invalid_options
from kubelab.engine.apiserver.selectors import Predicate, predicate
from kubelab.engine.apiserver.status import bad_request, expired, failure, not_found, too_large_version
from kubelab.engine.apiserver.store import Store

_FRESH_PATIENCE_S = 3.0
_LONGEST_VERSION = 20  # digits of 64 bits
"""How long a read waits for a version that has not been reached (upstream: cacher blockTimeout)."""

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


class Reader:
    """Answers reads from memory."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    async def get(self, request: Request, target: Target) -> Reply:
        """Return one object, or raise a 404."""
        if request.query.get("resourceVersion"):
            await self.reach(requested_version(request))
        stored = self.store.collection(target.kind.storage).objects.get(target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        return Reply(200, Presentation(target.kind, request, self.clock).one(stored))

    async def list(self, request: Request, target: Target) -> Reply:
        """Return a collection or a page of it."""
        query = _ListQuery.of(request)
        collection = self.store.collection(target.kind.storage)
        version = await self._version(query, collection)
        snapshot = Snapshot(collection, version or None, self.store.version)
        test = predicate(target.kind, query.label_selector, query.field_selector)
        keys, rest = snapshot.page(target.namespace, query.after, test, query.limit)
        metadata: Object = {"resourceVersion": str(snapshot.version)}
        if rest is not None and keys:
            metadata["continue"] = _token(snapshot.version, keys[-1])
            if test is None:
                metadata["remainingItemCount"] = rest
        pieces = Presentation(target.kind, request, self.clock).many(map(snapshot.get, keys), metadata)
        return Reply(200, pieces=pieces)

    async def reach(self, version: int) -> None:
        """Wait until a version is committed.

        Raises
        ------
        ApiError
            504 if it is not reached soon.
        """
        deadline = asyncio.get_running_loop().time() + _FRESH_PATIENCE_S
        while version > self.store.version:
            if asyncio.get_running_loop().time() >= deadline:
                raise too_large_version(version, self.store.version)
            await asyncio.sleep(0.05)

    async def _version(self, query: _ListQuery, collection: Collection) -> int:
        """Return the version to show, 0 for the present one."""
        if query.after is not None:
            if 0 < query.version < collection.floor:
                raise expired(_EXPIRED, _token(-1, query.after))
            return max(query.version, 0)
        await self.reach(query.version)
        if query.match != "Exact":
            return 0
        if query.version < collection.floor:
            raise expired(f"The resourceVersion for the provided list is too old: {query.version}")
        return query.version


class Snapshot:
    """A collection as it was at a version: the present less what changed since."""

    def __init__(self, collection: Collection, version: int | None, current: int) -> None:
        self._objects = collection.objects
        self.version = current if version is None else version
        self._then: dict[Key, Stored | None] = {}
        self._keys: Sequence[Key] = collection.keys()
        if version is not None and version < current:
            self._then = collection.differences_since(version) or {}
            present = {*collection.objects, *self._then}
            self._keys = sorted(key for key in present if self._then.get(key, self) is not None)

    def get(self, key: Key) -> Stored:
        """Return an object that was there."""
        return self._then.get(key) or self._objects[key]

    def page(
        self, namespace: str, after: Key | None, test: Predicate | None, limit: int
    ) -> tuple[Sequence[Key], int | None]:
        """Return the keys of a page, and how many follow it; None if it is the last."""
        start = bisect_left(self._keys, (namespace, "")) if namespace else 0
        end = bisect_left(self._keys, (namespace + "\0", "")) if namespace else len(self._keys)
        if after is not None:
            start = max(start, bisect_left(self._keys, (after[0], after[1] + "\0")))
        if test is None:
            stop = min(end, start + limit) if limit else end
            return self._keys[start:stop], (end - stop if stop < end else None)
        return self._matching(start, end, test, limit)

    def _matching(self, start: int, end: int, test: Predicate, limit: int) -> tuple[list[Key], int | None]:
        found: list[Key] = []
        for index in range(start, end):
            key = self._keys[index]
            if test(key, self.get(key)):
                if limit and len(found) == limit:
                    return found, end - index
                found.append(key)
        return found, None


@dataclass(frozen=True, slots=True)
class _ListQuery:
    label_selector: str
    field_selector: str
    limit: int
    version: int
    match: str
    after: Key | None

    @staticmethod
    def of(request: Request) -> _ListQuery:
        query = request.query
        token = query.get("continue", "")
        match = query.get("resourceVersionMatch", "")
        version, after = requested_version(request), None
        check_version_match(match, query.get("resourceVersion", ""), token)
        if "sendInitialEvents" in query:
            message = "Forbidden: sendInitialEvents is forbidden for list"
            raise invalid_options("ListOptions", "FieldValueForbidden", "sendInitialEvents", message)
        if token:
            if version:
                raise bad_request("specifying resource version is not allowed when using continue")
            version, after = _position(token)
        return _ListQuery(
            query.get("labelSelector", ""),
            query.get("fieldSelector", ""),
            max(request.integer("limit") or 0, 0),
            version,
            match,
            after,
        )


def check_version_match(match: str, version: str, token: str = "") -> None:
    """Check ``resourceVersionMatch`` as apimachinery's ``ValidateListOptions`` does.

    Raises
    ------
    ApiError
        422 if it may not be set, or is not a known value.
    """
    if not match:
        return

    def refuse(reason: str, message: str) -> Exception:
        return invalid_options("ListOptions", reason, "resourceVersionMatch", message)

    if not version:
        raise refuse(
            "FieldValueForbidden",
            "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        )
    if token:
        raise refuse(
            "FieldValueForbidden", "Forbidden: resourceVersionMatch is forbidden when continue is provided"
        )
    if match not in {"Exact", "NotOlderThan"}:
        supported = 'supported values: "Exact", "NotOlderThan", ""'
        raise refuse("FieldValueNotSupported", f'Unsupported value: "{match}": {supported}')
    if match == "Exact" and version == "0":
        raise refuse(
            "FieldValueForbidden",
            'Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
        )


def requested_version(request: Request) -> int:
    """Return the ``resourceVersion`` parameter, 0 if it is not given.

    Raises
    ------
    ApiError
        400 if it is not a number; upstream answers a watch 500.
    """
    text = request.query.get("resourceVersion", "")
    if not text:
        return 0
    wrong = not_a_version(text)
    if wrong:
        message = f'resourceVersion: Invalid value: "{text}": {wrong}'
        if request.flag("watch"):
            raise failure(500, "", message)
        raise bad_request(f"invalid resource version: {message}")
    return int(text)


def not_a_version(text: str) -> str:
    """Return what Go says of text that is no unsigned number of 64 bits; empty if it is one."""
    if not (text.isascii() and text.isdecimal()):
        return f'strconv.ParseUint: parsing "{text}": invalid syntax'
    digits = text.lstrip("0")
    if len(digits) > _LONGEST_VERSION or int(digits or 0) >= 2**64:
        return f'strconv.ParseUint: parsing "{text}": value out of range'
    return ""


def _token(version: int, last: Key) -> str:
    document = {"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(last) + "\0"}
    return base64.urlsafe_b64encode(orjson.dumps(document)).rstrip(b"=").decode()


def _position(token: str) -> tuple[int, Key]:
    try:
        document = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, _, name = document["start"].rstrip("\0").partition("/")
        return operator.index(document["rv"]), (namespace, name)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from None
