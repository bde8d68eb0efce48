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
_KUBEFLOW_JOBS = frozenset({"TFJob", "PyTorchJob", "XGBoostJob", "MPIJob", "JAXJob"})
"""Katib does not know JAXJob; it has the same conditions and labels as the others."""
_FILE_KINDS: dict[str, Object] = {
    "File": {"kind": "File", "path": "/var/log/katib/metrics.log", "format": "TEXT"},
    "TensorFlowEvent": {"kind": "Directory", "path": "/var/log/katib/tfevent/"},
}
_HTTP: Object = {"path": "/metrics", "port": 8080}


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
    strategies = _dicts(objective.get("metricStrategies"))
    named = [strategy.get("name") for strategy in strategies]
    value = _STRATEGIES.get(str(objective.get("type")), "latest")
    names = [objective.get("objectiveMetricName"), *_list(objective.get("additionalMetricNames"))]
    objective["metricStrategies"] = [
        *strategies,
        *({"name": name, "value": value} for name in names if name and name not in named),
    ]


def _default_conditions(template: Object) -> None:
    trial = template.get("trialSpec")
    kind = str(trial.get("kind")) if isinstance(trial, dict) else ""
    if kind in {"Job", "TrainJob"}:
        success = "Complete"
    elif kind in _KUBEFLOW_JOBS:
        success = "Succeeded"
    else:
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


def _default_collector(spec: Object) -> None:
    _set(_child(spec, "collector"), "kind", "StdOut")
    kind = str(_child(spec, "collector").get("kind"))
    if kind in _FILE_KINDS:
        _fill(_child(_child(spec, "source"), "fileSystemPath"), _FILE_KINDS[kind])
    elif kind == "PrometheusMetric":
        _fill(_child(_child(spec, "source"), "httpGet"), _HTTP)


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


def _fill(part: Object, values: Object) -> None:
    for key, value in values.items():
        _set(part, key, value)


def _list(items: Any) -> list[Any]:
    return items if isinstance(items, list) else []


def _dicts(items: Any) -> list[Object]:
    return [item for item in _list(items) if isinstance(item, dict)]
