"""The CustomResourceDefinitions of Katib 0.19: Experiment, Suggestion and Trial (kubeflow.org/v1beta1).

Upstream's (manifests/v1beta1/components/crd) describe no field and keep everything. Here the fields of
``pkg/apis/controller`` are described, for `kubectl explain` and for types; what is not named is kept as
upstream keeps it.
"""

from __future__ import annotations

from kubelab.client import EXPERIMENTS, SUGGESTIONS, TRIALS, Object, Resource
from kubelab.engine.crds.fragments import (
    AGE,
    ANYTHING,
    BOOLEAN,
    DATE_TIME,
    INT32,
    STRING,
    STRING_MAP,
    column,
    custom_resource_definition,
    described,
    obj,
)

_KEPT: Object = {"x-kubernetes-preserve-unknown-fields": True}
_MOMENT: Object = {**DATE_TIME, "nullable": True}
_STRINGS: Object = {"type": "array", "items": STRING}
_COLUMNS = (
    column("Type", ".status.conditions[-1:].type"),
    column("Status", ".status.conditions[-1:].status"),
)
_COUNTS = ("Succeeded", "Failed", "Killed", "Pending", "Running", "EarlyStopped")
_LISTS = ("running", "pending", "failed", "succeeded", "killed", "earlyStopped", "metricsUnavailable")


def experiment_definition() -> Object:
    """Return the CustomResourceDefinition of Experiment."""
    spec = _fields(
        {
            "parameters": described(_items(_parameter()), "The search space."),
            "objective": _objective(),
            "algorithm": _algorithm(),
            "earlyStopping": _algorithm(),
            "trialTemplate": _trial_template(),
            "parallelTrialCount": described(INT32, "How many trials run at once. Defaults to 3."),
            "maxTrialCount": described(INT32, "How many finished trials complete the experiment."),
            "maxFailedTrialCount": described(INT32, "How many failed trials fail the experiment."),
            "metricsCollectorSpec": _metrics_collector(),
            "nasConfig": ANYTHING,
            "resumePolicy": STRING,
        }
    )
    optimum = _fields(
        {"bestTrialName": STRING, "parameterAssignments": _items(_pair()), "observation": _observation()}
    )
    status = _status(
        {
            "currentOptimalTrial": optimum,
            **{f"{name}TrialList": _STRINGS for name in _LISTS},
            "trials": INT32,
            **{f"trials{name}": INT32 for name in _COUNTS},
            "trialMetricsUnavailable": INT32,
        }
    )
    return _definition(EXPERIMENTS, spec, status, "Experiment is a search for the best hyperparameters.")


def suggestion_definition() -> Object:
    """Return the CustomResourceDefinition of Suggestion."""
    spec = _fields(
        {
            "algorithm": _algorithm(),
            "earlyStopping": _algorithm(),
            "requests": described(INT32, "How many suggestions are asked for."),
            "resumePolicy": STRING,
        }
    )
    assignment = _fields(
        {
            "name": STRING,
            "parameterAssignments": _items(_pair()),
            "earlyStoppingRules": _items(_rule()),
            "labels": STRING_MAP,
        }
    )
    status = _status(
        {
            "algorithmSettings": _items(_pair()),
            "suggestionCount": INT32,
            "suggestions": _items(assignment),
        }
    )
    columns = (
        *_COLUMNS,
        column("Requested", ".spec.requests", "integer"),
        column("Assigned", ".status.suggestionCount", "integer"),
    )
    description = "Suggestion holds what an algorithm proposed for an Experiment."
    return _definition(SUGGESTIONS, spec, status, description, columns)


def trial_definition() -> Object:
    """Return the CustomResourceDefinition of Trial."""
    spec = _fields(
        {
            "objective": _objective(),
            "parameterAssignments": _items(_pair()),
            "earlyStoppingRules": _items(_rule()),
            "runSpec": described(ANYTHING, "The object that runs this trial."),
            "retainRun": BOOLEAN,
            "metricsCollector": _metrics_collector(),
            "primaryPodLabels": STRING_MAP,
            **dict.fromkeys(("primaryContainerName", "successCondition", "failureCondition"), STRING),
            "labels": STRING_MAP,
        }
    )
    status = _status({"observation": _observation()})
    return _definition(TRIALS, spec, status, "Trial is one run of an Experiment with its values.")


def _definition(
    resource: Resource, spec: Object, status: Object, description: str, columns: tuple[Object, ...] = _COLUMNS
) -> Object:
    definition = custom_resource_definition(
        resource,
        {"spec": spec, "status": status},
        description=description,
        columns=(*columns, AGE),
        subresources={"status": {}},
    )
    definition["spec"]["names"]["categories"] = ["all", "kubeflow", "katib"]
    return definition


def _fields(properties: Object) -> Object:
    return obj(properties, **_KEPT)


def _items(item: Object) -> Object:
    return {"type": "array", "items": item}


def _pair() -> Object:
    return _fields({"name": STRING, "value": STRING})


def _rule() -> Object:
    return _fields({"name": STRING, "value": STRING, "comparison": STRING, "startStep": INT32})


def _parameter() -> Object:
    space = dict.fromkeys(("min", "max", "step", "distribution"), STRING)
    return _fields(
        {
            "name": STRING,
            "parameterType": described(STRING, "double, int, discrete or categorical."),
            "feasibleSpace": _fields({**space, "list": _STRINGS}),
        }
    )


def _objective() -> Object:
    return _fields(
        {
            "type": described(STRING, "minimize or maximize."),
            "goal": {"type": "number", "format": "double"},
            "objectiveMetricName": STRING,
            "additionalMetricNames": _STRINGS,
            "metricStrategies": _items(_pair()),
        }
    )


def _algorithm() -> Object:
    return _fields({"algorithmName": STRING, "algorithmSettings": _items(_pair())})


def _metrics_collector() -> Object:
    return _fields({"source": ANYTHING, "collector": _fields({"kind": STRING, "customCollector": ANYTHING})})


def _trial_template() -> Object:
    parameter = _fields({"name": STRING, "description": STRING, "reference": STRING})
    source = dict.fromkeys(("configMapName", "configMapNamespace", "templatePath"), STRING)
    return _fields(
        {
            "retain": BOOLEAN,
            "trialSpec": ANYTHING,
            "configMap": _fields(source),
            "trialParameters": _items(parameter),
            "primaryPodLabels": STRING_MAP,
            **dict.fromkeys(("primaryContainerName", "successCondition", "failureCondition"), STRING),
        }
    )


def _observation() -> Object:
    metric = _fields(dict.fromkeys(("name", "min", "max", "latest"), STRING))
    return _fields({"metrics": _items(metric)})


def _status(properties: Object) -> Object:
    condition = obj(
        {
            **dict.fromkeys(("type", "status", "reason", "message"), STRING),
            "lastUpdateTime": DATE_TIME,
            "lastTransitionTime": DATE_TIME,
        },
        required=["status", "type"],
    )
    times = dict.fromkeys(("startTime", "completionTime", "lastReconcileTime"), _MOMENT)
    return _fields({"conditions": _items(condition), **times, **properties})
