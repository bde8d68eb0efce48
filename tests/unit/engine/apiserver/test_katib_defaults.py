from typing import Any

import pytest

from kubelab.engine.apiserver.defaults.katib import default_experiment


def defaulted(**spec: Any) -> Any:
    experiment = {"metadata": {}, "spec": spec}
    default_experiment(experiment)
    again = {"metadata": {}, "spec": dict(experiment["spec"])}
    default_experiment(again)
    assert again == experiment
    return experiment["spec"]


def test_empty_spec_gets_counts_policy_and_collector() -> None:
    assert defaulted() == {
        "parallelTrialCount": 3,
        "resumePolicy": "Never",
        "metricsCollectorSpec": {"collector": {"kind": "StdOut"}},
    }


@pytest.mark.parametrize(("type_", "value"), [("minimize", "min"), ("maximize", "max"), ("", "latest")])
def test_metric_strategies_follow_the_objective_and_keep_what_is_given(type_: str, value: str) -> None:
    given = {"name": "loss", "value": "latest"}
    objective = {
        "type": type_,
        "objectiveMetricName": "accuracy",
        "additionalMetricNames": ["loss", "f1"],
        "metricStrategies": [given],
    }
    assert defaulted(objective=objective)["objective"]["metricStrategies"] == [
        given,
        {"name": "accuracy", "value": value},
        {"name": "f1", "value": value},
    ]


@pytest.mark.parametrize(
    ("kind", "condition", "labels"),
    [
        ("Job", "Complete", None),
        (
            "TrainJob",
            "Complete",
            {
                "jobset.sigs.k8s.io/replicatedjob-name": "node",
                "batch.kubernetes.io/job-completion-index": "0",
            },
        ),
        ("PyTorchJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
        ("JAXJob", "Succeeded", {"training.kubeflow.org/job-role": "master"}),
    ],
)
def test_known_kinds_of_trial_get_conditions(kind: str, condition: str, labels: Any) -> None:
    template = defaulted(trialTemplate={"trialSpec": {"kind": kind}})["trialTemplate"]
    assert template["successCondition"] == f'status.conditions.#(type=="{condition}")#|#(status=="True")#'
    assert template["failureCondition"] == 'status.conditions.#(type=="Failed")#|#(status=="True")#'
    assert template.get("primaryPodLabels") == labels


def test_unknown_kinds_of_trial_get_no_conditions() -> None:
    assert defaulted(trialTemplate={"trialSpec": {"kind": "Pod"}})["trialTemplate"] == {
        "trialSpec": {"kind": "Pod"}
    }


def test_parameters_are_uniform_unless_said() -> None:
    parameters = [{"name": "a"}, {"name": "b", "feasibleSpace": {"distribution": "logUniform"}}]
    assert [
        each["feasibleSpace"]["distribution"] for each in defaulted(parameters=parameters)["parameters"]
    ] == ["uniform", "logUniform"]


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        (
            "File",
            {"fileSystemPath": {"kind": "File", "path": "/var/log/katib/metrics.log", "format": "TEXT"}},
        ),
        ("TensorFlowEvent", {"fileSystemPath": {"kind": "Directory", "path": "/var/log/katib/tfevent/"}}),
        ("PrometheusMetric", {"httpGet": {"path": "/metrics", "port": 8080}}),
    ],
)
def test_collectors_get_the_places_they_read(kind: str, source: Any) -> None:
    spec = defaulted(metricsCollectorSpec={"collector": {"kind": kind}})
    assert spec["metricsCollectorSpec"] == {"collector": {"kind": kind}, "source": source}


@pytest.mark.parametrize(
    "spec",
    [
        {"parameters": "x"},
        {"parameters": ["x"]},
        {"objective": 1},
        {"metricsCollectorSpec": "x"},
        {"metricsCollectorSpec": {"collector": {"kind": ["x"]}}},
        {"trialTemplate": {"trialSpec": {"kind": {}}}},
    ],
)
def test_wrong_types_are_left_to_validation(spec: dict[str, Any]) -> None:
    result = defaulted(**spec)
    assert {key: result[key] for key in spec} == spec
