"""Calls of KatibClient."""

import os
import sys
from pathlib import Path
from unittest import mock

from kubeflow import katib
from kubernetes import client as kubernetes

HERE = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
"""So that a trial's Python is that of this environment, where `kubeflow.katib` is."""


def client(namespace):
    return katib.KatibClient(namespace=namespace)


def objective(parameters):
    for step in (1, 2, 3):
        print(f"loss={float(parameters['rate']) + int(parameters['width']) / step}", flush=True)


def pushed(parameters):
    from kubeflow import katib

    for step in (1, 2, 3):
        katib.report_metrics({"loss": float(parameters["rate"]) + int(parameters["width"]) / step})


FUNCTIONS = {"objective": objective, "pushed": pushed}


def tune(namespace, name, function="objective", max_trial_count=3, collector="StdOut", algorithm="tpe"):
    client(namespace).tune(
        name=name,
        objective=FUNCTIONS[function],
        parameters={"rate": katib.search.double(min=0.01, max=0.1), "width": katib.search.int(16, 64)},
        objective_metric_name="loss",
        objective_type="minimize",
        max_trial_count=max_trial_count,
        parallel_trial_count=2,
        algorithm_name=algorithm,
        resources_per_trial={"cpu": "500m"},
        base_image="python",
        env_per_trial=HERE if collector == "Push" else None,
        retain_trials=True,
        metrics_collector_config={"kind": collector},
    )


def create_from_model(namespace, name, command, resume_policy="Never", max_failed_trial_count=None):
    """Create an Experiment from the client's own classes, whose trials run a command."""
    space = katib.V1beta1FeasibleSpace(min="0.01", max="0.1")
    container = kubernetes.V1Container(name="main", image="python", command=command)
    template = kubernetes.V1PodTemplateSpec(
        spec=kubernetes.V1PodSpec(containers=[container], restart_policy="Never")
    )
    job = kubernetes.V1Job(
        api_version="batch/v1", kind="Job", spec=kubernetes.V1JobSpec(template=template, backoff_limit=0)
    )
    spec = katib.V1beta1ExperimentSpec(
        algorithm=katib.V1beta1AlgorithmSpec(algorithm_name="random"),
        objective=katib.V1beta1ObjectiveSpec(type="maximize", objective_metric_name="accuracy"),
        parameters=[katib.V1beta1ParameterSpec(name="rate", parameter_type="double", feasible_space=space)],
        max_trial_count=2,
        parallel_trial_count=1,
        max_failed_trial_count=max_failed_trial_count,
        resume_policy=resume_policy,
        trial_template=katib.V1beta1TrialTemplate(
            primary_container_name="main",
            trial_parameters=[katib.V1beta1TrialParameterSpec(name="rate", reference="rate")],
            trial_spec=job,
        ),
    )
    client(namespace).create_experiment(
        katib.V1beta1Experiment(
            api_version="kubeflow.org/v1beta1",
            kind="Experiment",
            metadata=kubernetes.V1ObjectMeta(name=name),
            spec=spec,
        )
    )


def wait(namespace, name, condition="Succeeded", timeout=300):
    """Wait for a condition and return the Experiment's own JSON."""
    found = client(namespace).wait_for_experiment_condition(
        name, expected_condition=condition, timeout=timeout, polling_interval=1
    )
    return katib.ApiClient().sanitize_for_serialization(found)


def get_experiment(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_experiment(name))


def list_experiments(namespace):
    return [_name(each) for each in client(namespace).list_experiments()]


def conditions(namespace, name):
    return [each.type for each in client(namespace).get_experiment_conditions(name) or ()]


def states(namespace, name):
    """Return what the client says that an Experiment is."""
    asked = client(namespace)
    found = {
        "created": asked.is_experiment_created(name),
        "running": asked.is_experiment_running(name),
        "restarting": asked.is_experiment_restarting(name),
        "succeeded": asked.is_experiment_succeeded(name),
        "failed": asked.is_experiment_failed(name),
    }
    return [state for state, holds in found.items() if holds]


def edit_budget(namespace, name, **counts):
    client(namespace).edit_experiment_budget(name, **counts)


def optimum(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_optimal_hyperparameters(name))


def trials(namespace, name):
    return [_name(each) for each in client(namespace).list_trials(name)]


def succeeded_trials(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_success_trial_details(name))


def get_trial(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_trial(name))


def trial_metrics(namespace, name, address):
    """Return what the db manager holds of a trial: time, name and value of each report."""
    logs = client(namespace).get_trial_metrics(name, db_manager_address=address)
    return [[each.time_stamp, each.metric.name, each.metric.value] for each in logs]


def report(namespace, name, address, metrics):
    """Report as a trial of that name does."""
    os.environ["KATIB_TRIAL_NAME"] = name
    with mock.patch("kubeflow.katib.utils.utils.get_current_k8s_namespace", lambda: namespace):
        katib.report_metrics(metrics, address)


def logs(namespace, name, trial):
    return list(client(namespace).get_job_logs(name, trial))


def get_suggestion(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_suggestion(name))


def list_suggestions(namespace):
    return [_name(each) for each in client(namespace).list_suggestions()]


def delete(namespace, name):
    client(namespace).delete_experiment(name)


def _name(found):
    return found.metadata["name"] if isinstance(found.metadata, dict) else found.metadata.name
