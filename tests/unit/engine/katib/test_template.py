import copy
from typing import Any

import pytest

from kubelab.client import Object
from kubelab.engine.katib.template import TemplateError, is_metadata_reference, run_spec, source_of
from tests.unit.engine.controllers.sweeps import JOB, experiment


def filled(reference: str, **template: Any) -> Object:
    of = experiment(template={"trialParameters": [{"name": "rate", "reference": reference}], **template})
    return run_spec(of, source_of(of["spec"]["trialTemplate"], None), "sweep-abcdefgh", {})


def test_parameters_are_put_in_by_their_reference() -> None:
    of = experiment()
    run = run_spec(of, of["spec"]["trialTemplate"]["trialSpec"], "sweep-abcdefgh", {"lr": "0.25"})
    assert run["spec"]["template"]["spec"]["containers"][0]["args"] == ["--rate", "0.25"]
    assert run["metadata"] == {**JOB["metadata"], "name": "sweep-abcdefgh", "namespace": "default"}
    assert of["spec"]["trialTemplate"]["trialSpec"] == JOB, "the template itself is not changed"


def test_placeholders_in_the_middle_of_a_text_and_in_keys_are_filled_in() -> None:
    spec = copy.deepcopy(JOB)
    spec["metadata"]["labels"] = {"x-${trialParameters.rate}": "a ${trialParameters.rate} b"}
    run = run_spec(experiment(template={"trialSpec": spec}), spec, "name", {"lr": "1"})
    assert run["metadata"]["labels"] == {"x-1": "a 1 b"}


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("${trialSpec.Name}", "sweep-abcdefgh"),
        ("${trialSpec.Namespace}", "default"),
        ("${trialSpec.Kind}", "Job"),
        ("${trialSpec.APIVersion}", "batch/v1"),
        ("${trialSpec.Labels[team]}", "vision"),
        ("${trialSpec.Annotations[note]}", "small"),
    ],
)
def test_metadata_of_the_trial_is_put_in(reference: str, value: str) -> None:
    assert is_metadata_reference(reference)
    assert filled(reference)["spec"]["template"]["spec"]["containers"][0]["args"] == ["--rate", value]


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("${trialSpec.Labels[none]}", "does not have"),
        ("${trialSpec.Uid}", "does not have"),
        ("momentum", "'momentum', which is no parameter"),
    ],
)
def test_a_reference_to_nothing_is_an_error(reference: str, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        filled(reference)


def test_a_parameter_that_is_not_in_the_template_is_an_error() -> None:
    of = experiment()
    with pytest.raises(TemplateError, match="momentum are not in the trial template"):
        run_spec(of, JOB, "name", {"lr": "1", "momentum": "0.9"})


def test_a_parameter_that_does_not_count_in_this_trial_is_an_empty_text() -> None:
    run = run_spec(experiment(), JOB, "name", {})
    assert run["spec"]["template"]["spec"]["containers"][0]["args"] == ["--rate", ""]


TEXT = """
apiVersion: batch/v1
kind: Job
spec:
  parallelism: ${trialParameters.rate}
"""
PLACE = {"configMapName": "templates", "configMapNamespace": "default", "templatePath": "job.yaml"}


def test_a_template_from_a_config_map_is_filled_in_as_text() -> None:
    of = experiment(template={"trialSpec": None, "configMap": PLACE})
    source = source_of(of["spec"]["trialTemplate"], {"data": {"job.yaml": TEXT}})
    assert run_spec(of, source, "name", {"lr": "2"})["spec"] == {"parallelism": 2}


@pytest.mark.parametrize(
    ("config_map", "problem"),
    [
        (None, "ConfigMap default/templates, which does not exist"),
        ({"data": {"other.yaml": ""}}, "no key 'job.yaml'.*It has: other.yaml"),
    ],
)
def test_a_template_that_is_not_there_is_an_error(config_map: Object | None, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        source_of({"configMap": PLACE}, config_map)


@pytest.mark.parametrize("text", ["- a\n- b", "a: [", "text"])
def test_a_text_that_holds_no_object_is_an_error(text: str) -> None:
    of = experiment(template={"trialSpec": None, "configMap": PLACE})
    with pytest.raises(TemplateError, match="trial template"):
        run_spec(of, text, "name", {"lr": "1"})
