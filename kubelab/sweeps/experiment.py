"""Katib's Experiment for a search over a function's arguments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from kubelab.client import EXPERIMENTS, Object
from kubelab.training import builders
from kubelab.training.launch import DEFAULT_CHECKPOINT_EVERY
from kubelab.training.pod.environment import CHECKPOINT_DIR, CHECKPOINT_EVERY
from kubelab.training.request import JobRequest
from kubelab.training.view import CONTAINERS
from kubelab.tuning import Problem
from kubelab.tuning.space import CONDITIONS_ANNOTATION

REQUEST = "kubelab/request"
"""An annotation: what each trial's job is made from, to run one of them again at full length."""


def experiment(name: str, problem: Problem, request: JobRequest, *, max_failed: int) -> Object:
    """Return the Experiment whose trials are jobs that run the request's function.

    Parameters
    ----------
    name : str
        The Experiment's name.
    problem : Problem
        What is searched for.
    request : JobRequest
        One trial's job; its name is only a place for the trial's own.
    max_failed : int
        How many trials may fail before the search does.
    """
    made = builders.head(EXPERIMENTS, name, request.namespace)
    annotations = {builders.FUNCTION: request.function, REQUEST: json.dumps(asdict(request))}
    if (conditions := problem.parameters.conditions_json()) is not None:
        annotations[CONDITIONS_ANNOTATION] = conditions
    made["metadata"]["annotations"] = annotations
    spec: Object = {
        "parameters": problem.parameters.to_katib(),
        "objective": _objective(problem),
        "algorithm": _algorithm(problem.algorithm, problem.settings),
        "parallelTrialCount": problem.parallel,
        "maxTrialCount": problem.max_trials,
        "maxFailedTrialCount": max_failed,
        "resumePolicy": "FromVolume" if _shared_folder(problem) else "LongRunning",
        "metricsCollectorSpec": {"collector": {"kind": "StdOut"}},
        "trialTemplate": {
            "retain": True,
            "primaryContainerName": CONTAINERS[request.kind],
            "trialParameters": [{"name": each, "reference": each} for each in problem.parameters],
            "trialSpec": _trial(problem, request),
        },
    }
    if problem.early_stopping is not None:
        stopping = problem.early_stopping
        spec["earlyStopping"] = _algorithm(stopping.algorithm, stopping.settings)
    return {**made, "spec": spec}


def request_of(made: Object) -> JobRequest | None:
    """Return what an Experiment's jobs are made from; None where kubelab did not make it."""
    text = (made["metadata"].get("annotations") or {}).get(REQUEST)
    return JobRequest(**json.loads(text)) if text else None


def _trial(problem: Problem, request: JobRequest) -> Object:
    arguments = {name: f"${{trialParameters.{name}}}" for name in problem.parameters}
    env = {**_checkpoints(problem), **request.env}
    trial = builders.build(replace(request, arguments=arguments, env=env))
    named = ("name", "namespace")  # each trial's own; Katib refuses them in a template
    return {**trial, "metadata": {key: value for key, value in trial["metadata"].items() if key not in named}}


def _checkpoints(problem: Problem) -> dict[str, str]:
    """Return the variables by which ``run.restore`` finds what a trial's parent has saved."""
    folder = _shared_folder(problem)
    return {CHECKPOINT_DIR: folder, CHECKPOINT_EVERY: str(DEFAULT_CHECKPOINT_EVERY)} if folder else {}


def _shared_folder(problem: Problem) -> str:
    """Return where trials find what their parents left; empty but for a search by pbt.

    Katib gives them a volume only with the policy FromVolume.
    """
    return problem.settings.get("suggestion_trial_dir", "") if problem.algorithm == "pbt" else ""


def _objective(problem: Problem) -> Object:
    objective: Object = {"type": problem.direction, "objectiveMetricName": problem.objective}
    if problem.goal is not None:
        objective["goal"] = problem.goal
    if problem.additional_metrics:
        objective["additionalMetricNames"] = list(problem.additional_metrics)
    return objective


def _algorithm(name: str, settings: Mapping[str, str]) -> Object:
    made: Object = {"algorithmName": name}
    if settings:
        made["algorithmSettings"] = [{"name": key, "value": value} for key, value in settings.items()]
    return made
