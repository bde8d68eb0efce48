from __future__ import annotations

from typing import Any, Literal

import pytest

from kubelab import training
from kubelab_widgets.launch_form import FieldError, describe, functions_in, hyperparameters, options_of


def fit(
    rate: float = 1,
    steps: int = 300,
    name: str = "a",
    on: bool = True,
    layers: Any = (64, 64),
    kind: Literal["adam", "sgd"] = "adam",
    required: int | None = None,
    *rest: object,
) -> None:
    training.report(step=steps)


def helper(x: int) -> int:
    return x


VALUES: dict[str, Any] = {"num_nodes": "3", "cpu": "2", "memory": "512Mi", "checkpoint_every": "", "args": {}}


# Annotations are text in this module; a notebook's are objects, as here.
fit.__annotations__.update({"rate": float, "kind": Literal["adam", "sgd"]})


def test_each_parameter_is_a_field_of_its_kind() -> None:
    found = [(field.name, field.kind, field.value) for field in hyperparameters(fit, {})]
    assert found == [
        ("rate", "float", "1"),
        ("steps", "int", "300"),
        ("name", "text", "a"),
        ("on", "bool", True),
        ("layers", "literal", "(64, 64)"),
        ("kind", "choice", "adam"),
        ("required", "literal", ""),
    ]


def test_given_args_are_what_the_form_starts_with() -> None:
    form = describe([fit], {"num_nodes": 4, "args": {"rate": 0.5}, "resources": {"cpu": 2}})
    assert form["functions"][0]["fields"][0]["value"] == "0.5"
    assert {field["name"]: field["value"] for field in form["fields"]} == {
        "num_nodes": "4",
        "cpu": "2",
        "memory": "1Gi",
        "checkpoint_every": "50",
    }
    without = describe([fit], {"checkpoint_every": None})["fields"]
    assert next(field["value"] for field in without if field["name"] == "checkpoint_every") == ""


def test_texts_become_values_of_the_parameters_kinds() -> None:
    entered = {"rate": "1e-3", "steps": "5", "on": False, "layers": "[1, 2]", "kind": "sgd", "required": ""}
    options = options_of({**VALUES, "args": entered}, fit, {"kind": "JAXJob"})
    assert options == {
        "kind": "JAXJob",
        "num_nodes": 3,
        "resources": {"cpu": "2", "memory": "512Mi"},
        "checkpoint_every": None,
        "args": {"rate": 0.001, "steps": 5, "on": False, "layers": [1, 2], "kind": "sgd", "required": None},
    }


def test_a_literal_that_is_none_is_refused_with_its_field() -> None:
    with pytest.raises(FieldError, match=r"is not a Python value") as raised:
        options_of({**VALUES, "args": {"layers": "[1, "}}, fit, {})
    assert raised.value.field == "layers"


def test_the_form_offers_the_notebooks_functions_that_train() -> None:
    namespace = {"fit": fit, "helper": helper, "_fit": fit, "np": pytest, "number": 3}
    assert functions_in(namespace) == {"fit": fit}
