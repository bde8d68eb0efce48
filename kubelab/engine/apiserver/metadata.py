"""Object metadata that the server owns: uid, generated names, timestamps, generation."""

from __future__ import annotations

from random import Random

from kubelab.client import Object
from kubelab.engine.apiserver.integers import IntegerError, parse_uint
from kubelab.engine.apiserver.kinds import Kind
from kubelab.engine.apiserver.requests import FieldError
from kubelab.engine.apiserver.status import conflict, failure, invalid

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # upstream: util/rand, no vowels, no bad words
_SUFFIX_LENGTH = 5
_LONGEST_BASE = 63 - _SUFFIX_LENGTH

# Built-in kinds whose strategies keep metadata.generation (upstream: pkg/registry/*/strategy.go).
_COUNTED = frozenset(
    {"Pod", "PodTemplate", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController",
     "Job", "CronJob", "HorizontalPodAutoscaler",
     "PodDisruptionBudget", "Ingress", "IngressClass", "NetworkPolicy", "PriorityClass", "EndpointSlice",
     "CustomResourceDefinition"}
)  # fmt: skip

# Where upstream keeps kinds that are not kept under their plural.
_KEPT_UNDER = {
    "replicationcontrollers": "controllers",
    "nodes": "minions",
    "services": "services/specs",
    "ingresses": "ingress",
}

_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation",
                 "selfLink")  # fmt: skip


class Names:
    """Random names and uids, from a source that is passed in.

    Parameters
    ----------
    random : Random
        Seeded where a run must be repeatable.
    """

    def __init__(self, random: Random) -> None:
        self._random = random

    def uid(self) -> str:
        """Return a version 4 UUID."""
        bits = self._random.getrandbits(128)
        digits = f"{(bits & ~(0xF << 76) & ~(0x3 << 62)) | (0x4 << 76) | (0x2 << 62):032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def generate(self, base: str) -> str:
        """Return ``base`` with five random letters and digits."""
        return base[:_LONGEST_BASE] + "".join(self._random.choices(_SUFFIX_LETTERS, k=_SUFFIX_LENGTH))


def prepare_create(kind: Kind, metadata: Object, now: str, uid: str) -> None:
    """Give a new object what the server owns, in place."""
    for key in (*_SERVER_OWNED, "resourceVersion"):
        metadata.pop(key, None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = now
    if kind.custom is not None or kind.resource.kind in _COUNTED:
        metadata["generation"] = 1


def require_name(kind: Kind, metadata: Object) -> None:
    """Check that a new object has a name.

    Raises
    ------
    ApiError
        422 if it has none and none is to be generated.
    """
    if not metadata.get("name"):
        cause = FieldError(
            "FieldValueRequired", "Required value: name or generateName is required", "metadata.name"
        )
        raise invalid(kind.resource, "", [cause])


def immutable_uid(uid: str) -> FieldError:
    """Return why a patch may not name another object."""
    return FieldError("FieldValueInvalid", f'Invalid value: "{uid}": field is immutable', "metadata.uid")


def prepare_update(kind: Kind, new: Object, old: Object, *, patched: bool = False) -> None:
    """Keep in place what the server owns of the metadata.

    Raises
    ------
    ApiError
        409 if the update is meant for another version or another object of that name, 422 if a patch is.
    """
    fresh, kept = new["metadata"], old["metadata"]
    uid = fresh.get("uid")
    if uid and uid != kept["uid"] and patched:
        raise invalid(kind.resource, kept["name"], [immutable_uid(uid)])
    if uid and uid != kept["uid"]:
        raise conflict(kind.resource, kept["name"], other_object(kind, kept, uid))
    version = fresh.get("resourceVersion")
    try:
        parse_uint(version or "0")
    except IntegerError as error:
        raise failure(500, "", str(error)) from None
    if version and version != "0" and version != kept["resourceVersion"]:
        raise conflict(kind.resource, kept["name"])
    for key in _SERVER_OWNED:
        if key in kept:
            fresh[key] = kept[key]
        else:
            fresh.pop(key, None)
    fresh["resourceVersion"] = kept["resourceVersion"]


def other_object(kind: Kind, kept: Object, uid: str) -> str:
    """Return what upstream's storage says of another object of that name."""
    return _failed(kind, kept, f"UID in precondition: {uid}, UID in object meta: {kept['uid']}")


def other_version(kind: Kind, kept: Object, version: str) -> str:
    """Return what upstream's storage says of an object that is not at that version."""
    found = f"ResourceVersion in object meta: {kept['resourceVersion']}"
    return _failed(kind, kept, f"ResourceVersion in precondition: {version}, {found}")


def _failed(kind: Kind, kept: Object, problem: str) -> str:
    """Return a failed precondition, with the object's key in etcd."""
    resource = kind.resource
    plural = _KEPT_UNDER.get(resource.plural, resource.plural)
    place = "/".join(part for part in (resource.group if kind.custom else "", plural) if part)
    key = "/".join(part for part in ("/registry", place, kept.get("namespace"), kept["name"]) if part)
    return (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: {problem}"
    )


def count_generation(kind: Kind, new: Object, old: Object) -> None:
    """Count a change of what is wanted, in place: of the spec, or of all but metadata and status."""
    if "generation" not in old["metadata"]:
        return
    if wanted(kind, new) != wanted(kind, old):
        new["metadata"]["generation"] = old["metadata"]["generation"] + 1


def wanted(kind: Kind, obj: Object) -> object:
    """Return the part of an object that its generation counts the changes of."""
    if kind.custom is None and kind.resource.kind == "Deployment":
        return obj["spec"], obj["metadata"].get("annotations") or {}
    if kind.custom is None and "spec" in obj:
        return obj["spec"]
    ignored = {"metadata", "status"} if kind.custom is None or "status" in kind.subresources else {"metadata"}
    return {key: value for key, value in obj.items() if key not in ignored}
