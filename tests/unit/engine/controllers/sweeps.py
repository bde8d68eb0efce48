"""Experiments, Suggestions, Trials and their runs for the tests of Katib's controllers."""

from __future__ import annotations

import copy
from typing import Any

from kubelab.client import Object
from kubelab.clock import rfc3339
from kubelab.engine.apiserver.defaults.katib import default_experiment
from kubelab.engine.controllers.experiment.decision import ExperimentDecision
from kubelab.engine.controllers.experiment.decision import decide as decide_experiment
from kubelab.tuning import Problem, Report
from tests.unit.engine.controllers.objects import START, at, uid

JOB: Object = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"labels": {"team": "vision"}, "annotations": {"note": "small"}},
    "spec": {
        "template": {
            "spec": {
                "restartPolicy": "Never",
                "containers": [
                    {"name": "main", "image": "busybox", "args": ["--rate", "${trialParameters.rate}"]}
                ],
            }
        }
    },
}
RATE: Object = {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "0.1", "max": "1"}}


def experiment(name: str = "sweep", *, template: Object | None = None, **spec: Any) -> Object:
    """Return an Experiment as it is stored, with its defaults."""
    full = {
        "objective": {"type": "minimize", "objectiveMetricName": "loss"},
        "algorithm": {"algorithmName": "random"},
        "parallelTrialCount": 2,
        "maxTrialCount": 4,
        "parameters": [copy.deepcopy(RATE)],
        "trialTemplate": {
            "primaryContainerName": "main",
            "trialParameters": [{"name": "rate", "reference": "lr"}],
            "trialSpec": copy.deepcopy(JOB),
            **(template or {}),
        },
        **spec,
    }
    made: Object = {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Experiment",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": uid(),
            "generation": 1,
            "creationTimestamp": rfc3339(START),
        },
        "spec": {key: value for key, value in full.items() if value is not None},
    }
    default_experiment(made)
    return made


def to_create(made: Object) -> Object:
    """Return an Experiment as a client sends it."""
    meta = {"name": made["metadata"]["name"], "namespace": "default"}
    return {**made, "metadata": meta}


def problem(**spec: Any) -> Problem:
    """Return what such an Experiment asks for."""
    return Problem.from_experiment(experiment(**spec))


def condition(type_: str, reason: str = "", status: str = "True", message: str = "") -> Object:
    """Return a condition as Katib writes it."""
    now = rfc3339(START)
    return {
        "type": type_,
        "status": status,
        "reason": reason or type_,
        "message": message,
        "lastUpdateTime": now,
        "lastTransitionTime": now,
    }


def suggestion(of: Object, *names: str, conditions: list[Object] | None = None) -> Object:
    """Return a Suggestion that has suggested trials of these names."""
    suggested = [
        {"name": name, "parameterAssignments": [{"name": "lr", "value": str(0.1 * (number + 1))}]}
        for number, name in enumerate(names)
    ]
    meta = {**of["metadata"], "uid": uid()}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Suggestion",
        "metadata": {**meta, "ownerReferences": [{"uid": of["metadata"]["uid"], "controller": True}]},
        "spec": {"algorithm": of["spec"]["algorithm"], "requests": len(names)},
        "status": {
            "conditions": conditions or [condition("Created"), condition("Running")],
            "suggestions": suggested,
            "suggestionCount": len(suggested),
        },
    }


def trial(
    name: str = "sweep-aaaaaaaa",
    state: str = "",
    loss: str | None = None,
    *,
    of: Object | None = None,
    age_s: float = 0,
    **spec: Any,
) -> Object:
    """Return a Trial in a state, with an observation of its loss where one is given."""
    owner = (of or experiment())["metadata"]
    conditions = [condition("Created")]
    if state and state != "Running":
        conditions.append(condition("Running", status="False"))
    if state:
        conditions.append(condition(state))
    status: Object = {"conditions": conditions}
    if loss is not None:
        status["observation"] = {"metrics": [{"name": "loss", "min": loss, "max": loss, "latest": loss}]}
    return {
        "apiVersion": "kubeflow.org/v1beta1",
        "kind": "Trial",
        "metadata": {
            "name": name,
            "namespace": "default",
            "uid": uid(),
            "labels": {"katib.kubeflow.org/experiment": owner["name"]},
            "creationTimestamp": rfc3339(at(age_s)),
            "ownerReferences": [{"uid": owner["uid"], "kind": "Experiment", "controller": True}],
        },
        "spec": {
            "objective": {"type": "minimize", "objectiveMetricName": "loss"},
            "parameterAssignments": [{"name": "lr", "value": "0.5"}],
            "successCondition": 'status.conditions.#(type=="Complete")#|#(status=="True")#',
            "failureCondition": 'status.conditions.#(type=="Failed")#|#(status=="True")#',
            "primaryContainerName": "main",
            "runSpec": copy.deepcopy(JOB),
            **spec,
        },
        "status": status,
    }


def run(of: Object, *conditions: Object, owner: Object | None = None) -> Object:
    """Return the Job of a Trial, owned by it or by another object."""
    owning = (owner or of)["metadata"]
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": of["metadata"]["name"],
            "namespace": "default",
            "uid": uid(),
            "ownerReferences": [{"uid": owning["uid"], "controller": True}],
        },
        "spec": {},
        "status": {"conditions": list(conditions)},
    }


def reports(*values: float) -> tuple[Report, ...]:
    """Return reports of these values at the steps 1, 2 and so on."""
    return tuple(Report(step, value, 1000.0 + step) for step, value in enumerate(values, 1))


def decided(
    of: Object, *trials: Object, suggested: Object | None = None, at_s: float = 0
) -> ExperimentDecision:
    """Return what is decided about an Experiment."""
    return decide_experiment(of, trials, suggested, Problem.from_experiment(of), at(at_s))


def last(status: Object) -> tuple[str, str, str]:
    """Return type, status and reason of the last condition."""
    found = status["conditions"][-1]
    return found["type"], found["status"], found["reason"]
