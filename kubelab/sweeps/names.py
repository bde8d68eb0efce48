"""Labels, annotations and names that Katib's objects are found by."""

from __future__ import annotations

from hashlib import sha256

from kubelab.client import JAX_JOBS, JOBS, TRAIN_JOBS, Object, Resource

EXPERIMENT_LABEL = "katib.kubeflow.org/experiment"
TRIAL_LABEL = "katib.kubeflow.org/trial"
TRIAL_NAME_VARIABLE = "KATIB_TRIAL_NAME"

PAUSED_ANNOTATION = "tuning.kubelab.dev/paused"
"""``"true"`` on an Experiment: no new trials are created; those that run go on."""
STOPPED_ANNOTATION = "tuning.kubelab.dev/stopped"
"""``"true"`` on an Experiment: trials that run are killed, and the Experiment is over."""

RUNS: dict[tuple[str, str], Resource] = {
    (resource.api_version, resource.kind): resource for resource in (JOBS, TRAIN_JOBS, JAX_JOBS)
}
"""What a trial can be, by apiVersion and kind."""

NEVER_ACCEPTED = (400, 404, 422)
"""HTTP statuses of refusals that trying again does not change."""

_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""k8s.io/apimachinery/pkg/util/rand: no vowels, and nothing that is read as something else."""
_SUFFIX_LENGTH = 8


def trial_name(experiment: Object, number: int) -> str:
    """Return the name of an Experiment's trial: always the same one for the same number."""
    meta = experiment["metadata"]
    digest = sha256(f"{meta.get('uid', '')}/{number}".encode()).digest()
    suffix = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_SUFFIX_LENGTH])
    return f"{meta['name']}-{suffix}"


def experiment_of(obj: Object) -> str:
    """Return the name of the Experiment that an object belongs to, or an empty text."""
    return str((obj["metadata"].get("labels") or {}).get(EXPERIMENT_LABEL, ""))


def trial_of(obj: Object) -> str:
    """Return the name of the Trial that an object belongs to, or an empty text."""
    return str((obj["metadata"].get("labels") or {}).get(TRIAL_LABEL, ""))


def is_annotated(obj: Object, annotation: str) -> bool:
    """Say whether an annotation is there and is not ``"false"``."""
    value = (obj["metadata"].get("annotations") or {}).get(annotation, "false")
    return str(value).lower() not in {"", "false"}


def experiment_index(obj: Object) -> tuple[str, ...]:
    """Return ``namespace/experiment`` as the values of an index."""
    name = experiment_of(obj)
    return (f"{obj['metadata']['namespace']}/{name}",) if name else ()
