"""Defaulting of Katib's Experiment, as its mutating webhook does it.

Upstream: Katib 0.19, ``pkg/apis/controller/experiments/v1beta1/experiment_defaults.go``. The webhook sees
every Experiment that is written; a lab cluster runs no webhooks, so the server does it.
"""

from __future__ import annotations

from typing import Any

from kubelab.client import Object

_PARALLEL_TRIALS = 3
_RESUME_POLICY = "Never"
_STRATEGIES = {"minimize": "min", "maximize": "max"}
_KUBEFLOW_JOBS = frozenset({"TFJob", "PyTorchJob", "XGBoostJob", "MPIJob"})
_FILE_KINDS = {
    "File": {"kind": "File", "path": "/var/log/katib/metrics.log", "format": "TEXT"},
    "TensorFlowEvent": {"kind": "Directory", "path": "/var/log/katib/tfevent/"},
}
_HTTP = {"path": "/metrics", "port": 8080}


def default_experiment(experiment: Object) -> None:
    """Fill in, in place, what an Experiment leaves out."""
    spec = experiment.get("spec")
    if not isinstance(spec, dict):
        return
    _set(spec, "parallelTrialCount", _PARALLEL_TRIALS)
    _set(spec, "resumePolicy", _RESUME_POLICY)
    if isinstance(spec.get("objective"), dict):
        _default_strategies(spec["objective"])
    if isinstance(spec.get("trialTemplate"), dict):
        _default_conditions(spec["trialTemplate"])
    _default_collector(_child(spec, "metricsCollectorSpec"))
    for parameter in _dicts(spec.get("parameters")):
        _set(_child(parameter, "feasibleSpace"), "distribution", "uniform")


def _default_strategies(objective: Object) -> None:
    strategies = [*_dicts(objective.get("metricStrategies"))]
    named = {strategy.get("name") for strategy in strategies}
    value = _STRATEGIES.get(str(objective.get("type")), "latest")
    for name in (objective.get("objectiveMetricName"), *(objective.get("additionalMetricNames") or ())):
        if name not in named:
            strategies.append({"name": name, "value": value})
    objective["metricStrategies"] = strategies


def _default_conditions(template: Object) -> None:
    trial = template.get("trialSpec")
    kind = trial.get("kind") if isinstance(trial, dict) else None
    if kind in {"Job", "TrainJob"}:
        success = "Complete"
    elif kind in _KUBEFLOW_JOBS:
        success = "Succeeded"
    else:  # JAXJob among them: Katib knows no conditions of it
        return
    _set(template, "successCondition", _condition(success))
    _set(template, "failureCondition", _condition("Failed"))
    if kind in _KUBEFLOW_JOBS:
        _set(template, "primaryPodLabels", {"training.kubeflow.org/job-role": "master"})
    elif kind == "TrainJob":
        labels = {
            "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "batch.kubernetes.io/job-completion-index": "0",
        }
        _set(template, "primaryPodLabels", labels)


def _default_collector(collector: Object) -> None:
    kind = _child(collector, "collector")
    _set(kind, "kind", "StdOut")
    if kind["kind"] in _FILE_KINDS:
        path = _child(_child(collector, "source"), "fileSystemPath")
        for key, value in _FILE_KINDS[kind["kind"]].items():
            _set(path, key, value)
    elif kind["kind"] == "PrometheusMetric":
        http = _child(_child(collector, "source"), "httpGet")
        for key, value in _HTTP.items():
            _set(http, key, value)


def _condition(type_: str) -> str:
    """Return the path, in GJSON's language, of a condition that is true."""
    return f'status.conditions.#(type=="{type_}")#|#(status=="True")#'


def _set(part: Object, key: str, value: Any) -> None:
    if not part.get(key):  # as in Go: a zero value counts as left out
        part[key] = value


def _child(part: Object, key: str) -> Object:
    """Return a field that is an object, made where it is left out; a wrong type is left to validation."""
    if part.get(key) is None:
        part[key] = {}
    found: Object = part[key] if isinstance(part[key], dict) else {}
    return found


def _dicts(items: Any) -> list[Object]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
