"""Where a pod's claims can be mounted, and which volume each unbound claim would get.

Source: ``plugins/volumebinding`` and ``plugins/volumerestrictions`` (v1.37). Capacity tracking of CSI
drivers and attach limits are not modelled: no node of kubelab has either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from kubelab.client import Object
from kubelab.quantities import parse_quantity
from kubelab.scheduling.filters import Rejection, Rejections
from kubelab.scheduling.selectors import NodeTerm, Requirement, Selector, node_terms
from kubelab.scheduling.snapshot import Key, Node, PodInfo, Snapshot, Storage

SELECTED_NODE = "volume.kubernetes.io/selected-node"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
NO_PROVISIONER = "kubernetes.io/no-provisioner"

UNBOUND_IMMEDIATE = "pod has unbound immediate PersistentVolumeClaims"
NO_VOLUME = Rejection("VolumeBinding", "node(s) didn't find available persistent volumes to bind")
WRONG_NODE = Rejection("VolumeBinding", "node(s) didn't match PersistentVolume's node affinity")
LOST_VOLUME = Rejection(
    "VolumeBinding", "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"
)
EXCLUSIVE = Rejection(
    "VolumeRestrictions",
    "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode",
    resolvable=True,
)


class BlockedError(Exception):
    """No node can do until a claim changes; the message is the scheduler's."""


@dataclass(frozen=True, slots=True)
class VolumeChoice:
    """What an unbound claim gets once its pod is placed.

    Attributes
    ----------
    claim : (str, str)
        Namespace and name.
    volume : str
        An existing volume to bind; empty if one is to be provisioned on the chosen node.
    """

    claim: Key
    volume: str = ""


@dataclass(frozen=True, slots=True)
class Mounts:
    """A pod's claims, sorted by what has to be true of a node."""

    volumes: tuple[Object | None, ...]
    unbound: tuple[Object, ...]
    storage: Storage
    in_use: bool

    @staticmethod
    def of(pod: PodInfo, snapshot: Snapshot) -> Mounts | None:
        """Look the claims up; None if the pod has none.

        Raises
        ------
        BlockedError
            If a claim is missing, lost, being deleted, or must be bound before its pod is placed.
        """
        if not pod.shape.claims:
            return None
        storage = snapshot.storage
        claims = [_claim(pod, name, storage) for name in pod.shape.claims]
        bound = [claim for claim in claims if is_bound(claim)]
        unbound = [claim for claim in claims if not is_bound(claim)]
        if any(claim["spec"].get("volumeName") or not _waits(claim, storage) for claim in unbound):
            raise BlockedError(UNBOUND_IMMEDIATE)
        return Mounts(
            tuple(storage.volumes.get(("", claim["spec"]["volumeName"])) for claim in bound),
            tuple(unbound),
            storage,
            any(_exclusive(claim) and _used(claim, snapshot) for claim in claims),
        )

    def reject(self, node: Node) -> Rejections:
        """Return why the claims cannot be mounted on the node."""
        if self.in_use:
            return (EXCLUSIVE,)
        if any(volume is None for volume in self.volumes):
            return (LOST_VOLUME,)
        wrong = any(not _reaches(volume, node) for volume in self.volumes if volume is not None)
        missing = self.choices(node) is None
        return (*((NO_VOLUME,) * missing), *((WRONG_NODE,) * wrong))

    def choices(self, node: Node) -> tuple[VolumeChoice, ...] | None:
        """Return what each unbound claim would get on the node; None if one would get nothing."""
        chosen: list[VolumeChoice] = []
        for claim in self.unbound:
            taken = {each.volume for each in chosen}
            choice = _choose(claim, node, self.storage, taken)
            if choice is None:
                return None
            chosen.append(choice)
        return tuple(chosen)


def is_bound(claim: Object) -> bool:
    """Say whether a claim has its volume."""
    return bool(claim["spec"].get("volumeName")) and (claim.get("status") or {}).get("phase") == "Bound"


def _claim(pod: PodInfo, name: str, storage: Storage) -> Object:
    claim = storage.claims.get((pod.namespace, name))
    if claim is None:
        if name.startswith(f"{pod.name}-"):
            raise BlockedError(
                f'waiting for ephemeral volume controller to create the persistentvolumeclaim "{name}"'
            )
        raise BlockedError(f'persistentvolumeclaim "{name}" not found')
    if (claim.get("status") or {}).get("phase") == "Lost":
        volume = claim["spec"].get("volumeName", "")
        raise BlockedError(
            f'persistentvolumeclaim "{name}" bound to non-existent persistentvolume "{volume}"'
        )
    if "deletionTimestamp" in claim["metadata"]:
        raise BlockedError(f'persistentvolumeclaim "{name}" is being deleted')
    return claim


def storage_class(claim: Object, storage: Storage) -> Object | None:
    """Return a claim's class; the default one where it names none."""
    name = claim["spec"].get("storageClassName")
    if name is not None:
        return storage.classes.get(("", name))
    for each in storage.classes.values():
        if (each["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true":
            return each
    return None


def _waits(claim: Object, storage: Storage) -> bool:
    found = storage_class(claim, storage)
    return found is not None and found.get("volumeBindingMode") == "WaitForFirstConsumer"


def _exclusive(claim: Object) -> bool:
    return "ReadWriteOncePod" in (claim["spec"].get("accessModes") or ())


def _used(claim: Object, snapshot: Snapshot) -> bool:
    namespace, name = claim["metadata"].get("namespace", ""), claim["metadata"]["name"]
    return any(
        pod.namespace == namespace and name in pod.shape.claims
        for info in snapshot.nodes.values()
        for pod in info.pods.values()
    )


def _reaches(volume: Object, node: Node) -> bool:
    terms = node_terms((volume["spec"].get("nodeAffinity") or {}).get("required"))
    return terms is None or any(term.matches(node.name, node.labels) for term in terms)


def _choose(claim: Object, node: Node, storage: Storage, taken: Iterable[str]) -> VolumeChoice | None:
    meta = claim["metadata"]
    key = (meta.get("namespace", ""), meta["name"])
    selected = (meta.get("annotations") or {}).get(SELECTED_NODE)
    if selected and selected != node.name:
        return None
    found = storage_class(claim, storage)
    class_name = found["metadata"]["name"] if found else ""
    fitting = [
        volume
        for volume in storage.volumes.values()
        if volume["metadata"]["name"] not in taken and _suits(volume, claim, class_name, node)
    ]
    if fitting:
        smallest = min(fitting, key=lambda volume: (_capacity(volume), volume["metadata"]["name"]))
        return VolumeChoice(key, smallest["metadata"]["name"])
    return VolumeChoice(key) if found and _provisions(found, node) else None


def _suits(volume: Object, claim: Object, class_name: str, node: Node) -> bool:
    spec, wanted = volume["spec"], claim["spec"]
    reference = spec.get("claimRef")
    mine = reference is None or (
        reference.get("name") == claim["metadata"]["name"]
        and reference.get("namespace") == claim["metadata"].get("namespace")
        and reference.get("uid", claim["metadata"].get("uid")) == claim["metadata"].get("uid")
    )
    return (
        mine
        and "deletionTimestamp" not in volume["metadata"]
        and (spec.get("storageClassName") or "") == class_name
        and (spec.get("volumeMode") or "Filesystem") == (wanted.get("volumeMode") or "Filesystem")
        and set(wanted.get("accessModes") or ()) <= set(spec.get("accessModes") or ())
        and _capacity(volume) >= parse_quantity(wanted["resources"]["requests"]["storage"])
        and Selector.of(wanted.get("selector") or {}).matches(volume["metadata"].get("labels") or {})
        and _reaches(volume, node)
    )


def _capacity(volume: Object) -> Decimal:
    return parse_quantity(volume["spec"]["capacity"]["storage"])


def _provisions(storage_class: Object, node: Node) -> bool:
    if storage_class.get("provisioner") in (None, "", NO_PROVISIONER):
        return False
    topologies = storage_class.get("allowedTopologies")
    return not topologies or any(_topology(term).matches(node.name, node.labels) for term in topologies)


def _topology(term: Object) -> NodeTerm:
    expressions = term.get("matchLabelExpressions") or ()
    return NodeTerm(
        tuple(Requirement(each["key"], "In", frozenset(each["values"])) for each in expressions), ()
    )
