"""Which objects have a run of their own, and whether they are over."""

from __future__ import annotations

from kubelab.client import EXPERIMENTS, JAX_JOBS, JOBS, TRAIN_JOBS, Object, Resource
from kubelab.training.builders import FUNCTION

RECORDED = (TRAIN_JOBS, JAX_JOBS, JOBS, EXPERIMENTS)
_ENDS = ("Complete", "Succeeded", "Failed")
_PARTS_OF = {"Trial", "TrainJob", "JobSet"}


def is_recorded(resource: Resource, obj: Object) -> bool:
    """Say whether an object has a run of its own: no part of a TrainJob or a Trial, and no Job of others."""
    owners = {each["kind"] for each in obj["metadata"].get("ownerReferences") or ()}
    if owners & _PARTS_OF:
        return False
    return resource != JOBS or FUNCTION in (obj["metadata"].get("annotations") or {})


def has_ended(obj: Object) -> bool:
    """Say whether a job or a sweep is over."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return any(each["type"] in _ENDS and each["status"] == "True" for each in conditions)
