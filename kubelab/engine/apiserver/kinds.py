"""Which kinds are served, under which names: the built-in ones and those of the CRDs that exist."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kubelab.client import Object, Resource
from kubelab.engine.apiserver.builtin_kinds import BUILTIN, STORED_AS, Row

STANDARD_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Kind:
    """One kind in one version, as discovery describes it.

    Attributes
    ----------
    resource : Resource
        Group, version, plural and kind.
    singular : str
        Lower-case singular name.
    short_names, categories, subresources : tuple of str
        As in ``kubectl api-resources``; subresources without the plural, such as ``status``.
    definition : str
        Name of its schema in Kubernetes' OpenAPI document; empty for custom kinds.
    list_kind : str
        Kind of its collection.
    storage : Resource
        The version in which objects are kept; differs from `resource` where a kind is served twice.
    verbs : tuple of str
        Verbs served on the kind itself; only ``create`` for reviews and bindings.
    custom : dict or None
        The CustomResourceDefinition, for custom kinds.
    """

    resource: Resource
    singular: str
    short_names: tuple[str, ...]
    categories: tuple[str, ...]
    subresources: tuple[str, ...]
    definition: str
    list_kind: str
    storage: Resource
    verbs: tuple[str, ...] = STANDARD_VERBS
    custom: Object | None = None


class Kinds:
    """The registry of served kinds: some from the start, custom ones as CRDs come and go.

    Parameters
    ----------
    first : iterable of Kind, optional
        Those from the start; all built-in ones unless given.
    """

    def __init__(self, first: Iterable[Kind] | None = None) -> None:
        self._by_plural: dict[tuple[str, str, str], Kind] = {}
        self._by_kind: dict[tuple[str, str, str], Kind] = {}
        self._of_crd: dict[str, list[Kind]] = {}
        self.generation = 0
        for kind in _builtin() if first is None else first:
            self._add(kind)

    def get(self, group: str, version: str, plural: str) -> Kind | None:
        """Return the kind served at ``/apis/group/version/plural``, if any."""
        return self._by_plural.get((group, version, plural))

    def by_gvk(self, group: str, version: str, kind: str) -> Kind | None:
        """Return the kind that objects of this apiVersion and kind belong to, if it is served."""
        return self._by_kind.get((group, version, kind))

    def all(self) -> list[Kind]:
        """Return every kind, groups in the order of their registration, preferred versions first."""
        return list(self._by_plural.values())

    def add_crd(self, crd: Object) -> None:
        """Serve what a CustomResourceDefinition declares; a CRD of the same name is replaced.

        A definition whose names another kind has taken serves nothing: see `crds.conditions`.
        """
        from kubelab.engine.apiserver.crds import served_kinds

        self.remove_crd(crd["metadata"]["name"])
        kinds = served_kinds(crd)
        if any(self._taken(kind) for kind in kinds):
            return
        self._of_crd[crd["metadata"]["name"]] = kinds
        for kind in kinds:
            self._add(kind)

    def remove_crd(self, name: str) -> None:
        """Stop serving what the CRD of that name declared, if it is known."""
        for kind in self._of_crd.pop(name, ()):
            resource = kind.resource
            del self._by_plural[resource.group, resource.version, resource.plural]
            del self._by_kind[resource.group, resource.version, resource.kind]
            self.generation += 1

    def add(self, kind: Kind) -> None:
        """Serve a kind that is neither built in nor custom, such as metrics."""
        self._add(kind)

    def _taken(self, kind: Kind) -> bool:
        resource = kind.resource
        return self.by_gvk(resource.group, resource.version, resource.kind) is not None

    def _add(self, kind: Kind) -> None:
        resource = kind.resource
        self._by_plural[resource.group, resource.version, resource.plural] = kind
        self._by_kind[resource.group, resource.version, resource.kind] = kind
        self.generation += 1


def _builtin() -> list[Kind]:
    return [
        _kind_of(group, version, package, row) for group, version, package, rows in BUILTIN for row in rows
    ]


def _kind_of(group: str, version: str, package: str, row: Row) -> Kind:
    resource = Resource(group, version, row.plural, row.kind, namespaced=row.namespaced)
    stored_group, stored_version = STORED_AS.get((group, version, row.plural), (group, version))
    return Kind(
        resource=resource,
        singular=row.kind.lower(),
        short_names=row.short_names,
        categories=row.categories,
        subresources=row.subresources,
        definition=f"{package}.{row.kind}",
        list_kind=f"{row.kind}List",
        storage=Resource(stored_group, stored_version, row.plural, row.kind, namespaced=row.namespaced),
        verbs=("create",) if row.create_only else _verbs(row),
    )


def _verbs(row: Row) -> tuple[str, ...]:
    if row.plural == "namespaces":  # upstream does not serve a namespace deletecollection
        return tuple(verb for verb in STANDARD_VERBS if verb != "deletecollection")
    return STANDARD_VERBS
