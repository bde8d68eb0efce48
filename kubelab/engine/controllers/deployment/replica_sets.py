"""A Deployment's ReplicaSets: which is the new one, what each records, and the one to create.

Upstream: ``pkg/controller/deployment/util`` of Kubernetes 1.37.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from kubelab.client import DEPLOYMENTS, REPLICA_SETS, Object
from kubelab.engine.controllers.counts import scaled
from kubelab.engine.controllers.hashing import template_hash
from kubelab.engine.controllers.owners import owner_reference

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
_HISTORY = "deployment.kubernetes.io/revision-history"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MAX = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to",
        REVISION,
        _HISTORY,
        _DESIRED,
        _MAX,
    }
)
_LONGEST_HISTORY = 2000
_LONGEST_NAME = 253


def annotations_of(obj: Object) -> dict[str, str]:
    """Return an object's annotations."""
    return obj["metadata"].get("annotations") or {}


def replicas_of(obj: Object) -> int:
    """Return how many replicas an object wants."""
    return int(obj["spec"]["replicas"])


def counted(replica_sets: Iterable[Object], field: str) -> int:
    """Return a count of the statuses, summed."""
    return sum(int((each.get("status") or {}).get(field) or 0) for each in replica_sets)


def wanted(replica_sets: Iterable[Object]) -> int:
    """Return how many replicas the ReplicaSets want together."""
    return sum(map(replicas_of, replica_sets))


def by_age(replica_set: Object) -> tuple[str, str]:
    """Sort by when ReplicaSets were created."""
    return replica_set["metadata"]["creationTimestamp"], replica_set["metadata"]["name"]


def split(deployment: Object, replica_sets: Iterable[Object]) -> tuple[Object | None, list[Object]]:
    """Return the ReplicaSet of the Deployment's template, or None, and the others by age."""
    listed, template = sorted(replica_sets, key=by_age), _without_hash(deployment["spec"]["template"])
    new = next((each for each in listed if _without_hash(each["spec"]["template"]) == template), None)
    return new, [each for each in listed if each is not new]


def revision_of(obj: Object) -> int:
    """Return the revision that an object records, or 0."""
    text = annotations_of(obj).get(REVISION, "")
    return int(text) if text.isdigit() else 0


def fence_posts(deployment: Object) -> tuple[int, int]:
    """Return how many pods there may be too many, and too few, during a rolling update."""
    spec, total = deployment["spec"], replicas_of(deployment)
    if spec["strategy"]["type"] != "RollingUpdate":
        return 0, 0
    rolling = spec["strategy"].get("rollingUpdate") or {}
    surge = scaled(rolling.get("maxSurge"), total, round_up=True)
    unavailable = scaled(rolling.get("maxUnavailable"), total, round_up=False)
    if surge == 0 and unavailable == 0:
        unavailable = 1
    return surge, min(unavailable, total)


def size_annotations(deployment: Object) -> dict[str, str]:
    """Return what a ReplicaSet records of its Deployment's size."""
    total = replicas_of(deployment)
    return {_DESIRED: str(total), _MAX: str(total + fence_posts(deployment)[0])}


def desired_before(replica_set: Object) -> int | None:
    """Return the Deployment's size when it last scaled this ReplicaSet, if recorded."""
    return _number(replica_set, _DESIRED)


def max_before(replica_set: Object) -> int | None:
    """Return the Deployment's size and surge when it last scaled this ReplicaSet, if recorded."""
    return _number(replica_set, _MAX)


def renewal(deployment: Object, new: Object, old: Sequence[Object]) -> Object:
    """Return a patch that brings the new ReplicaSet's annotations and minReadySeconds up to date, or {}."""
    annotations = annotations_of(new)
    changed = {key: value for key, value in _copied(deployment).items() if annotations.get(key) != value}
    revision, next_revision = revision_of(new), max(map(revision_of, old), default=0) + 1
    if revision < next_revision:
        changed[REVISION] = str(next_revision)
        if REVISION in annotations:
            changed[_HISTORY] = _history(annotations.get(_HISTORY, ""), annotations[REVISION])
    patch: Object = {"metadata": {"annotations": changed}} if changed else {}
    ready_s = deployment["spec"].get("minReadySeconds") or 0
    if (new["spec"].get("minReadySeconds") or 0) != ready_s:
        patch["spec"] = {"minReadySeconds": ready_s}
    return patch


def build(deployment: Object, old: Sequence[Object], replicas: int) -> Object:
    """Return the ReplicaSet of the Deployment's template."""
    meta, spec = deployment["metadata"], deployment["spec"]
    template = copy.deepcopy(spec["template"])
    digest = template_hash(template, (deployment.get("status") or {}).get("collisionCount"))
    labels = {**((template.get("metadata") or {}).get("labels") or {}), HASH_LABEL: digest}
    template["metadata"] = {**(template.get("metadata") or {}), "labels": labels}
    selector = copy.deepcopy(spec["selector"])
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
    ready = {"minReadySeconds": spec["minReadySeconds"]} if spec.get("minReadySeconds") else {}
    revision = max(map(revision_of, old), default=0) + 1
    return {
        "apiVersion": REPLICA_SETS.api_version,
        "kind": REPLICA_SETS.kind,
        "metadata": {
            "name": f"{meta['name'][: _LONGEST_NAME - len(digest) - 1]}-{digest}",
            "namespace": meta["namespace"],
            "labels": dict(labels),
            "annotations": {**_copied(deployment), REVISION: str(revision), **size_annotations(deployment)},
            "ownerReferences": [owner_reference(deployment, DEPLOYMENTS)],
        },
        "spec": {"replicas": replicas, **ready, "selector": selector, "template": template},
    }


def _copied(deployment: Object) -> dict[str, str]:
    return {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_COPIED}


def _history(earlier: str, revision: str) -> str:
    revisions = [*(each for each in earlier.split(",") if each), revision]
    while len(",".join(revisions)) > _LONGEST_HISTORY:
        revisions.pop(0)
    return ",".join(revisions)


def _number(obj: Object, annotation: str) -> int | None:
    text = annotations_of(obj).get(annotation, "")
    return int(text) if text.isdigit() else None


def _without_hash(template: Object) -> Any:
    meta = template.get("metadata") or {}
    labels = {key: value for key, value in (meta.get("labels") or {}).items() if key != HASH_LABEL}
    return _without_nothing({**template, "metadata": {**meta, "labels": labels}})


def _without_nothing(value: Any) -> Any:
    """Leave out what is null or empty: to upstream's comparison it is the same as absent."""
    if isinstance(value, dict):
        pruned = {key: _without_nothing(each) for key, each in value.items()}
        return {key: each for key, each in pruned.items() if each is not None and each not in ("", [], {})}
    return [_without_nothing(each) for each in value] if isinstance(value, list) else value
