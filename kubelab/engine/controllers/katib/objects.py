"""The Suggestion and the Trials that an Experiment creates, and the object that runs a trial."""

from __future__ import annotations

import copy
from collections.abc import Iterator

from kubelab.client import EXPERIMENTS, JAX_JOBS, JOBS, SUGGESTIONS, TRAIN_JOBS, TRIALS, Object
from kubelab.engine.controllers.owners import owner_reference
from kubelab.engine.katib import checkpoints
from kubelab.engine.katib.collectors import (
    FILE_ANNOTATION,
    add_account,
    add_sidecar,
    file_of,
    keep_last_lines,
    kind_of,
)
from kubelab.engine.katib.template import run_spec
from kubelab.sweeps.names import (
    EXPERIMENT_LABEL,
    TRIAL_LABEL,
    TRIAL_NAME_VARIABLE,
    experiment_of,
)
from kubelab.sweeps.trials import assignments_of
from kubelab.tuning.suggestion.pbt import PARENT_LABEL

_DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
_MANAGER = "katib.kubeflow.org/trial-controller"
_TEMPLATE_FIELDS = ("primaryPodLabels", "primaryContainerName", "successCondition", "failureCondition")
_REPLICATED_JOB = "jobset.sigs.k8s.io/replicatedjob-name"


def suggestion_object(experiment: Object, requests: int) -> Object:
    """Return the Suggestion of an Experiment."""
    meta, spec = experiment["metadata"], experiment["spec"]
    copied = {key: spec[key] for key in ("algorithm", "earlyStopping", "resumePolicy") if spec.get(key)}
    suggestion: Object = {
        "apiVersion": SUGGESTIONS.api_version,
        "kind": SUGGESTIONS.kind,
        "metadata": {
            "name": meta["name"],
            "namespace": meta["namespace"],
            "labels": _labels(experiment),
            "ownerReferences": [owner_reference(experiment, EXPERIMENTS)],
        },
        "spec": {**copied, "requests": requests},
    }
    return suggestion


def trial_object(experiment: Object, suggested: Object, source: Object | str) -> Object:
    """Return the Trial of a suggestion.

    Raises
    ------
    TemplateError
        If the trial template refers to what is not there.
    """
    meta, spec = experiment["metadata"], experiment["spec"]
    template, name = spec["trialTemplate"], suggested["name"]
    optional = {key: suggested[key] for key in ("earlyStoppingRules", "labels") if suggested.get(key)}
    optional |= {key: template[key] for key in _TEMPLATE_FIELDS if template.get(key)}
    trial: Object = {
        "apiVersion": TRIALS.api_version,
        "kind": TRIALS.kind,
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {**_labels(experiment), **(suggested.get("labels") or {})},
            "ownerReferences": [owner_reference(experiment, EXPERIMENTS)],
        },
        "spec": {
            "objective": spec["objective"],
            "parameterAssignments": suggested.get("parameterAssignments") or [],
            "runSpec": run_spec(experiment, source, name, assignments_of(suggested)),
            "retainRun": bool(template.get("retain")),
            "metricsCollector": spec.get("metricsCollectorSpec") or {},
            **optional,
        },
    }
    if directory := checkpoints.directory_of(experiment):
        trial["metadata"]["annotations"] = {checkpoints.ANNOTATION: directory}
    return trial


def run_object(trial: Object, owner: Object) -> Object:
    """Return what runs a trial: its runSpec, owned, with the trial's labels on it and on its pods.

    Katib's webhook labels the pods and names the trial in their environment; here the templates are changed.

    Parameters
    ----------
    trial : dict
        The Trial.
    owner : dict
        The reference to who owns the run.
    """
    run: Object = copy.deepcopy(trial["spec"]["runSpec"])
    labels = {EXPERIMENT_LABEL: experiment_of(trial), TRIAL_LABEL: trial["metadata"]["name"]}
    meta = run.setdefault("metadata", {})
    meta["labels"] = {**(meta.get("labels") or {}), **labels}
    meta["ownerReferences"] = [owner]
    if marks := _marks(trial, run["kind"]):
        meta["annotations"] = {**(meta.get("annotations") or {}), **marks}
    if parent := (trial["metadata"].get("labels") or {}).get(PARENT_LABEL):
        meta["labels"][PARENT_LABEL] = parent
    container = str(trial["spec"].get("primaryContainerName") or "")
    annotations = {_DEFAULT_CONTAINER: container} if container else {}
    variable = {"name": TRIAL_NAME_VARIABLE, "value": trial["metadata"]["name"]}
    if run["kind"] == TRAIN_JOBS.kind:
        pod_spec: Object = {"containers": [{"name": container, "env": [variable]}]}
        if kind_of(trial["spec"]) == "Push":
            add_account(pod_spec, container)
        _patch_runtime(run, trial, {"labels": labels, "annotations": annotations}, pod_spec)
        return run
    for template in _pod_templates(run):
        meta = template.setdefault("metadata", {})
        meta["labels"] = {**(meta.get("labels") or {}), **labels}
        meta["annotations"] = {**annotations, **(meta.get("annotations") or {})}
        if isinstance(template.get("spec"), dict):
            _prepare(template["spec"], trial, run, container, variable)
    return run


def _marks(trial: Object, kind: str) -> dict[str, str]:
    """Return the annotations of a run that say what its pods need, beyond its own template."""
    marks: dict[str, str] = {}
    if directory := (trial["metadata"].get("annotations") or {}).get(checkpoints.ANNOTATION):
        marks[checkpoints.ANNOTATION] = directory
    if kind == TRAIN_JOBS.kind and (file := file_of(trial["spec"])):
        marks[FILE_ANNOTATION] = file
    return marks


def _prepare(pod_spec: Object, trial: Object, run: Object, container: str, variable: Object) -> None:
    """Give a pod, in place, what Katib's webhook would."""
    for each in pod_spec.get("containers") or ():
        if each.get("name") == container:
            each["env"] = [*(each.get("env") or ()), variable]
    keep_last_lines(pod_spec)
    if kind_of(trial["spec"]) == "Push":
        add_account(pod_spec, container)
    if file := file_of(trial["spec"]):
        add_sidecar(pod_spec, file)
    checkpoints.add_checkpoints(pod_spec, run, experiment_of(trial))


def _labels(experiment: Object) -> dict[str, str]:
    meta = experiment["metadata"]
    return {**(meta.get("labels") or {}), EXPERIMENT_LABEL: meta["name"]}


def _pod_templates(run: Object) -> Iterator[Object]:
    spec = run.get("spec") or {}
    if run["kind"] == JOBS.kind and isinstance(spec.get("template"), dict):
        yield spec["template"]
    if run["kind"] == JAX_JOBS.kind:
        for replica in (spec.get("jaxReplicaSpecs") or {}).values():
            if isinstance(replica.get("template"), dict):
                yield replica["template"]


def _patch_runtime(run: Object, trial: Object, metadata: Object, pod_spec: Object) -> None:
    """Add a runtime patch, since a TrainJob's pod template is its runtime's."""
    job = (trial["spec"].get("primaryPodLabels") or {}).get(_REPLICATED_JOB, "node")
    pod = {"metadata": metadata, "spec": pod_spec}
    patch = {"name": job, "template": {"spec": {"template": pod}}}
    runtime = {"template": {"spec": {"replicatedJobs": [patch]}}}
    spec = run.setdefault("spec", {})
    patches = [each for each in spec.get("runtimePatches") or () if each.get("manager") != _MANAGER]
    spec["runtimePatches"] = [*patches, {"manager": _MANAGER, "trainingRuntimeSpec": runtime}]
