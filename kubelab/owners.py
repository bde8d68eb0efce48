"""`Owner`: whose pod it is, by what its labels and its owner's reference say, even once the owner is gone."""

from __future__ import annotations

from dataclasses import dataclass

from kubelab.client import Object

TRIAL_LABEL = "katib.kubeflow.org/trial"
EXPERIMENT_LABEL = "katib.kubeflow.org/experiment"
_JOB_LABELS = (
    "jobset.sigs.k8s.io/jobset-name",  # a TrainJob's JobSet has its name
    "training.kubeflow.org/job-name",
    "batch.kubernetes.io/job-name",
    "job-name",
)
_HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who a pod works for.

    Attributes
    ----------
    kind, controller : str
        Its controller, and of a ReplicaSet its Deployment; "" if it has none.
    job, trial, sweep : str
        The training job, the trial and the experiment that it belongs to; "" if none.
    """

    kind: str = ""
    controller: str = ""
    job: str = ""
    trial: str = ""
    sweep: str = ""

    @staticmethod
    def of(pod: Object) -> Owner:
        """Return whose a pod is."""
        meta = pod["metadata"]
        labels = meta.get("labels") or {}
        kind, controller = _controller(meta)
        suffix = f"-{labels.get(_HASH, '')}"
        if kind == "ReplicaSet" and _HASH in labels and controller.endswith(suffix):
            kind, controller = "Deployment", controller.removesuffix(suffix)
        job = next((labels[name] for name in _JOB_LABELS if labels.get(name)), "")
        return Owner(kind, controller, job, labels.get(TRIAL_LABEL, ""), labels.get(EXPERIMENT_LABEL, ""))


def _controller(meta: Object) -> tuple[str, str]:
    for each in meta.get("ownerReferences") or ():
        if each.get("controller"):
            return each["kind"], each["name"]
    return "", ""
