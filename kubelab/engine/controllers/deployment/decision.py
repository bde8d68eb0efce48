"""What a Deployment does next: one step of a rollout, a scaling, or its status.

Upstream: ``pkg/controller/deployment`` of Kubernetes 1.37.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kubelab.client import Object
from kubelab.engine.controllers.conditions import find
from kubelab.engine.controllers.deployment import sizes
from kubelab.engine.controllers.deployment.progress import (
    PAUSED,
    RESUMED,
    TIMED_OUT,
    has_deadline,
    is_complete,
    next_check_s,
    rollout_status_of,
    status_of,
    with_deployment_condition,
)
from kubelab.engine.controllers.deployment.replica_sets import (
    REVISION,
    annotations_of,
    build,
    by_age,
    counted,
    renewal,
    replicas_of,
    revision_of,
    split,
)

_NO_LIMIT = 2**31 - 1
Status = Callable[[Object, Sequence[Object], Object | None, datetime], Object]


@dataclass(frozen=True, slots=True)
class DeploymentDecision:
    """What to do: change ReplicaSets, or else to write down how things are.

    Attributes
    ----------
    create : Object or None
        The ReplicaSet to create.
    renew : tuple of (ReplicaSet, patch)
        ReplicaSets whose annotations or minReadySeconds are out of date.
    resize : mapping of str to int
        Sizes by the ReplicaSet's name.
    delete : tuple of Object
        ReplicaSets beyond the history's limit.
    status : Object
        The status to write once nothing of the above is left; after a creation, at once.
    revision : str
        The Deployment's own revision annotation; empty if it has none yet.
    """

    status: Object
    create: Object | None = None
    renew: tuple[tuple[Object, Object], ...] = ()
    resize: Mapping[str, int] = field(default_factory=dict)
    delete: tuple[Object, ...] = ()
    revision: str = ""
    again_after_s: float | None = None


def decide(
    deployment: Object, replica_sets: Sequence[Object], now: datetime, *, old_pods_run: bool = False
) -> DeploymentDecision:
    """Return the next step.

    Parameters
    ----------
    replica_sets : sequence of ReplicaSets
        Those that the Deployment controls.
    old_pods_run : bool
        Whether a pod of another template than the present one has not ended; asked for by ``Recreate``.
    """
    spec = deployment["spec"]
    new, old = split(deployment, replica_sets)
    if deployment["metadata"].get("deletionTimestamp"):
        return _recorded(deployment, new, old, now, status_of)
    amended = _amended(deployment, new, old, now)
    if amended is not None:
        return amended
    if spec.get("paused") or sizes.is_resized(deployment, replica_sets):
        return _rescaled(deployment, new, old, now)
    if spec["strategy"]["type"] == "Recreate":
        return _recreate(deployment, new, old, now, old_pods_run=old_pods_run)
    return _roll(deployment, new, old, now)


def _amended(
    deployment: Object, new: Object | None, old: Sequence[Object], now: datetime
) -> DeploymentDecision | None:
    """Return the decision that only notes something: a pause, a revision, a ReplicaSet found."""
    conditions = _pause_conditions(deployment, now)
    if conditions is not None:
        status = {**(deployment.get("status") or {}), "conditions": conditions}
        return DeploymentDecision(status, revision=annotations_of(deployment).get(REVISION, ""))
    if new is None:
        return None
    patch = renewal(deployment, new, old)
    if patch:
        return DeploymentDecision(deployment.get("status") or {}, renew=((new, patch),))
    return _found(deployment, new, now)


def _rescaled(
    deployment: Object, new: Object | None, old: Sequence[Object], now: datetime
) -> DeploymentDecision:
    resize = sizes.resized(deployment, new, old)
    delete = _beyond_history(deployment, old) if deployment["spec"].get("paused") else ()
    return _recorded(deployment, new, old, now, status_of, resize=resize, delete=delete)


def _roll(deployment: Object, new: Object | None, old: Sequence[Object], now: datetime) -> DeploymentDecision:
    if new is None:
        return _created(deployment, old, now)
    size = sizes.new_size(deployment, old, replicas_of(new))
    if size != replicas_of(new):
        return _recorded(deployment, new, old, now, resize={sizes.name_of(new): size})
    resize = sizes.rolling_old(deployment, new, old)
    return _recorded(deployment, new, old, now, resize=resize, delete=_cleaned(deployment, old, resize))


def _recreate(
    deployment: Object, new: Object | None, old: Sequence[Object], now: datetime, *, old_pods_run: bool
) -> DeploymentDecision:
    resize = {sizes.name_of(each): 0 for each in old if replicas_of(each)}
    if resize or counted(old, "replicas") or old_pods_run:
        return _recorded(deployment, new, old, now, resize=resize)
    if new is None:
        return _created(deployment, old, now)
    if replicas_of(new) != replicas_of(deployment):
        resize = {sizes.name_of(new): replicas_of(deployment)}
    return _recorded(deployment, new, old, now, resize=resize, delete=_cleaned(deployment, old, resize))


def _created(deployment: Object, old: Sequence[Object], now: datetime) -> DeploymentDecision:
    new = build(deployment, old, sizes.new_size(deployment, old, 0))
    status = deployment.get("status") or {}
    if has_deadline(deployment):
        message = f'Created new replica set "{sizes.name_of(new)}"'
        condition = ("Progressing", "True", "NewReplicaSetCreated", message)
        conditions = with_deployment_condition(status.get("conditions") or [], condition, now)
        status = {**status, "conditions": conditions}
    return DeploymentDecision(status, create=new, revision=annotations_of(new)[REVISION])


def _recorded(
    deployment: Object,
    new: Object | None,
    old: Sequence[Object],
    now: datetime,
    status: Status = rollout_status_of,
    *,
    resize: Mapping[str, int] | None = None,
    delete: tuple[Object, ...] = (),
) -> DeploymentDecision:
    written = status(deployment, [*old, *([new] if new else [])], new, now)
    revision = annotations_of(new if new is not None else deployment).get(REVISION, "")
    again_after_s = next_check_s(deployment, written, now)
    return DeploymentDecision(
        written, resize=resize or {}, delete=delete, revision=revision, again_after_s=again_after_s
    )


def _found(deployment: Object, new: Object, now: datetime) -> DeploymentDecision | None:
    """Return the decision that notes a ReplicaSet which was there before, if it was not noted yet."""
    status = deployment.get("status") or {}
    revision = annotations_of(new)[REVISION]
    missing = has_deadline(deployment) and find(status.get("conditions"), "Progressing") is None
    if not missing and annotations_of(deployment).get(REVISION) == revision:
        return None
    if missing:
        message = f'Found new replica set "{sizes.name_of(new)}"'
        condition = ("Progressing", "True", "FoundNewReplicaSet", message)
        conditions = with_deployment_condition(status.get("conditions") or [], condition, now)
        status = {**status, "conditions": conditions}
    return DeploymentDecision(status, revision=revision)


def _pause_conditions(deployment: Object, now: datetime) -> list[Object] | None:
    """Return the conditions if pausing or resuming changes them."""
    conditions = (deployment.get("status") or {}).get("conditions") or []
    reason = (find(conditions, "Progressing") or {}).get("reason")
    paused = bool(deployment["spec"].get("paused"))
    if not has_deadline(deployment) or reason == TIMED_OUT or paused == (reason == PAUSED):
        return None
    change = (PAUSED, "Deployment is paused") if paused else (RESUMED, "Deployment is resumed")
    return with_deployment_condition(conditions, ("Progressing", "Unknown", *change), now)


def _cleaned(deployment: Object, old: Sequence[Object], resize: Mapping[str, int]) -> tuple[Object, ...]:
    done = not resize and is_complete(deployment, deployment.get("status") or {})
    return _beyond_history(deployment, old) if done else ()


def _beyond_history(deployment: Object, old: Sequence[Object]) -> tuple[Object, ...]:
    limit = deployment["spec"].get("revisionHistoryLimit", _NO_LIMIT)
    kept = [each for each in old if not each["metadata"].get("deletionTimestamp")]
    if limit == _NO_LIMIT or len(kept) <= limit:
        return ()
    oldest = sorted(kept, key=lambda each: (revision_of(each), by_age(each)))[: len(kept) - limit]
    return tuple(each for each in oldest if _is_idle(each))


def _is_idle(replica_set: Object) -> bool:
    status = replica_set.get("status") or {}
    observed = int(status.get("observedGeneration") or 0)
    return (
        replicas_of(replica_set) == 0
        and not status.get("replicas")
        and observed >= int(replica_set["metadata"].get("generation") or 0)
    )
