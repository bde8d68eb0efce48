"""Calls of KatibClient."""

from kubeflow import katib
from kubernetes import client as kubernetes


def client(namespace):
    return katib.KatibClient(namespace=namespace)


def objective(parameters):
    print(f"loss={parameters['rate']}")


def long_objective(parameters):
    import time

    time.sleep(60)
    print(f"loss={parameters['rate']}")


def tune(namespace, name, long=False):
    client(namespace).tune(
        name=name,
        objective=long_objective if long else objective,
        parameters={"rate": katib.search.double(min=0.01, max=0.1), "width": katib.search.int(16, 64)},
        objective_metric_name="loss",
        objective_type="minimize",
        max_trial_count=3,
        algorithm_name="tpe",
        resources_per_trial={"cpu": "1"},
        base_image="python",
    )


def create_from_model(namespace, name):
    space = katib.V1beta1FeasibleSpace(min="0.01", max="0.1")
    spec = katib.V1beta1ExperimentSpec(
        algorithm=katib.V1beta1AlgorithmSpec(algorithm_name="random"),
        objective=katib.V1beta1ObjectiveSpec(type="maximize", objective_metric_name="accuracy"),
        parameters=[katib.V1beta1ParameterSpec(name="rate", parameter_type="double", feasible_space=space)],
        max_trial_count=2,
        parallel_trial_count=2,
        trial_template=katib.V1beta1TrialTemplate(
            primary_container_name="main",
            trial_parameters=[katib.V1beta1TrialParameterSpec(name="rate", reference="rate")],
            trial_spec={
                "apiVersion": "batch/v1",
                "kind": "Job",
                "spec": {
                    "template": {
                        "spec": {
                            "restartPolicy": "Never",
                            "containers": [
                                {
                                    "name": "main",
                                    "image": "busybox",
                                    "command": ["echo", "accuracy=${trialParameters.rate}"],
                                }
                            ],
                        }
                    }
                },
            },
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


def get_experiment(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_experiment(name))


def list_experiments(namespace):
    return [_name(each) for each in client(namespace).list_experiments()]


def conditions(namespace, name):
    found = client(namespace).get_experiment_conditions(name) or []
    return [each["type"] for each in katib.ApiClient().sanitize_for_serialization(found)]


def is_created(namespace, name):
    return client(namespace).is_experiment_created(name)


def edit_budget(namespace, name, **counts):
    client(namespace).edit_experiment_budget(name, **counts)


def wait(namespace, name):
    client(namespace).wait_for_experiment_condition(name, timeout=240, polling_interval=1)


def optimum(namespace, name):
    found = katib.ApiClient().sanitize_for_serialization(client(namespace).get_optimal_hyperparameters(name))
    return found or None


def trials(namespace, name):
    return [_name(each) for each in client(namespace).list_trials(name)]


def succeeded_trials(namespace, name):
    return client(namespace).get_success_trial_details(name)


def get_trial(namespace, name):
    return _name(client(namespace).get_trial(name))


def get_suggestion(namespace, name):
    return katib.ApiClient().sanitize_for_serialization(client(namespace).get_suggestion(name))


def list_suggestions(namespace):
    return [_name(each) for each in client(namespace).list_suggestions()]


def delete(namespace, name):
    client(namespace).delete_experiment(name)


def _name(found):
    return found.metadata["name"] if isinstance(found.metadata, dict) else found.metadata.name
