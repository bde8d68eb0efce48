"""What the store has beside a new pod, for the admission of recommendations."""

from __future__ import annotations

from collections.abc import Iterator

from kubelab.client import NODES, VERTICAL_POD_AUTOSCALERS, Object, Resource
from kubelab.engine.apiserver.collection import Key, Stored
from kubelab.engine.apiserver.limits import LIMIT_RANGES
from kubelab.engine.apiserver.store import Store

_SPARE = 64


class StoredBeside:
    """Reads the store, writes on their way to the disk included."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._autoscalers = store.collection(VERTICAL_POD_AUTOSCALERS)
        self._parsed: dict[Key, tuple[Stored, Object]] = {}

    def autoscalers(self, namespace: str) -> Iterator[Object]:
        """Yield the VerticalPodAutoscalers of a namespace, each parsed once."""
        if len(self._parsed) > 2 * len(self._autoscalers.objects) + _SPARE:
            self._parsed.clear()  # most of them are gone
        for key, stored in self._of(VERTICAL_POD_AUTOSCALERS, namespace):
            known = self._parsed.get(key)
            if known is None or known[0] is not stored:
                known = self._parsed[key] = (stored, stored.object())
            yield known[1]

    def limit_ranges(self, namespace: str) -> Iterator[Object]:
        """Yield the LimitRanges of a namespace."""
        return (stored.object() for _, stored in self._of(LIMIT_RANGES, namespace))

    def nodes(self) -> Iterator[Object]:
        """Yield all Nodes."""
        return (stored.object() for _, stored in self._of(NODES, ""))

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        stored = self._store.collection(resource).latest((namespace, name))
        return None if stored is None else stored.object()

    def _of(self, resource: Resource, namespace: str) -> Iterator[tuple[Key, Stored]]:
        collection = self._store.collection(resource)
        if not collection.objects and not collection.pending:
            return
        for key in {**collection.objects, **collection.pending}:
            stored = collection.latest(key) if key[0] == namespace else None
            if stored is not None:
                yield key, stored
