import copy
from collections.abc import Callable
from typing import Any

import pytest

from kubelab.client import CUSTOM_RESOURCE_DEFINITIONS, EXPERIMENTS, Client, Object
from kubelab.engine.apiserver.validation.experiments import (
    validate_experiment,
    validate_experiment_update,
)
from kubelab.engine.crds.katib import experiment_definition
from kubelab.errors import InvalidError
from tests.unit.engine.controllers.sweeps import condition, experiment, to_create

Change = Callable[[Object], object]


def fields(made: Object) -> dict[str, str]:
    return {cause.field: cause.message for cause in validate_experiment(made)}


def test_a_good_experiment_has_no_causes() -> None:
    assert fields(experiment()) == {}


@pytest.mark.parametrize(
    ("spec", "field", "message"),
    [
        ({"maxTrialCount": 0, "parallelTrialCount": 1}, "spec.maxTrialCount", "must be greater than 0"),
        ({"parallelTrialCount": -1}, "spec.parallelTrialCount", "must be greater than 0"),
        ({"maxFailedTrialCount": -1}, "spec.maxFailedTrialCount", "should not be less than 0"),
        (
            {"parallelTrialCount": 5, "maxTrialCount": 4},
            "spec.parallelTrialCount",
            "should be less than or equal to spec.maxTrialCount",
        ),
        (
            {"maxFailedTrialCount": 5, "maxTrialCount": 4},
            "spec.maxFailedTrialCount",
            "should be less than or equal to spec.maxTrialCount",
        ),
        ({"objective": None}, "spec.objective", "must be specified"),
        (
            {"objective": {"type": "best", "objectiveMetricName": "loss"}},
            "spec.objective.type",
            "must be minimize or maximize",
        ),
        ({"objective": {"type": "minimize"}}, "spec.objective.objectiveMetricName", "must be specified"),
        ({"algorithm": {}}, "spec.algorithm.algorithmName", "must be specified"),
        ({"algorithm": {"algorithmName": "magic"}}, "spec.algorithm.algorithmName", "grid"),
        (
            {
                "algorithm": {
                    "algorithmName": "random",
                    "algorithmSettings": [{"name": "seeed", "value": "1"}],
                }
            },
            "spec.algorithm.algorithmSettings",
            "random_state",
        ),
        (
            {"earlyStopping": {"algorithmName": "luck"}},
            "spec.earlyStopping.algorithmName",
            "medianstop",
        ),
        ({"resumePolicy": "Sometimes"}, "spec.resumePolicy", "use one of Never, LongRunning, FromVolume"),
        ({"trialTemplate": None}, "spec.trialTemplate", "must be specified"),
        (
            {"metricsCollectorSpec": {"collector": {"kind": "PrometheusMetric"}}},
            "spec.metricsCollectorSpec.collector.kind",
            "does not read metrics that way: use one of StdOut, File, Push, None",
        ),
        (
            {"metricsCollectorSpec": {"source": {"filter": {"metricsFormat": ["one"]}}}},
            "spec.metricsCollectorSpec.source.filter.metricsFormat",
            "has 0 groups where two are needed",
        ),
        (
            {
                "metricsCollectorSpec": {
                    "collector": {"kind": "File"},
                    "source": {"fileSystemPath": {"path": "relative", "kind": "File", "format": "CSV"}},
                }
            },
            "spec.metricsCollectorSpec.source.fileSystemPath.format",
            "TEXT or JSON",
        ),
        (
            {
                "parameters": [
                    {"name": "lr", "parameterType": "double", "feasibleSpace": {"min": "2", "max": "1"}}
                ]
            },
            "spec.parameters",
            "lr",
        ),
        ({"nasConfig": {"graphConfig": {}}}, "spec", "architecture search"),
    ],
)
def test_what_is_wrong_with_a_spec_is_named(spec: dict[str, Any], field: str, message: str) -> None:
    assert message in fields(experiment(**spec))[field]


TEMPLATE = "spec.trialTemplate"


@pytest.mark.parametrize(
    ("change", "field", "message"),
    [
        (
            lambda each: each.pop("primaryContainerName"),
            f"{TEMPLATE}.primaryContainerName",
            "must be specified",
        ),
        (lambda each: each.pop("trialParameters"), f"{TEMPLATE}.trialParameters", "must be specified"),
        (lambda each: each.pop("trialSpec"), TEMPLATE, "one of trialSpec and configMap must be specified"),
        (lambda each: each.update(successCondition="status.*"), f"{TEMPLATE}.successCondition", "not known"),
        (lambda each: each.update(configMap={}, trialSpec=None), f"{TEMPLATE}.configMap", "templatePath"),
        (
            lambda each: each["trialSpec"]["metadata"].update(name="mine"),
            TEMPLATE,
            "metadata.name and metadata.namespace in spec.trialTemplate must be omitted",
        ),
        (
            lambda each: each["trialSpec"].update(kind="Pod"),
            f"{TEMPLATE}.trialSpec",
            "JAXJob (kubeflow.org/v1)",
        ),
        (lambda each: each["trialSpec"].pop("kind"), f"{TEMPLATE}.trialSpec", "APIVersion and Kind"),
        (
            lambda each: each["trialParameters"][0].update(reference="momentum"),
            f"{TEMPLATE}.trialParameters[0].reference",
            "does not exist in spec.parameters: lr",
        ),
        (
            lambda each: each["trialParameters"][0].update(name="speed"),
            f"{TEMPLATE}.trialParameters[0].name",
            "${trialParameters.speed} is not in the trial template",
        ),
        (
            lambda each: each["trialParameters"].append({"name": "rate", "reference": "x"}),
            f"{TEMPLATE}.trialParameters[1].name",
            "is there twice",
        ),
        (
            lambda each: each["trialParameters"].append({"name": "{", "reference": "x"}),
            f"{TEMPLATE}.trialParameters[1]",
            "must not contain",
        ),
        (
            lambda each: each["trialParameters"].clear(),
            f"{TEMPLATE}.trialParameters",
            "the parameter lr is not referred to",
        ),
    ],
)
def test_what_is_wrong_with_a_template_is_named(change: Change, field: str, message: str) -> None:
    made = experiment()
    change(made["spec"]["trialTemplate"])
    assert message in fields(made)[field]


@pytest.mark.parametrize("name", ["Upper", "1digit", "ends-", "a" * 41])
def test_names_are_short_and_start_with_a_letter(name: str) -> None:
    assert "metadata.name" in fields(experiment(name))


def updated(old: Object, **spec: Any) -> dict[str, str]:
    new = copy.deepcopy(old)
    new["spec"].update(spec)
    return {cause.field: cause.message for cause in validate_experiment_update(new, old)}


def over(reason: str = "ExperimentMaxTrialsReached", **spec: Any) -> Object:
    made = experiment(**spec)
    made["status"] = {"trials": 4, "conditions": [condition("Succeeded", reason)]}
    return made


def test_only_the_three_counts_are_editable() -> None:
    assert updated(experiment(), parallelTrialCount=3, maxTrialCount=8, maxFailedTrialCount=2) == {}
    refused = updated(experiment(), algorithm={"algorithmName": "tpe"})
    names = "spec.parallelTrialCount, spec.maxTrialCount and spec.maxFailedTrialCount"
    assert refused == {"spec": f"Forbidden: only {names} are editable"}


def test_an_experiment_that_is_over_restarts_only_after_max_trials_and_if_it_may_resume() -> None:
    assert updated(over(resumePolicy="LongRunning"), maxTrialCount=8) == {}
    assert "spec.resumePolicy" in updated(over(resumePolicy="Never"), maxTrialCount=8)
    assert "spec.resumePolicy" in updated(
        over("ExperimentGoalReached", resumePolicy="FromVolume"), maxTrialCount=8
    )


def test_the_budget_must_be_more_than_the_trials_that_there_are() -> None:
    assert "status.trials" in updated(over(resumePolicy="LongRunning"), maxTrialCount=3)["spec.maxTrialCount"]


def test_nothing_is_checked_where_the_spec_stays() -> None:
    assert updated(over("ExperimentGoalReached")) == {}


@pytest.fixture
async def katib(client: Client) -> Client:
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, experiment_definition())
    return client


async def test_the_server_refuses_an_experiment_that_is_no_search(katib: Client) -> None:
    with pytest.raises(InvalidError, match="algorithm 'magic' is not known") as error:
        await katib.create(EXPERIMENTS, to_create(experiment(algorithm={"algorithmName": "magic"})))
    assert [cause["field"] for cause in error.value.causes] == ["spec.algorithm.algorithmName"]


async def test_the_server_refuses_a_change_of_what_is_not_editable(katib: Client) -> None:
    await katib.create(EXPERIMENTS, to_create(experiment()))
    with pytest.raises(InvalidError, match="are editable"):
        await katib.patch(EXPERIMENTS, "sweep", {"spec": {"algorithm": {"algorithmName": "tpe"}}}, "default")
    await katib.patch(EXPERIMENTS, "sweep", {"spec": {"maxTrialCount": 9}}, "default")
    await katib.patch(EXPERIMENTS, "sweep", {"metadata": {"labels": {"a": "b"}}}, "default")
