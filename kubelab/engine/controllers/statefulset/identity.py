"""Who a StatefulSet's pod is: its ordinal, name, revision, and the volume claims that are its own.

Upstream: ``pkg/controller/statefulset/stateful_set_utils.go`` of Kubernetes 1.37.
"""

from __future__ import annotations

import copy
import re

from kubelab.client import PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS, Object, Resource
from kubelab.engine.controllers.owners import owner_reference
from kubelab.engine.controllers.pods import labels_of, pod_from_template
from kubelab.engine.controllers.revisions import HASH_LABEL

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
_ordinal_name = re.compile(r"(.*)-([0-9]+)").fullmatch


def ordinal_of(stateful_set: Object, pod: Object) -> int | None:
    """Return the pod's ordinal, or None if its name is not one of the set's."""
    match = _ordinal_name(pod["metadata"]["name"])
    return int(match[2]) if match and match[1] == stateful_set["metadata"]["name"] else None


def ordinals(stateful_set: Object) -> range:
    """Return the ordinals that the set wants."""
    spec = stateful_set["spec"]
    start = int((spec.get("ordinals") or {}).get("start") or 0)
    return range(start, start + int(spec["replicas"]))


def revision_of(pod: Object) -> str:
    """Return the name of the revision that a pod was made of."""
    return labels_of(pod).get(HASH_LABEL, "")


def identity_labels(stateful_set: Object, ordinal: int) -> dict[str, str]:
    """Return the labels that say which pod of the set it is."""
    return {POD_NAME: f"{stateful_set['metadata']['name']}-{ordinal}", POD_INDEX: str(ordinal)}


def build_pod(stateful_set: Object, template: Object, revision: str, ordinal: int) -> Object:
    """Return the pod of an ordinal, of a template that a revision keeps."""
    pod = pod_from_template(stateful_set, STATEFUL_SETS, template)
    meta, spec = pod["metadata"], pod["spec"]
    del meta["generateName"]
    meta["name"] = f"{stateful_set['metadata']['name']}-{ordinal}"
    meta["labels"] = {
        **(meta.get("labels") or {}),
        **identity_labels(stateful_set, ordinal),
        HASH_LABEL: revision,
    }
    spec["hostname"] = meta["name"]
    if stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = stateful_set["spec"]["serviceName"]
    claims = claims_of(stateful_set, ordinal)
    volumes = [
        {"name": name, "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
        for name, claim in claims.items()
    ]
    kept = [volume for volume in spec.get("volumes") or () if volume["name"] not in claims]
    if volumes or kept:
        spec["volumes"] = [*volumes, *kept]
    return pod


def claims_of(stateful_set: Object, ordinal: int) -> dict[str, Object]:
    """Return the claims of an ordinal's pod by the name of their template."""
    meta, spec = stateful_set["metadata"], stateful_set["spec"]
    claims: dict[str, Object] = {}
    for template in spec.get("volumeClaimTemplates") or ():
        given, name = template.get("metadata") or {}, template["metadata"]["name"]
        labels = {**(given.get("labels") or {}), **(spec["selector"].get("matchLabels") or {})}
        annotations = {"annotations": dict(given["annotations"])} if given.get("annotations") else {}
        claims[name] = {
            "apiVersion": PERSISTENT_VOLUME_CLAIMS.api_version,
            "kind": PERSISTENT_VOLUME_CLAIMS.kind,
            "metadata": {
                "name": f"{name}-{meta['name']}-{ordinal}",
                "namespace": meta["namespace"],
                "labels": labels,
                **annotations,
            },
            "spec": copy.deepcopy(template["spec"]),
        }
    return claims


def owners_wanted(stateful_set: Object, pod: Object, claim: Object) -> list[Object] | None:
    """Return the owner references that a claim should have by the retention policy, or None if it has them.

    A claim goes with its owner: with the set where claims go when it is deleted, with the pod where they
    go when it is scaled down.
    """
    references: list[Object] = claim["metadata"].get("ownerReferences") or []
    ours = [(STATEFUL_SETS, stateful_set), (PODS, pod)]
    if any(_is_stale(reference, *each) for reference in references for each in ours):
        return None
    others = [each for each in references if not any(_refers(each, *owner) for owner in ours)]
    owner = _owner(stateful_set, pod)
    conflicts = owner is not None and any(each.get("controller") for each in others)
    wanted = [*others, *([] if owner is None or conflicts else [owner_reference(owner[1], owner[0])])]
    same = {_key(each) for each in wanted} == {_key(each) for each in references}
    return None if same else wanted


def is_stale(pod_name: str, claim: Object) -> bool:
    """Say whether a claim is about to go with a pod of this name that is no more."""
    references = claim["metadata"].get("ownerReferences") or ()
    return any(each["kind"] == "Pod" and each["name"] == pod_name for each in references)


def _owner(stateful_set: Object, pod: Object) -> tuple[Resource, Object] | None:
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    scaled_down = ordinal_of(stateful_set, pod) not in ordinals(stateful_set)
    if scaled_down and policy.get("whenScaled") == "Delete":
        return PODS, pod
    return (STATEFUL_SETS, stateful_set) if policy.get("whenDeleted") == "Delete" else None


def _refers(reference: Object, resource: Resource, owner: Object) -> bool:
    found = (reference["apiVersion"], reference["kind"], reference["name"])
    return found == (resource.api_version, resource.kind, owner["metadata"]["name"])


def _is_stale(reference: Object, resource: Resource, owner: Object) -> bool:
    return _refers(reference, resource, owner) and bool(reference["uid"] != owner["metadata"]["uid"])


def _key(reference: Object) -> tuple[str, bool]:
    return reference["uid"], bool(reference.get("controller"))
