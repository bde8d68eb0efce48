"""The volume on which the trials of a search by ``pbt`` leave checkpoints for their children.

With the setting ``suggestion_trial_dir`` a search has a claim, of which each trial finds its own folder at
that path, with what its parent left there (katib v0.19.0, ``pkg/webhook/v1beta1/pod/inject_webhook.go`` and
``pkg/suggestion/v1beta1/pbt/service.py``). Katib copies in the suggestion's pod, which there is none of here:
an init container of the trial does.
"""

from __future__ import annotations

from kubelab.client import EXPERIMENTS, PERSISTENT_VOLUME_CLAIMS, Object
from kubelab.engine.controllers.owners import owner_reference
from kubelab.tuning.suggestion.pbt import PARENT_LABEL

SETTING = "suggestion_trial_dir"
ANNOTATION = "tuning.kubelab.dev/checkpoint-dir"
"""On a Trial, and on a TrainJob that runs one: where its containers find its folder."""
SIZE = "1Gi"
"""Katib's default (``pkg/controller.v1beta1/consts/const.go``)."""
_VOLUME = "suggestion-volume"
_WHOLE = "/opt/katib/data"
_COPY = f"""
cd {_WHOLE}
[ -z "$(ls -A "$1" 2>/dev/null)" ] && [ -d "$2" ] || exit 0
rm -rf "$1.$HOSTNAME"
cp -R "$2" "$1.$HOSTNAME"
mv -T "$1.$HOSTNAME" "$1" || rm -rf "$1.$HOSTNAME"
"""
"""Copies a parent's folder unless the trial has one already. Of several workers the first to end puts its
copy in place, in one step."""


def directory_of(experiment: Object) -> str:
    """Return where the trials of an Experiment find their checkpoints; empty where they share none."""
    settings = experiment["spec"]["algorithm"].get("algorithmSettings") or ()
    return next((str(each["value"]) for each in settings if each.get("name") == SETTING), "")


def claim_name(experiment: str) -> str:
    """Return the name of the claim, Katib's ``<suggestion>-<algorithm>``."""
    return f"{experiment}-pbt"


def claim(experiment: Object) -> Object:
    """Return the claim, which goes with its Experiment."""
    meta = experiment["metadata"]
    return {
        "apiVersion": PERSISTENT_VOLUME_CLAIMS.api_version,
        "kind": PERSISTENT_VOLUME_CLAIMS.kind,
        "metadata": {
            "name": claim_name(meta["name"]),
            "namespace": meta["namespace"],
            "ownerReferences": [owner_reference(experiment, EXPERIMENTS)],
        },
        "spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": SIZE}}},
    }


def add_checkpoints(pod_spec: Object, run: Object, experiment: str) -> None:
    """Let the containers of a pod, in place, find the trial's folder where its annotation says.

    Parameters
    ----------
    pod_spec : dict
        The pod of what runs the trial.
    run : dict
        What runs the trial, which has its name, its labels and its annotation.
    experiment : str
        The Experiment.
    """
    meta = run["metadata"]
    directory = (meta.get("annotations") or {}).get(ANNOTATION)
    if not directory:
        return
    containers = pod_spec.get("containers") or [{}]
    for container in containers:
        mounts = container.setdefault("volumeMounts", [])
        mounts.append({"name": _VOLUME, "mountPath": directory, "subPath": meta["name"]})
    source = {"persistentVolumeClaim": {"claimName": claim_name(experiment)}}
    pod_spec.setdefault("volumes", []).append({"name": _VOLUME, **source})
    parent = (meta.get("labels") or {}).get(PARENT_LABEL)
    if parent:
        copy = {
            "name": "parent-checkpoints",
            "image": containers[0].get("image") or "busybox",
            "command": ["sh", "-c", _COPY, "sh", meta["name"], parent],
            "volumeMounts": [{"name": _VOLUME, "mountPath": _WHOLE}],
        }
        pod_spec["initContainers"] = [copy, *(pod_spec.get("initContainers") or ())]
