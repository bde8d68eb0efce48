"""Owner references: who an object belongs to."""

from __future__ import annotations

from kubelab.client import Object, Resource


def owner_reference(owner: Object, resource: Resource) -> Object:
    """Return the reference with which ``owner`` controls an object."""
    return {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Object) -> Object | None:
    """Return the owner reference of the object's controller, or None."""
    reference: Object
    for reference in obj["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return reference
    return None


def controller_uids(obj: Object) -> tuple[str, ...]:
    """Return the controller's uid, as the values of an index."""
    reference = controller_of(obj)
    return (reference["uid"],) if reference else ()


def owner_uids(obj: Object) -> tuple[str, ...]:
    """Return the uids of all owners, as the values of an index."""
    return tuple(reference["uid"] for reference in obj["metadata"].get("ownerReferences") or ())


def is_controlled_by(obj: Object, owner: Object) -> bool:
    """Say whether ``owner`` is the object's controller."""
    return owner["metadata"]["uid"] in controller_uids(obj)
